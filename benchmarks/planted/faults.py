"""Faults of a candidate's heads and settings, drawn: each damages a ``Draft`` or finds no site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.planted.scenes import Floats, Heads, Rng, Settings, side_of
from benchmarks.planted.truth import nms, overlap
from parity.agreement import under_settings
from parity.detections import Side
from parity.suite.tolerance import Tolerance


@dataclass(eq=False)
class Draft:
    """A suite's images on both sides; the candidate's may be spoiled, and its settings.

    ``hidden``: "", or which side shows only what NMS leaves ("reference", "candidate", "both").
    ``deliberate``: whether other settings of the candidate are meant, so that the reference is
    judged under them.
    """

    reference: list[Heads]
    candidate: list[Heads]
    ours: Settings
    theirs: Settings
    tolerance: Tolerance
    hidden: str = ""
    deliberate: bool = False

    @cached_property
    def objects(self) -> list[tuple[int, int, int]]:
        """What the reference deploys: image, row, class."""
        found = []
        for at, heads in enumerate(self.reference):
            rows, classes = np.nonzero(heads.scores >= self.ours.threshold)
            scores = heads.scores[rows, classes]
            kept = nms(heads.boxes[rows], scores, classes, self.ours.suppression)
            found += [(at, int(rows[one]), int(classes[one])) for one in kept]
        return found

    def sides(self) -> Iterator[tuple[Side, Side]]:
        """Both sides of each image, as parity sees them."""
        floor = self.theirs.threshold - self.tolerance.band
        lower = min(floor, self.ours.threshold - self.tolerance.band)
        for ours, theirs in zip(self.reference, self.candidate, strict=True):
            reference = side_of(ours, self.ours, lower)
            candidate = side_of(theirs, self.theirs, floor)
            if self.hidden in ("reference", "both"):
                reference = replace(reference, proposals=None, result=None)
            if self.hidden in ("candidate", "both"):
                candidate = replace(candidate, proposals=None, result=None)
            if self.deliberate:
                reference = under_settings(reference, candidate)
            yield reference, candidate

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.reference[0].scores.shape[1])

    def around(self, at: int, row: int) -> Any:
        """The rows of the candidate that see the same object."""
        boxes = self.reference[at].boxes
        return np.flatnonzero(overlap(boxes[[row]], boxes)[0] >= 0.4)


Fault = Callable[[Rng, Draft], bool]
Change = Callable[[Floats, Heads], Floats]


def _magnitude(rng: Rng, low: float, high: float) -> float:
    """Of either sign, each order of magnitude as likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))) * rng.choice([-1, 1]))


def _chosen(rng: Rng, draft: Draft) -> list[tuple[int, int, int]]:
    """One object, or a share of all."""
    count = len(draft.objects)
    if not count:
        return []
    many = 1 if rng.uniform() < 0.4 else int(np.ceil(count * rng.choice([0.02, 0.1, 0.4])))
    return [draft.objects[one] for one in rng.choice(count, min(many, count), replace=False)]


def _objects(change: Callable[[Rng, Draft, Heads, Any, int], None]) -> Fault:
    """Something done to some objects: (…, the candidate's image, its rows, the class).

    To all rows that see the object, or to the best alone, whose neighbours may then stand in.
    """

    def fault(rng: Rng, draft: Draft) -> bool:
        chosen, alone = _chosen(rng, draft), rng.uniform() < 0.3
        for at, row, label in chosen:
            rows = np.array([row]) if alone else draft.around(at, row)
            change(rng, draft, draft.candidate[at], rows, label)
        return bool(chosen)

    return fault


