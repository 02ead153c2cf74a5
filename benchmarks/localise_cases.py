"""The pairs of runtimes that ``localise.py`` damages: bundled detectors and the published one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.subjects.opening import open_runtime
from parity.layers.subjects.subject import Subject
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.pipeline import Images
from parity.runtimes.contract import Artifact
from parity.suite import Suite, load
from parity.tensors import Array

ROOT = Path(__file__).parent.parent / "golden"
Feeds = dict[str, Array]
Maker = Callable[[], tuple[Subject, Feeds]]


@dataclass(frozen=True)
class Case:
    """One pair of runtimes: how to open the reference and feed it, the candidate's file and input.

    ``unlike`` says why the two differ before anything is damaged; "" where they do not.
    """

    name: str
    reference: Maker
    candidate: str
    feed: Array
    quantized: bool
    unlike: str = ""


def cases() -> Iterator[Case]:
    """Float and int8 pairs of the bundled detectors, and the published one where it is at hand."""
    for folder in ("parts_ssd", "parts_free"):
        suite = load(ROOT / folder)
        for name, runtime in suite.runtimes.items():
            path = str(suite.folder / runtime.table.model)
            if path.endswith((".onnx", ".tflite")) and "float16" not in path:
                yield _bundled(suite, name, path)
    zoo = os.environ.get("PARITY_ZOO")
    if zoo:
        raw = f"{zoo}/ultralight/rfb320_raw"
        image = _published(Path(zoo) / "ultralight" / "images" / "1.jpg")
        first = np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        onnx, tflite = (f"{raw}.onnx", first), (f"{raw}.tflite", image)
        for one, other in ((onnx, tflite), (tflite, onnx)):
            name = f"published {one[0][-6:]} > {other[0][-6:]}"
            why = "other epsilons in their batch norms, as their authors converted them"
            yield Case(name, partial(_opened_file, *one), other[0], other[1], False, why)


def _bundled(suite: Suite, name: str, path: str) -> Case:
    images = Images(suite)
    runtime = suite.runtimes[name]
    canvas = images.prepared(suite.images[0], runtime.recipe).canvas
    opened = open_runtime(suite, name, images)
    (feed,) = opened.feeds(canvas).values()
    opened.close()

    def reference() -> tuple[Subject, Feeds]:
        native = open_runtime(suite, suite.reference, images)
        return native.subject, native.feeds(canvas)

    title = f"{suite.name} {suite.reference} > {name}"
    return Case(title, reference, path, feed, "int8" in name)


def _published(path: Path) -> Array:
    import cv2

    pixels = cv2.resize(cv2.imread(str(path))[:, :, ::-1], (320, 240)).astype(np.float32)
    return np.asarray(((pixels - 127) / 128)[None], dtype=np.float32)


def _opened_file(path: str, image: Array) -> tuple[Subject, Feeds]:
    subject = open_file(path)
    return subject, {subject.graph.inputs[0]: image}


def open_file(path: str) -> Subject:
    """A subject of a file, one thread."""
    kind = OnnxSubject if path.endswith(".onnx") else TFLiteSubject
    return kind(Artifact(model=path, options={"threads": 1}))
