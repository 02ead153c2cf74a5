"""Other readings of a candidate's input, heads and detections that a fault may come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parity import runtimes
from parity.decode import Decode, in_image
from parity.decode.families.boxes_scores import BoxesScores
from parity.decode.families.ssd import Ssd
from parity.detections import Detections, Side
from parity.preprocess import Prepared
from parity.suite import Recipe, Runtime

Heads = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Reading:
    """One thing read otherwise: what to say of it, and what is changed.

    ``recipe``: what the candidate is fed by. ``transpose``: its input has height and width
    exchanged. ``heads``: its heads. ``decode``: how they are decoded. ``change``: its detections.
    """

    words: str
    recipe: Recipe | None = None
    transpose: bool = False
    heads: Callable[[Heads], Heads] | None = None
    decode: Decode | None = None
    change: Callable[[Side, Prepared], Side] | None = None


def readings(candidate: Runtime, reference: Runtime, classes: int) -> Iterator[Reading]:
    """What is worth a try, the most telling first; nothing that both sides do already."""
    if runtimes.descriptor(candidate.table.kind).runs:  # else it is all one what it is fed
        yield from _inputs(candidate.recipe, reference.recipe)
    if candidate.decode != reference.decode:
        yield Reading(f"decoded as {reference.name} is, see the notes", decode=reference.decode)
    yield from _heads(candidate.decode)
    if classes > 1:
        yield Reading("with its classes one lower", change=_shifted(-1, classes))
    if classes > 2:
        yield Reading("with its classes one higher", change=_shifted(1, classes))


def _inputs(recipe: Recipe, reference: Recipe) -> Iterator[Reading]:
    if recipe.digest() != reference.digest():
        yield Reading("fed what the reference is fed, see the notes", reference)
    if recipe.function is not None:
        return
    words, other = _COLORS[recipe.color]
    found: list[tuple[str, dict[str, Any]]] = [(words, {"color": other})]
    for words, update in _VALUES.items():
        if not recipe.grey or len(update["mean"]) == 1:
            found.append((f"fed {words}", update))
    if recipe.resize != "none":
        found += [
            (f"resized by {kernel} in the place of {recipe.kernel}", {"kernel": kernel})
            for kernel in _KERNELS
        ]
    for words, update in found:
        changed = recipe.model_copy(update=update)
        if changed not in (recipe, reference):
            yield Reading(words, changed)
    if recipe.size is not None and recipe.size[0] == recipe.size[1]:
        yield Reading("fed height and width swapped", transpose=True)
        words = "fed height and width swapped, with x and y of its boxes swapped"
        yield Reading(words, transpose=True, change=_swapped)


_COLORS = {
    "RGB": ("fed BGR in the place of RGB", "BGR"),
    "BGR": ("fed RGB in the place of BGR", "RGB"),
    "grey": ("fed the luma with red and blue exchanged", "grey-BGR"),
    "grey-BGR": ("fed the luma with red and blue as they are", "grey"),
}

_KERNELS = ("opencv:linear", "opencv:area", "opencv:nearest", "pillow:bilinear")

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


def _heads(decode: Decode) -> Iterator[Reading]:
    how = decode.own
    if not isinstance(how, Ssd | BoxesScores):
        yield Reading("with x and y of its boxes swapped", change=_swapped)
        if in_image(decode):
            yield Reading("with its boxes read as pixels of the network's input", change=_of_input)
            yield Reading("with its boxes read as relative to the image", change=_relative)
        yield from _reread(decode)
        return
    yield Reading("with x and y of the head boxes swapped", heads=_columns_swapped)
    if isinstance(how, BoxesScores):
        yield from _formats(decode, how)
    yield Reading("with one softmax less", heads=_without_softmax)
    yield Reading("with one sigmoid less", heads=_without_sigmoid)
    if how.background is not None:
        for words, step in (("first", -1), ("last", 1)):
            yield Reading(
                f"with the {words} column of the head scores moved to the other end",
                heads=_rolled(step),
            )


def _formats(decode: Decode, declared: BoxesScores) -> Iterator[Reading]:
    for normalized in (declared.normalized, not declared.normalized):
        for written in ("xyxy", "yxyx", "cxcywh"):
            how = declared.model_copy(update={"box_format": written, "normalized": normalized})
            if how != declared:
                unit = "relative to the input" if normalized else "in pixels of the input"
                yield Reading(
                    f"with its boxes read as {written} {unit}",
                    decode=decode.with_table(how),
                )


_REREAD: dict[str, tuple[Any, ...]] = {
    "normalized": (False, True),
    "activation": ("none", "sigmoid", "softmax"),
    "multi_label": (False, True),
    "order": ("xy", "yx"),
}


def _reread(decode: Decode) -> Iterator[Reading]:
    """Every other value of the keys of a family's table that a suite often has wrong."""
    declared = decode.own
    if declared is None or decode.family is None:
        return
    table = declared.model_dump()
    for key, values in _REREAD.items():
        for value in values:
            if key not in table or value == table[key]:
                continue
            try:
                changed = type(declared)(**{**table, key: value})
            except ValueError:
                continue  # not a value of this family
            yield Reading(
                f"with {decode.family}.{key} = {value!r}",
                decode=decode.with_table(changed),
            )


