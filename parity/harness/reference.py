"""Where the reference's heads come from: the native runtime, run now, or its recorded goldens."""

from __future__ import annotations

import io
import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from parity import golden
from parity.decode import Unread
from parity.errors import GoldenError, RuntimeMissing
from parity.files import write_all
from parity.golden import Golden
from parity.pipeline import Images, Network, Pipeline, Stages, decoder, staged
from parity.record.codec import many_from_data, to_data
from parity.session import missing
from parity.suite import Suite

SOURCES = ("auto", "golden")  # what may be asked for
MEMORY = 256 << 20  # bytes of reference heads and inputs kept; older images are run again
AT_ONCE = 64  # images that one process runs for all others while it holds the lock


class Heads(Protocol):
    """Gives the reference's heads of an image, and says where they come from."""

    source: str

    def network(self, image: str) -> Network:
        """The heads of one image."""
        ...


class Native:
    """The reference runtime, opened when it is first needed."""

    source = "native"

    def __init__(self, images: Images, open_: Callable[[], Pipeline]) -> None:
        self._images = images
        self._open = open_

    def network(self, image: str) -> Network:
        """The heads of one image."""
        pipeline = self._open()
        return pipeline.network(image, self._images.prepared(image, pipeline.runtime.recipe))


class Shared:
    """The native reference run once for several processes: heads in a folder, under a lock."""

    source = "native"

    def __init__(self, suite: Suite, native: Native, folder: Path) -> None:
        from filelock import FileLock

        self._suite = suite
        self._native = native
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(str(folder / "lock"))

    def network(self, image: str) -> Network:
        """The heads of one image, run here only if no other process did."""
        if not self._file(image).exists():
            with self._lock:
                if not self._file(image).exists():
                    self._run_from(image)
        with np.load(self._file(image), allow_pickle=False) as file:
            heads = {name.removeprefix("head:"): file[name] for name in file.files if ":" in name}
            unread = many_from_data(Unread, json.loads(str(file["unread"])))
            return Network(heads, {}, str(file["layout"]), float(file["milliseconds"]), unread)

    def _run_from(self, image: str) -> None:
        first = self._suite.images.index(image)
        self._write(image)
        for other in self._suite.images[first + 1 : first + AT_ONCE]:
            if self._file(other).exists():
                continue
            try:
                self._write(other)
            except Exception:  # that image's own test will meet and report it
                continue

    def _write(self, image: str) -> None:
        network = self._native.network(image)
        buffer = io.BytesIO()
        heads: dict[str, Any] = {f"head:{role}": array for role, array in network.heads.items()}
        layout, elapsed = np.array(network.layout), np.array(network.milliseconds)
        unread = np.array(json.dumps([to_data(one) for one in network.unread]))
        np.savez(buffer, layout=layout, milliseconds=elapsed, unread=unread, **heads)
        write_all(self._folder, {self._file(image).name: buffer.getvalue()})

    def _file(self, image: str) -> Path:
        return self._folder / f"{self._suite.images.index(image):06d}.npz"


class Recorded:
    """The recorded goldens in the place of the reference."""

    source = "golden"

    def __init__(self, recorded: Golden) -> None:
        self.golden = recorded

    def network(self, image: str) -> Network:
        """The recorded heads of one image."""
        return self.golden.network(image)


class Reference:
    """The reference's stages of every image, from whichever source."""

    def __init__(self, suite: Suite, images: Images, heads: Heads) -> None:
        self._runtime = suite.runtimes[suite.reference]
        self.decoder = decoder(suite, self._runtime)
        self._images = images
        self._band = widest_band(suite)
        self._times: dict[str, float] = {}
        self._kept: OrderedDict[str, Stages] = OrderedDict()
        self.heads = heads

    def stages(self, image: str) -> Stages:
        """One image, seen as far down as any candidate needs; the last are kept."""
        if image not in self._kept:
            self._kept[image] = self._stages(image)
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > MEMORY:
                self._kept.popitem(last=False)
        return self._kept[image]

    def _stages(self, image: str) -> Stages:
        prepared = self._images.prepared(image, self._runtime.recipe)
        network = self.heads.network(image)
        self._times[image] = network.milliseconds
        stages = staged(self.decoder, image, prepared, network, self._band)
        heads = self.heads
        if isinstance(heads, Recorded) and stages.side is not None:
            _same_decoding(heads.golden, stages)
        return stages

    def milliseconds(self) -> float | None:
        """Median time of the network on one image; None where it was recorded, not run."""
        times = [one for one in self._times.values() if one]
        return float(np.median(times)) if times else None


def _same_decoding(recorded: Golden, stages: Stages) -> None:
    if not recorded.decoded_alike(stages):
        problem = (
            "expected the recorded heads to decode into the recorded detections, found others: "
            f"parity decodes otherwise since; {golden.REMEDY}"
        )
        raise GoldenError(stages.image, [problem])


def widest_band(suite: Suite) -> float:
    """How far below the reference's threshold one decoding serves all candidates.

    Down to the band of each below its own threshold, which may be lower than the reference's.
    """
    threshold = suite.runtimes[suite.reference].decode.score_threshold
    return max(
        one.tolerance.band + max(threshold - one.decode.score_threshold, 0.0)
        for one in suite.runtimes.values()
    )


def choose(
    suite: Suite,
    images: Images,
    wanted: str,
    shared: Path | None,
    open_: Callable[[], Pipeline],
) -> Heads:
    """The source of the reference: what was asked for, or the golden where nothing else can run.

    ``open_`` gives the open native reference when it is needed.

    Raises ``GoldenError`` for goldens that are asked for and absent or stale, ``RuntimeMissing``
    where the native framework is not installed and nothing was recorded.
    """
    if wanted == "golden":
        return Recorded(golden.load(suite))
    runtime = suite.runtimes[suite.reference]
    reason = missing(runtime) or images.missing(runtime.recipe)
    if reason is None:
        native = Native(images, open_)
        return native if shared is None else Shared(suite, native, shared)
    if golden.exists(suite):
        return Recorded(golden.load(suite))
    raise RuntimeMissing(
        suite.reference,
        f"{reason}, and no golden was recorded to stand in for it: {golden.REMEDY}",
    )


def _size(stages: Stages) -> int:
    heads = sum(array.nbytes for array in stages.network.heads.values())
    return heads + stages.prepared.canvas.nbytes
