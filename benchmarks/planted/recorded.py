"""Real detectors: every runtime run once, its heads kept, to be judged and damaged at leisure."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.planted.draft import Draft
from benchmarks.planted.scenes import Floats, Heads, Settings
from benchmarks.processes import ROOT
from parity import decode
from parity.agreement import ImageAgreement, judge
from parity.boxes import Placement
from parity.decode import Decoder, by_family
from parity.detections import Side, Suppression
from parity.pipeline import Array, Images, Pipeline
from parity.preprocess import Prepared
from parity.session import missing
from parity.suite import Runtime, Suite, load
from parity.suite.tolerance import Tolerance

PUBLISHED = """
[detector]
name = "published-rfb320"
reference = "onnx"
images = ["{zoo}/images/*.jpg"]
classes = ["face"]

[preprocess]
size = [240, 320]
kernel = "opencv:linear"
mean = 127
std = 128

[decode]
family = "boxes-scores"
score_threshold = 0.7
nms_iou = 0.3
[decode.boxes-scores]
box_format = "xyxy"
normalized = true
background = 0

[runtimes.onnx]
kind = "onnxruntime"
model = "{zoo}/rfb320.onnx"
"""

RAW = """
[runtimes.{name}]
kind = "{kind}"
model = "{zoo}/rfb320_raw.{suffix}"
[runtimes.{name}.decode]
family = "ssd"
[runtimes.{name}.decode.ssd]
variances = [0.1, 0.2]
background = 0
[runtimes.{name}.decode.ssd.priors]
maps = [[30, 40], [15, 20], [8, 10], [4, 5]]
sizes = [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]]
clip = true
"""

Spoil = Callable[[dict[str, Array]], dict[str, Array]]


@dataclass(frozen=True, eq=False)
class Ran:
    """One runtime of a suite and the heads that it gave for each image."""

    runtime: Runtime
    decoder: Decoder
    heads: list[dict[str, Array]]
    prepared: list[Prepared]
    decoded: list[Heads]

    @property
    def settings(self) -> Settings:
        """How it chooses among what it finds."""
        how = self.runtime.decode
        return Settings(how.score_threshold, Suppression(how.nms, how.nms_iou, how.max_detections))

    def side(self, at: int, band: float, spoil: Spoil | None = None) -> Side:
        """One image, decoded; what ``spoil`` makes of the heads."""
        heads = self.heads[at] if spoil is None else spoil(self.heads[at])
        return self.decoder.side(heads, self.prepared[at], band)


@dataclass(frozen=True, eq=False)
class Recorded:
    """A reference and a candidate, which is healthy."""

    name: str
    reference: Ran
    candidate: Ran

    @property
    def tolerance(self) -> Tolerance:
        """By which the suite judges the candidate."""
        return self.candidate.runtime.tolerance

    def __len__(self) -> int:
        return len(self.reference.heads)

    def pairs(
        self, images: Sequence[int], spoil: Spoil | None = None
    ) -> list[tuple[Side, Side, Placement]]:
        """Both sides of some images, and where each stands in the reference's input."""
        band = self.tolerance.band
        return [
            (
                self.reference.side(at, band),
                self.candidate.side(at, band, spoil),
                self.reference.prepared[at].placement,
            )
            for at in images
        ]

    def agreements(self) -> list[ImageAgreement]:
        """Every image as it is, judged."""
        return [
            judge(ours, theirs, self.tolerance, into.scale)
            for ours, theirs, into in self.pairs(range(len(self)))
        ]

    def draft(self, images: Sequence[int]) -> Draft:
        """Some images, to be damaged."""
        return Draft(
            [self.reference.decoded[at] for at in images],
            [self.candidate.decoded[at].copy() for at in images],
            self.reference.settings,
            self.candidate.settings,
            self.tolerance,
        )


def bundled() -> Iterator[Recorded]:
    """Each candidate of the bundled suites that can be run here."""
    for folder in ("parts_ssd", "parts_free"):
        yield from _recorded(load(ROOT / "golden" / folder))


def published() -> Iterator[Recorded]:
    """The published face detector: its authors' decoded ONNX file, and their raw files."""
    folder = Path(os.environ["PARITY_ZOO"]) / "ultralight"
    text = PUBLISHED.format(zoo=folder)
    text += RAW.format(name="onnx_raw", kind="onnxruntime", suffix="onnx", zoo=folder)
    text += RAW.format(name="tflite", kind="tflite", suffix="tflite", zoo=folder)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "parity.toml"
        path.write_text(text)
        yield from _recorded(load(path))


def _recorded(suite: Suite) -> Iterator[Recorded]:
    images = Images(suite)
    absent = missing(suite.runtimes[suite.reference])
    if absent:
        print(f"  {suite.name}: not run, {absent}")
        return
    reference = _ran(suite, suite.reference, images)
    for name in suite.candidates:
        if absent := missing(suite.runtimes[name]):
            print(f"  {suite.name} {name}: not run, {absent}")
        else:
            yield Recorded(f"{suite.name} {name}", reference, _ran(suite, name, images))


def _ran(suite: Suite, name: str, images: Images) -> Ran:
    pipeline = Pipeline(suite, name, images)
    runtime, decoder = pipeline.runtime, pipeline.decoder
    prepared = [pipeline.prepared(image) for image in suite.images]
    heads = [
        pipeline.network(image, one).heads
        for image, one in zip(suite.images, prepared, strict=True)
    ]
    pipeline.close()
    decoded = [
        _decoded(suite, runtime, one, where) for one, where in zip(heads, prepared, strict=True)
    ]
    return Ran(runtime, decoder, heads, prepared, decoded)


def _decoded(suite: Suite, runtime: Runtime, heads: dict[str, Array], where: Prepared) -> Heads:
    """As made-up ones are: a box and a score per class for each row."""
    how = runtime.decode
    loaded = by_family.loaded(how, suite.folder, where.size, None)
    found = decode.decode(heads, how, len(suite.classes), where.size, loaded)
    boxes: Floats = np.asarray(found.boxes, dtype=np.float64)
    owner = np.zeros(len(boxes), dtype=np.int64)
    return Heads(boxes, found.scores, where.placement, where.image_size, where.size, owner)


def _head(role: str, change: Callable[[Array], Array]) -> Spoil:
    return lambda heads: {**heads, role: change(heads[role])}


def _off_by_one(background: bool) -> Callable[[Array], Array]:
    first = int(background)
    return lambda scores: np.concatenate(
        [scores[..., :first], np.roll(scores[..., first:], 1, axis=-1)], axis=-1
    )


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def spoilers(runtime: Runtime) -> dict[str, Spoil]:
    """What may be wrong with the heads of a runtime's family while its network is right."""
    background = runtime.decode.family == "ssd"
    found = {
        "head: x and y of boxes swapped": _head("boxes", lambda one: one[..., [1, 0, 3, 2]]),
        "head: boxes zero": _head("boxes", lambda one: one * 0),
        "head: scores zero": _head("scores", lambda one: one * 0),
        "head: classes off by one": _head("scores", _off_by_one(background)),
    }
    if background:
        found["head: background last"] = _head("scores", lambda one: np.roll(one, -1, axis=-1))
        found["head: softmax twice"] = _head("scores", _softmax)
        found["head: other variances"] = _head("boxes", lambda one: one * 2)
    else:
        found["head: sigmoid twice"] = _head("scores", lambda one: 1 / (1 + np.exp(-one)))
        found["head: half a cell off"] = _head("boxes", lambda one: one + np.array([4, 4, 0, 0]))
    return found
