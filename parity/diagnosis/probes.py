"""Which other reading of input or output would have agreed: asked only after a verdict has failed.

Each probe runs the candidate again on a few images, with one thing changed, and is named only if
those images then agree within the tolerance. The verdict stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parity.agreement import budget, judge
from parity.detections import Detections, Side
from parity.errors import ParityError
from parity.pipeline import Pipeline, Stages
from parity.preprocess import Prepared
from parity.record import RuntimeRecord
from parity.suite import Recipe, Suite

IMAGES = 3  # images on which a probe must agree

Change = Callable[[Side, Stages], Side]


@dataclass(frozen=True)
class Probe:
    """One changed thing: what to say of it, the recipe to feed by, what to do to the detections."""

    words: str
    recipe: Recipe | None = None
    transpose: bool = False
    change: Change | None = None


def probe(
    suite: Suite,
    pipeline: Pipeline,
    reference: Callable[[str], Stages],
    record: RuntimeRecord,
) -> tuple[str, ...]:
    """Sentences for the probes that make the worst images agree."""
    failed = [
        image
        for image in record.images
        if image.agreement is not None and image.agreement.reference_deployed
    ]
    failed.sort(key=lambda image: -_trouble(image.agreement))
    names = [image.image for image in failed[:IMAGES] if _trouble(image.agreement)]
    if not names:
        return ()
    return tuple(
        f"{one.words}: then {len(names)} of the worst images agree"
        for one in _probes(pipeline.runtime.recipe)
        if _agrees(one, suite, pipeline, reference, names)
    )


def _trouble(agreement: Any) -> int:
    return sum(not row.within for row in agreement.rows)


def _probes(recipe: Recipe) -> Iterator[Probe]:
    if recipe.function is None:
        other = "BGR" if recipe.color == "RGB" else "RGB"
        yield Probe(
            f"fed {other} in the place of {recipe.color}",
            recipe.model_copy(update={"color": other}),
        )
        for words, update in _VALUES.items():
            changed = recipe.model_copy(update=update)
            if changed != recipe:
                yield Probe(f"fed {words}", changed)
        for kernel in ("opencv:linear", "opencv:area", "opencv:nearest", "pillow:bilinear"):
            if recipe.resize != "none" and kernel != recipe.kernel:
                yield Probe(
                    f"resized by {kernel} in the place of {recipe.kernel}",
                    recipe.model_copy(update={"kernel": kernel}),
                )
    yield Probe("with x and y of its boxes swapped", change=_swapped)
    yield Probe("with x and y of its boxes swapped relative to the input", change=_swapped_relative)
    yield Probe("with its classes one lower", change=_shifted(-1))
    yield Probe("with its classes one higher", change=_shifted(1))
    if recipe.size is not None and recipe.size[0] == recipe.size[1]:
        yield Probe("fed height and width swapped", transpose=True, change=_swapped)


_VALUES: dict[str, dict[str, Any]] = {
    "pixels as they are, 0..255": {"range": (0.0, 255.0), "mean": (0.0,), "std": (1.0,)},
    "values in 0..1": {"range": (0.0, 1.0), "mean": (0.0,), "std": (1.0,)},
    "values in -1..1": {"range": (-1.0, 1.0), "mean": (0.0,), "std": (1.0,)},
    "(x - 127) / 128": {"range": (0.0, 255.0), "mean": (127.0,), "std": (128.0,)},
    "values by the mean and std of ImageNet": {
        "range": (0.0, 1.0),
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
    },
}


def _agrees(
    one: Probe,
    suite: Suite,
    pipeline: Pipeline,
    reference: Callable[[str], Stages],
    names: list[str],
) -> bool:
    tolerance = pipeline.runtime.tolerance
    compared = {}
    for name in names:
        ours = reference(name)
        try:
            theirs = _side(one, pipeline, name)
        except ParityError:
            return False
        if ours.side is None or theirs is None:
            return False
        placement = ours.prepared.placement
        compared[name] = judge(
            ours.side.narrowed(ours.side.threshold - tolerance.band),
            theirs,
            suite.runtimes[suite.reference].decode.nms_iou,
            tolerance,
            (placement.scale_x, placement.scale_y),
        )
    return not any(one.findings for one in compared.values()) and not (
        budget(compared, tolerance).findings
    )


def _side(one: Probe, pipeline: Pipeline, name: str) -> Side | None:
    prepared = pipeline.prepared(name, one.recipe)
    if one.transpose:
        prepared = _transposed(prepared)
    stages = pipeline.stages_of(name, prepared, pipeline.runtime.tolerance.band)
    if stages.side is None or one.change is None:
        return stages.side
    return one.change(stages.side, stages)


def _transposed(prepared: Prepared) -> Prepared:
    return replace(prepared, canvas=np.ascontiguousarray(prepared.canvas.transpose(1, 0, 2)))


def _moved(side: Side, stages: Stages, factor: tuple[float, float]) -> Side:
    """Boxes with x and y exchanged in the network's input, then stretched by (x, y)."""
    placement = stages.prepared.placement

    def move(found: Detections) -> Detections:
        boxes = placement.to_network(found.boxes)[:, [1, 0, 3, 2]]
        boxes = boxes * np.array([*factor, *factor])
        return Detections(placement.to_original(boxes), found.scores, found.classes)

    removed = replace(side.removed, detections=move(side.removed.detections))
    return replace(side, seen=move(side.seen), removed=removed)


def _swapped(side: Side, stages: Stages) -> Side:
    return _moved(side, stages, (1.0, 1.0))


def _swapped_relative(side: Side, stages: Stages) -> Side:
    height, width = stages.prepared.size
    return _moved(side, stages, (width / height, height / width))


def _shifted(offset: int) -> Change:
    def change(side: Side, stages: Stages) -> Side:
        def shift(found: Detections) -> Detections:
            return Detections(found.boxes, found.scores, found.classes + offset)

        removed = replace(side.removed, detections=shift(side.removed.detections))
        return replace(side, seen=shift(side.seen), removed=removed)

    return change
