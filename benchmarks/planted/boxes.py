"""Faults of all boxes of an image or of a suite, and of whole images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.planted.draft import Draft, Fault, magnitude, ordered
from benchmarks.planted.scenes import Floats, Heads, Rng

Change = Callable[[Floats, Heads], Floats]


def _boxes(change: Callable[[Rng, Draft], Change], whole: bool | None = None) -> Fault:
    """Something done to every box of all images, or of some (``whole``: of all, of one, of either).

    What is drawn is drawn once for all images where it is done to all, else for each.
    """

    def fault(rng: Rng, draft: Draft) -> bool:
        everywhere = bool(rng.integers(2)) if whole is None else whole
        images = draft.candidate
        chosen = images if everywhere else [images[int(rng.integers(len(images)))]]
        done = change(rng, draft)
        for heads in chosen:
            heads.boxes[:] = done(heads.boxes.copy(), heads)
            ordered(heads)
        return True

    return fault


def _shift(rng: Rng, draft: Draft) -> Change:
    shift = np.array([magnitude(rng, 0.3, 40), magnitude(rng, 0.01, 40)])
    shift = np.tile(rng.permutation(shift), 2) * max(draft.tolerance.max_corner_px, 0.05)
    return lambda boxes, heads: boxes + shift


def _about(rng: Rng, draft: Draft) -> Change:
    factor, place = 1 + magnitude(rng, 3e-4, 0.3), float(rng.choice([0, 0.5]))
    return lambda boxes, heads: boxes * factor + (1 - factor) * place * np.tile(heads.size[::-1], 2)


def _wider(rng: Rng, draft: Draft) -> Change:
    factor = 1 + magnitude(rng, 3e-4, 0.5)

    def change(boxes: Floats, heads: Heads) -> Floats:
        middle = np.tile((boxes[:, :2] + boxes[:, 2:]) / 2, 2)
        return middle + (boxes - middle) * factor

    return change


def _flip(rng: Rng, draft: Draft) -> Change:
    axis = int(rng.integers(2))

    def change(boxes: Floats, heads: Heads) -> Floats:
        boxes[:, axis::2] = heads.size[1 - axis] - boxes[:, axis::2]
        return boxes

    return change


def _transpose(rng: Rng, draft: Draft) -> Change:
    return lambda boxes, heads: boxes[:, [1, 0, 3, 2]]


def _whole_pixels(rng: Rng, draft: Draft) -> Change:
    step = float(rng.choice([0.25, 1, 4]))
    return lambda boxes, heads: np.round(boxes / step) * step


def scaled_by_image(rng: Rng, draft: Draft) -> bool:
    """Each image's boxes by a factor of its own, as where a ratio is rounded."""
    for heads in draft.candidate:
        heads.boxes[:] *= 1 + magnitude(rng, 3e-4, 0.1)
    return True


def shifted_by_class(rng: Rng, draft: Draft) -> bool:
    """Every box of one class to the right."""
    label = int(rng.integers(draft.classes))
    shift = magnitude(rng, 0.7, 30) * max(draft.tolerance.max_corner_px, 0.05)
    for heads in draft.candidate:
        heads.boxes[heads.scores.argmax(axis=1) == label, ::2] += shift
    return True


def stale(rng: Rng, draft: Draft) -> bool:
    """One image answers with what was found in another one."""
    if len(draft.candidate) < 2:
        return False
    at, other = rng.choice(len(draft.candidate), 2, replace=False)
    source = draft.reference[other]
    if source.boxes.shape != draft.candidate[at].boxes.shape:
        rows = min(len(source.boxes), len(draft.candidate[at].boxes))
        draft.candidate[at].scores[:] = 0
        draft.candidate[at].boxes[:rows] = source.boxes[:rows]
        draft.candidate[at].scores[:rows] = source.scores[:rows]
    else:
        draft.candidate[at].boxes[:] = source.boxes
        draft.candidate[at].scores[:] = source.scores
    return True


def blind(rng: Rng, draft: Draft) -> bool:
    """One image in which nothing is found."""
    draft.candidate[int(rng.integers(len(draft.candidate)))].scores[:] *= 0.01
    return True


FAULTS: dict[str, Fault] = {
    "boxes shifted": _boxes(_shift),
    "boxes scaled": _boxes(_about),
    "boxes wider": _boxes(_wider),
    "boxes flipped": _boxes(_flip),
    "boxes with x and y swapped": _boxes(_transpose),
    "boxes in whole pixels": _boxes(_whole_pixels, whole=True),
    "boxes scaled by image": scaled_by_image,
    "boxes shifted by class": shifted_by_class,
    "image stale": stale,
    "image blind": blind,
}
