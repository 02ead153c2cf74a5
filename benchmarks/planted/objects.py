"""Faults of single objects: lost, extra, found twice, moved, rescored, under another name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.planted.draft import Draft, Fault, magnitude, ordered
from benchmarks.planted.scenes import Heads, Rng
from parity.suite.tolerance import Tolerance


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
    changed = heads.scores[rows, label] + most * magnitude(rng, 0.7, min(30.0, 0.5 / most))
    heads.scores[rows, label] = np.clip(changed, 0, 1)


def _room(heads: Heads, rows: Any, tolerance: Tolerance) -> float:
    """How far one side of these boxes may move."""
    side = float(np.median(heads.boxes[rows, 2:] - heads.boxes[rows, :2]))
    least = tolerance.min_box_iou
    return max(tolerance.max_corner_px, side * (1 - least) / (1 + least))


def _moved(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    room = _room(heads, rows, draft.tolerance)
    shift = np.array([magnitude(rng, 0.7, 30), magnitude(rng, 0.1, 30)]) * room
    heads.boxes[rows] += np.tile(rng.permutation(shift), 2)


def _one_side(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    side = int(rng.integers(4))
    heads.boxes[rows, side] += magnitude(rng, 0.7, 30) * _room(heads, rows, draft.tolerance)
    ordered(heads)


def _relabelled(rng: Rng, draft: Draft, heads: Heads, rows: Any, label: int) -> None:
    other = int(rng.integers(draft.classes))
    heads.scores[np.ix_(rows, [label, other])] = heads.scores[np.ix_(rows, [other, label])]


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


FAULTS: dict[str, Fault] = {
    "objects lost": _objects(_lost),
    "objects extra": extra,
    "objects twice": duplicate,
    "objects rescored": _objects(_rescored),
    "objects moved": _objects(_moved),
    "objects with one side off": _objects(_one_side),
    "objects of another class": _objects(_relabelled),
}
