"""Faults planted into copies of the bundled detectors' files, and suites around them.

A fault is a runtime table and a change: of the ONNX graph (``Graph``), or of what the healthy file
answers (a function in ``impostor.py``). The reference is the healthy ONNX file in ONNX Runtime.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
from onnx import helper, numpy_helper

from parity.boxes import iou, to_xyxy
from parity.harness import Run
from parity.pipeline import Images, Pipeline
from parity.record import RuntimeRecord
from parity.report.messages.message import image_message, runtime_message
from parity.suite import load
from tests.support.suites import boxes_scores, fake, runtime, small_suite, toml

GOLDEN = Path(__file__).parents[2] / "golden"
IMAGES = 5
POINTS = 2100  # of parts_free

ROOMY = """
[tolerance.roomy]
base = "int8"
min_within = 0.5
max_lost = 0.2
max_extra = 0.2
max_class_flips = 0.2
"""


def recipe(detector: str, box_format: str, nms_iou: float) -> dict[str, Any]:
    """How a bundled detector is fed and decoded, as ``small_suite`` takes it."""
    if detector == "parts_free":
        letterbox = {"resize": "letterbox", "pad_value": 114, "pad": "center", "range": [0, 1]}
        decode = boxes_scores(box_format, nms_iou=nms_iou)
        return {"size": (320, 320), "preprocess": letterbox, "decode": decode}
    ssd = {"priors": "priors.npy", "background": 0}
    decode = {"family": "ssd", "score_threshold": 0.5, "nms_iou": nms_iou, "ssd": ssd}
    return {"size": (240, 320), "preprocess": {"mean": 127, "std": 128}, "decode": decode}


_NUMBERS = itertools.count()


class Graph:
    """An ONNX file that can be spoiled; every change leaves a file that loads."""

    def __init__(self, path: Path) -> None:
        self.model = onnx.load(path)

    def weights(self, rank: int = 4) -> list[Any]:
        """The initializers of one rank (4: of the convolutions), in the file's order."""
        return [one for one in self.model.graph.initializer if len(one.dims) == rank]

    def change(self, weight: Any, function: Callable[[Any], Any]) -> Self:
        """Replace an initializer by a function of its array."""
        array = numpy_helper.to_array(weight)
        changed = np.asarray(function(array), dtype=array.dtype)
        weight.CopyFrom(numpy_helper.from_array(changed.reshape(array.shape), weight.name))
        return self

    def before(self, operator: str, *constants: Any, **attributes: Any) -> Self:
        """Put an operator between the image and everything that reads it."""
        source, target = "image", self._name()
        for node in self.model.graph.node:
            node.input[:] = [target if name == source else name for name in node.input]
        self._insert(0, operator, source, target, constants, attributes)
        return self

    def after(self, output: str, operator: str, *constants: Any, **attributes: Any) -> Self:
        """Put an operator behind an output, which keeps its name and takes any new shape."""
        source = self._name()
        for node in self.model.graph.node:
            for names in (node.input, node.output):
                names[:] = [source if name == output else name for name in names]
        self._insert(len(self.model.graph.node), operator, source, output, constants, attributes)
        found = next(one for one in self.model.graph.output if one.name == output)
        found.type.tensor_type.ClearField("shape")
        return self

    def input_shape(self, *shape: int) -> Self:
        """Declare another shape of the image."""
        (image,) = self.model.graph.input
        image.CopyFrom(helper.make_tensor_value_info(image.name, 1, list(shape)))
        return self

    def reverse_outputs(self) -> Self:
        """The same outputs, the last first."""
        outputs = list(self.model.graph.output)[::-1]
        del self.model.graph.output[:]
        self.model.graph.output.extend(outputs)
        return self

    def swap_output_names(self) -> Self:
        """Each output under the name of the other."""
        first, second = (one.name for one in self.model.graph.output)
        other = {first: second, second: first}
        for node in self.model.graph.node:
            for names in (node.input, node.output):
                names[:] = [other.get(name, name) for name in names]
        for one in self.model.graph.output:
            one.name = other[one.name]
        return self

    def save(self, path: Path) -> Path:
        """Write the file."""
        del self.model.graph.value_info[:]  # shapes of before the change
        onnx.save(self.model, path)
        return path

    def _name(self) -> str:
        return f"planted_{next(_NUMBERS)}"

    def _insert(
        self,
        at: int,
        operator: str,
        source: str,
        target: str,
        constants: Iterable[Any],
        attributes: dict[str, Any],
    ) -> None:
        names = []
        for constant in constants:
            array = np.asarray(constant)
            names.append(self._name())
            if array.dtype.kind == "f":
                array = array.astype(np.float32)
            self.model.graph.initializer.append(numpy_helper.from_array(array, names[-1]))
        node = helper.make_node(operator, [source, *names], [target], **attributes)
        self.model.graph.node.insert(at, node)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a candidate.

    ``change`` spoils the graph; ``impostor`` names a function of ``impostor.py`` that stands
    between the healthy file and the caller; ``table`` is more TOML of the runtime. ``says`` is what
    the message must hold, ``agrees`` every reading that is named as the one that would have agreed.
    """

    change: Callable[[Graph], object] | None = None
    table: str = ""
    impostor: str = ""
    says: tuple[str, ...] = ()
    agrees: tuple[str, ...] = ()


class Planted:
    """A suite in a folder of its own whose runtimes are the faults; each is judged when asked."""

    def __init__(
        self,
        folder: Path,
        faults: dict[str, Fault],
        *,
        detector: str = "parts_free",
        box_format: str = "cxcywh",
        healthy: Callable[[Graph], object] | None = None,
        images: int = IMAGES,
        nms_iou: float = 0.5,
        classes: int | None = None,
    ) -> None:
        self.folder = folder
        self.faults = faults
        source = GOLDEN / detector
        copy_images(source, folder, images)
        shutil.copy(Path(__file__).with_name("impostor.py"), folder)
        names = (source / "classes.txt").read_text().split()[:classes]
        (folder / "classes.txt").write_text("\n".join(names))
        if detector == "parts_ssd":
            shutil.copy(source / "priors.npy", folder)
        graph = Graph(source / "detector.onnx")
        if healthy is not None:
            healthy(graph)
        graph.save(folder / "healthy.onnx")
        tables = {name: self._table(name, fault) for name, fault in faults.items()}
        small_suite(
            folder,
            {"healthy": runtime("onnxruntime", "healthy.onnx"), **tables},
            name=detector.replace("_", "-"),
            classes="classes.txt",
            images=["images/*"],
            **recipe(detector, box_format, nms_iou),
            more=ROOMY,
        )
        self.suite = load(folder)
        self._run = Run(self.suite)

    def _table(self, name: str, fault: Fault) -> str:
        if not fault.impostor:
            return toml(runtime("onnxruntime", f"{name}.onnx")) + fault.table
        shape = onnx_shape(self.folder / "healthy.onnx")
        return toml(fake(f"impostor:{fault.impostor}", shape)) + fault.table

    def judge(self, name: str) -> RuntimeRecord:
        """The record of one runtime, judged once."""
        fault, path = self.faults[name], self.folder / f"{name}.onnx"
        if not fault.impostor and not path.exists():
            graph = Graph(self.folder / "healthy.onnx")
            if fault.change is not None:
                fault.change(graph)
            graph.save(path)
        return self._run.runtime(name)

    def message(self, name: str) -> str:
        """What the user reads of one runtime and its first failed image, on one line."""
        record = self.judge(name)
        parts = [runtime_message(record, self.suite.classes)]
        parts += [
            image_message(image, record, self.suite.classes, hints=False)
            for image in record.failed_images()[:1]
        ]
        return " ".join(" ".join(parts).split())

    def close(self) -> None:
        """Release every runtime."""
        self._run.close()


def copy_images(source: Path, folder: Path, count: int) -> list[str]:
    """Copy the images with most objects, those that overlap first; their names."""
    labels = json.loads((source / "labels.json").read_text())
    boxes: dict[int, list[list[float]]] = {one["id"]: [] for one in labels["images"]}
    for one in labels["annotations"]:
        x, y, w, h = one["bbox"]
        boxes[one["image_id"]].append([x, y, x + w, y + h])

    def crowd(image: dict[str, Any]) -> tuple[int, int, str]:
        found = boxes[image["id"]]
        overlapping = int((np.triu(iou(found, found), 1) > 0.3).sum()) if found else 0
        return -overlapping, -len(found), image["file_name"]

    names = sorted(one["file_name"] for one in sorted(labels["images"], key=crowd)[:count])
    (folder / "images").mkdir(parents=True)
    for name in names:
        shutil.copy(source / name, folder / name)
    return names


def onnx_shape(path: Path) -> list[int]:
    """The shape of a file's image."""
    (image,) = onnx.load(path, load_external_data=False).graph.input
    return [one.dim_value for one in image.type.tensor_type.shape.dim]