def _lost(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    heads.scores[rows, label] *= rng.uniform(0, 0.3)


def _rescored(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    most = draft.tolerance.max_score_diff
    changed = heads.scores[rows, label] + most * _magnitude(rng, 0.7, min(30.0, 0.5 / most))
    heads.scores[rows, label] = np.clip(changed, 0, 1)


def _room(heads: Heads, rows: Any, tolerance: Tolerance) -> float:
    """How far one side of these boxes may move."""
    side = float(np.median(heads.boxes[rows, 2:] - heads.boxes[rows, :2]))
    least = tolerance.min_box_iou
    return max(tolerance.max_corner_px, side * (1 - least) / (1 + least))


def _moved(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    room = _room(heads, rows, draft.tolerance)
    shift = np.array([_magnitude(rng, 0.7, 30), _magnitude(rng, 0.1, 30)]) * room
    heads.boxes[rows] += np.tile(rng.permutation(shift), 2)


def _one_side(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    side = int(rng.integers(4))
    heads.boxes[rows, side] += _magnitude(rng, 0.7, 30) * _room(heads, rows, draft.tolerance)
    _ordered(heads)


def _relabelled(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    other = int(rng.integers(draft.classes))
    heads.scores[np.ix_(rows, [label, other])] = heads.scores[np.ix_(rows, [other, label])]


def _ordered(heads: Heads) -> None:
    low, high = heads.boxes[:, :2].copy(), heads.boxes[:, 2:].copy()
    heads.boxes[:, :2], heads.boxes[:, 2:] = np.minimum(low, high), np.maximum(low, high)


def _free_row(rng: Rng, draft: Draft, at: int) -> int:
    """A row that shows nothing, which may become an object."""
    best = draft.candidate[at].scores.max(axis=1)
    empty = np.flatnonzero(best < draft.theirs.threshold - draft.tolerance.band)
    return int(rng.choice(empty)) if len(empty) else -1


def extra(rng: Rng, draft: Draft) -> bool:
    """Objects where nothing is."""
    done = False
    for _ in range(int(rng.choice([1, 2, 8]))):
        at = int(rng.integers(len(draft.candidate)))
        heads, row = draft.candidate[at], _free_row(rng, draft, at)
        if row >= 0:
            corner = rng.uniform(0, 0.8, 2) * heads.size[::-1]
            heads.boxes[row] = np.r_[corner, corner + rng.uniform(8, 0.5 * min(heads.size), 2)]
            label = int(rng.integers(draft.classes))
            heads.scores[row, label] = rng.uniform(draft.theirs.threshold, 1)
            done = True
    return done


def duplicate(rng: Rng, draft: Draft) -> bool:
    """An object found twice, by a box beside its own."""
    for at, row, label in _chosen(rng, draft)[:8]:
        free, heads = _free_row(rng, draft, at), draft.candidate[at]
        if free < 0:
            return False
        sides = np.tile(heads.boxes[row, 2:] - heads.boxes[row, :2], 2)
        shift = np.tile(rng.uniform(-0.6, 0.6, 2), 2) * rng.choice([0.01, 1.0])
        heads.boxes[free] = heads.boxes[row] + shift * sides
        heads.scores[free, label] = heads.scores[row, label] * rng.uniform(0.9, 1.0)
    return bool(draft.objects)


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
            _ordered(heads)
        return True

    return fault


def _shift(rng: Rng, draft: Draft) -> Change:
    shift = np.array([_magnitude(rng, 0.3, 40), _magnitude(rng, 0.01, 40)])
    shift = np.tile(rng.permutation(shift), 2) * max(draft.tolerance.max_corner_px, 0.05)
    return lambda boxes, heads: boxes + shift


def _about(rng: Rng, draft: Draft) -> Change:
    factor, place = 1 + _magnitude(rng, 3e-4, 0.3), float(rng.choice([0, 0.5]))
    return lambda boxes, heads: boxes * factor + (1 - factor) * place * np.tile(heads.size[::-1], 2)


def _wider(rng: Rng, draft: Draft) -> Change:
    factor = 1 + _magnitude(rng, 3e-4, 0.5)

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
        heads.boxes[:] *= 1 + _magnitude(rng, 3e-4, 0.1)
    return True


def shifted_by_class(rng: Rng, draft: Draft) -> bool:
    """Every box of one class to the right."""
    label = int(rng.integers(draft.classes))
    shift = _magnitude(rng, 0.7, 30) * max(draft.tolerance.max_corner_px, 0.05)
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


def _scores(change: Callable[[Rng, Draft], Callable[[Floats], Floats]]) -> Fault:
    """Something done to all scores, or to those of one class."""

    def fault(rng: Rng, draft: Draft) -> bool:
        label = int(rng.integers(draft.classes)) if rng.integers(2) else slice(None)
        done = change(rng, draft)
        for heads in draft.candidate:
            heads.scores[:, label] = np.clip(done(heads.scores[:, label]), 0, 1)
        return True

    return fault


def _gain(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    factor = 1 + _magnitude(rng, 1e-3, 0.5)
    return lambda scores: scores * factor


def _offset(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    most = draft.tolerance.max_score_diff
    offset = most * _magnitude(rng, 0.5, min(30.0, 0.5 / most))
    return lambda scores: scores + offset


def _gamma(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    power = 1 + _magnitude(rng, 3e-3, 0.5)
    return lambda scores: scores**power


def _top(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    top = float(rng.uniform(0.5, 0.99))
    return lambda scores: np.minimum(scores, top)


def _steps(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    steps = float(rng.choice([255, 64, 16, 8]))
    return lambda scores: np.round(scores * steps) / steps


def zero_column(rng: Rng, draft: Draft) -> bool:
    """One class is never found."""
    label = int(rng.integers(draft.classes))
    for heads in draft.candidate:
        heads.scores[:, label] = 0
    return True


def swapped_classes(rng: Rng, draft: Draft) -> bool:
    """Two classes under each other's names."""
    if draft.classes < 2:
        return False
    pair = rng.choice(draft.classes, 2, replace=False)
    for heads in draft.candidate:
        heads.scores[:, pair] = heads.scores[:, pair[::-1]]
    return True


def permuted_classes(rng: Rng, draft: Draft) -> bool:
    """Classes in another order, or one further."""
    if draft.classes < 2:
        return False
    order = np.roll(np.arange(draft.classes), 1)
    order = order if rng.integers(2) else rng.permutation(draft.classes)
    for heads in draft.candidate:
        heads.scores[:] = heads.scores[:, order]
    return True


def _suppression(rng: Rng, draft: Draft, **changes: Any) -> bool:
    found = replace(draft.theirs.suppression, **changes)
    draft.theirs = replace(draft.theirs, suppression=found)
    return True


def nms_limit(rng: Rng, draft: Draft) -> bool:
    """NMS from another overlap on."""
    limit = draft.ours.suppression.iou + _magnitude(rng, 0.002, 0.3)
    return _suppression(rng, draft, iou=float(np.clip(limit, 0.05, 0.95)))


def nms_mode(rng: Rng, draft: Draft) -> bool:
    """NMS over all classes, within each, or none."""
    modes = [mode for mode in ("class", "agnostic", "none") if mode != draft.ours.suppression.mode]
    return _suppression(rng, draft, mode=str(rng.choice(modes)))


def most(rng: Rng, draft: Draft) -> bool:
    """Fewer detections kept than on the other side, or more."""
    return _suppression(rng, draft, most=int(rng.choice([1, 3, 10, 50, 300])))


def threshold(rng: Rng, draft: Draft) -> bool:
    """Deployed from another score on."""
    value = draft.ours.threshold + _magnitude(rng, 1e-3, 0.3)
    draft.theirs = replace(draft.theirs, threshold=float(np.clip(value, 0.2, 0.95)))
    return True


FAULTS: dict[str, Fault] = {
    "objects lost": _objects(_lost),
    "objects extra": extra,
    "objects twice": duplicate,
    "objects rescored": _objects(_rescored),
    "objects moved": _objects(_moved),
    "objects with one side off": _objects(_one_side),
    "objects of another class": _objects(_relabelled),
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
    "scores gain": _scores(_gain),
    "scores offset": _scores(_offset),
    "scores gamma": _scores(_gamma),
    "scores cut off": _scores(_top),
    "scores in steps": _scores(_steps),
    "class column zero": zero_column,
    "classes swapped": swapped_classes,
    "classes permuted": permuted_classes,
    "NMS limit": nms_limit,
    "NMS mode": nms_mode,
    "max_detections": most,
    "threshold": threshold,
}


SETTINGS = ("NMS limit", "NMS mode", "max_detections", "threshold")


def combination(rng: Rng, draft: Draft) -> bool:
    """Two or three of them at once."""
    names = rng.choice(list(FAULTS), int(rng.integers(2, 4)), replace=False)
    done = [FAULTS[str(name)](rng, draft) for name in names]  # each of them, not only the first
    return any(done)
