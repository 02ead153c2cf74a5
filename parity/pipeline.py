"""One image through one runtime: preprocess, network, decode, with every stage's output kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from parity import preprocess
from parity.agreement import nonfinite
from parity.decode import Declared, Decoder, Unread, doubts
from parity.decode.decoder import function as named
from parity.detections import Side
from parity.errors import HeadsError, ImageError
from parity.preprocess import Prepared
from parity.runtimes.contract import TensorSpec
from parity.session import Session, dataset
from parity.suite import Recipe, Runtime, Suite
from parity.tensors import Array


@dataclass(frozen=True, eq=False)
class Network:
    """What the network made of one image: heads by role, real numbers, before any decoding.

    ``unread``: what the family does not read of its outputs.
    """

    heads: dict[str, Array]
    specs: dict[str, TensorSpec]
    layout: str
    milliseconds: float
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, eq=False)
class Stages:
    """Every stage of one image in one runtime. ``milliseconds`` are by stage name.

    ``side`` is None where the heads hold NaN or infinity: those are never decoded.
    """

    image: str
    prepared: Prepared
    network: Network
    side: Side | None
    milliseconds: dict[str, float]


class Inputs(Protocol):
    """Recorded inputs, which stand in for a recipe whose library is not installed here."""

    def covers(self, recipe: Recipe) -> bool:
        """Whether the inputs are those of this recipe."""
        ...

    def pixels(self, image: str) -> Array:
        """What ``preprocess.restored`` makes the input of."""
        ...


class Images:
    """The suite's images, read and prepared once for each recipe; the last ones are kept.

    ``recorded`` gives the recorded inputs when a library turns out not to be installed.
    """

    def __init__(
        self, suite: Suite, keep: int = 64, recorded: Callable[[], Inputs | None] = lambda: None
    ) -> None:
        self._suite = suite
        self._keep = keep
        self._recorded = recorded
        self._prepared: OrderedDict[tuple[str, Recipe], Prepared] = OrderedDict()

    def missing(self, recipe: Recipe) -> str | None:
        """Why images cannot be prepared here because something is not installed; else None."""
        return None if self.stood_in(recipe) else preprocess.missing(recipe)

    def stood_in(self, recipe: Recipe) -> bool:
        """Whether recorded inputs take the place of a library that is not installed."""
        return preprocess.missing(recipe) is not None and self._stand_in(recipe) is not None

    def _stand_in(self, recipe: Recipe) -> Inputs | None:
        recorded = self._recorded()
        return recorded if recorded is not None and recorded.covers(recipe) else None

    def prepared(self, image: str, recipe: Recipe) -> Prepared:
        """One image by one recipe. Raises ``ImageError`` or ``SuiteError``."""
        key = (image, recipe)
        if key not in self._prepared:
            self._prepared[key] = self._prepare(image, recipe)
            while len(self._prepared) > self._keep:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return self._prepared[key]

    def _prepare(self, image: str, recipe: Recipe) -> Prepared:
        path = self._suite.image_path(image)
        if self.stood_in(recipe) and (recorded := self._stand_in(recipe)) is not None:
            height, width = preprocess.read_image(path).shape[:2]
            return preprocess.restored(recorded.pixels(image), (height, width), recipe)
        pixels = preprocess.read_image(path, recipe.decoder)
        function = None
        if recipe.function is not None:
            function = named(recipe.function, self._suite.path, "preprocess.function")
        try:
            return preprocess.prepare(pixels, recipe, function, where=image)
        except ValueError as error:
            raise ImageError(image, str(error)) from error


def decoder(suite: Suite, runtime: Runtime) -> Decoder:
    """The decoder of a runtime of the suite. Raises ``SuiteError`` for settings of no use."""
    return Decoder(
        Declared(
            runtime=runtime.name,
            settings=runtime.decode,
            outputs=runtime.table.outputs,
            classes=len(suite.classes),
            size=runtime.recipe.size,
            stride=runtime.recipe.stride,
            suite=suite.path,
        )
    )


class Pipeline:
    """One runtime of a suite, open, from image to detections.

    ``doubts``: what the first image's heads say against the settings of decoding. ``unread``: what
    of its outputs the family does not read.
    """

    def __init__(self, suite: Suite, name: str, images: Images) -> None:
        self.runtime = suite.runtimes[name]
        self.decoder = decoder(suite, self.runtime)
        self.layout = ""
        self.doubts: tuple[str, ...] | None = None
        self.unread: tuple[Unread, ...] = ()
        self._images = images
        self.session = Session(self.runtime, suite.folder, dataset(suite))

    def network(self, image: str, prepared: Prepared) -> Network:
        """The heads of one prepared image, bound to their roles."""
        outputs = self.session.run(prepared.canvas, image)
        self.layout = outputs.layout
        specs = outputs.specs
        bound = self.decoder.bind(outputs.heads, specs)
        heads = {role: outputs.heads[name] for role, name in bound.items()}
        self._need_numbers(heads, bound)
        if self.doubts is None:
            self.doubts = doubts(outputs.heads, heads, self.runtime.decode, prepared.size)
            self.unread = self.decoder.unread(outputs.heads, bound)
        return Network(
            heads=self.decoder.trimmed(heads),
            specs={role: specs[name] for role, name in bound.items() if name in specs},
            layout=outputs.layout,
            milliseconds=outputs.milliseconds,
            unread=self.unread,
        )

    def _need_numbers(self, heads: Mapping[str, Array], bound: Mapping[str, str]) -> None:
        for role, array in heads.items():
            if array.dtype.kind in "OUSMm":
                raise HeadsError(
                    self.runtime.name,
                    f"expected numbers in the output {bound[role]!r}, which is bound to {role}, "
                    f"found {array.dtype}",
                )

    def prepared(self, image: str, recipe: Recipe | None = None) -> Prepared:
        """One image as this runtime's recipe, or another, prepares it."""
        return self._images.prepared(image, recipe or self.runtime.recipe)

    def stages(self, image: str, band: float) -> Stages:
        """One image through every stage, seen down to ``band`` below the threshold."""
        started = time.perf_counter()
        prepared = self.prepared(image)
        elapsed = (time.perf_counter() - started) * 1e3
        return self.stages_of(image, prepared, band, elapsed)

    def stages_of(
        self, image: str, prepared: Prepared, band: float, preprocess_ms: float = 0.0
    ) -> Stages:
        """A prepared image through network and decoding."""
        network = self.network(image, prepared)
        return staged(self.decoder, image, prepared, network, band, preprocess_ms)

    def close(self) -> None:
        """Release the runtime."""
        self.session.close()


def staged(
    decoder: Decoder,
    image: str,
    prepared: Prepared,
    network: Network,
    band: float,
    preprocess_ms: float = 0.0,
) -> Stages:
    """Decode a network's heads and put every stage's output together."""
    started = time.perf_counter()
    finite = not any(nonfinite(network.heads, ""))
    side = decoder.side(network.heads, prepared, band, image) if finite else None
    milliseconds = {
        "preprocess": preprocess_ms,
        "network": network.milliseconds,
        "decode": (time.perf_counter() - started) * 1e3,
    }
    return Stages(image, prepared, network, side, milliseconds)