def codes(record: RuntimeRecord) -> set[str]:
    """The codes of every finding, of the images and of the budget."""
    found = [one.code for image in record.images for one in image.findings]
    if record.budget is not None:
        found += [one.code for one in record.budget.findings]
    return set(found)


def agreeing(record: RuntimeRecord) -> tuple[str, ...]:
    """The readings that are named as those which would have agreed."""
    return tuple(hint.split(": then ")[0] for hint in record.hints if ": then " in hint)


def assert_told_apart(planted: Planted, name: str) -> None:
    """The fault fails, its message says what it is, and no other cause is named."""
    record, fault = planted.judge(name), planted.faults[name]
    message = planted.message(name)
    assert record.verdict == "fail", message
    for sentence in fault.says:
        assert sentence in message
    assert agreeing(record) == fault.agrees


def surest(planted: Planted) -> tuple[str, str, np.ndarray]:
    """The reference's surest object: its image, its class, and every point that shows it."""
    suite = planted.suite
    pipeline = Pipeline(suite, suite.reference, Images(suite))
    best: tuple[float, str, Any, Any] | None = None
    for image in suite.images:
        stages = pipeline.stages(image, 0.0)
        assert stages.side is not None
        seen = stages.side.seen
        if len(seen) and (best is None or seen.scores[0] > best[0]):
            best = float(seen.scores[0]), image, stages, seen
    assert best is not None, "the reference finds nothing"
    _, image, stages, seen = best
    pipeline.close()
    boxes = to_xyxy(stages.network.heads["boxes"][0], "cxcywh", None)
    box = stages.prepared.placement.to_network(seen.boxes[:1])
    return image, suite.classes[int(seen.classes[0])], np.flatnonzero(iou(box, boxes)[0] > 0.2)