def _columns_swapped(heads: Heads) -> Heads:
    return {**heads, "boxes": heads["boxes"][..., [1, 0, 3, 2]]}


def _rolled(step: int) -> Callable[[Heads], Heads]:
    return lambda heads: {**heads, "scores": np.roll(heads["scores"], step, axis=-1)}


def _without_softmax(heads: Heads) -> Heads:
    """Scores before a softmax, given that they were probabilities that add up to 1."""
    with np.errstate(all="ignore"):
        logarithms = np.log(heads["scores"].astype(np.float64))
        missing = 1.0 - logarithms.sum(axis=-1, keepdims=True)
        return {**heads, "scores": logarithms + missing / logarithms.shape[-1]}


def _without_sigmoid(heads: Heads) -> Heads:
    scores = heads["scores"].astype(np.float64)
    with np.errstate(all="ignore"):
        return {**heads, "scores": np.log(scores) - np.log1p(-scores)}


def _each(side: Side, change: Callable[[Detections], Detections]) -> Side:
    """What a side sees, and all that it proposes, changed alike."""
    changed = replace(side, seen=change(side.seen))
    if side.proposals is None:
        return changed
    found = change(side.proposals.found)
    boxes = side.proposals.placement.to_network(found.boxes)
    return replace(changed, proposals=replace(side.proposals, found=found, boxes=boxes))


def _swapped(side: Side, prepared: Prepared) -> Side:
    """Boxes with x and y exchanged in the network's input."""
    placement = prepared.placement

    def change(found: Detections) -> Detections:
        boxes = placement.to_network(found.boxes)[:, [1, 0, 3, 2]]
        return Detections(placement.to_original(boxes), found.scores, found.classes)

    return _each(side, change)


def _of_input(side: Side, prepared: Prepared) -> Side:
    def change(found: Detections) -> Detections:
        boxes = prepared.placement.to_original(found.boxes)
        return Detections(boxes, found.scores, found.classes)

    return _each(side, change)


def _relative(side: Side, prepared: Prepared) -> Side:
    height, width = prepared.image_size

    def change(found: Detections) -> Detections:
        return Detections(found.boxes * [width, height, width, height], found.scores, found.classes)

    return _each(side, change)


def _shifted(offset: int, classes: int) -> Callable[[Side, Prepared], Side]:
    """Every class moved on; one that leaves the list comes in at its other end."""

    def change(found: Detections) -> Detections:
        return Detections(found.boxes, found.scores, (found.classes + offset) % classes)

    return lambda side, prepared: _each(side, change)
