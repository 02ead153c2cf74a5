"""Faults of scores and classes, and settings other than the reference's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.planted.draft import Draft, Fault, magnitude
from benchmarks.planted.scenes import Floats, Rng
from parity.choosing import BEST_CLASS, EVERY


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
    factor = 1 + magnitude(rng, 1e-3, 0.5)
    return lambda scores: scores * factor


def _offset(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    most = draft.tolerance.max_score_diff
    offset = most * magnitude(rng, 0.5, min(30.0, 0.5 / most))
    return lambda scores: scores + offset


def _gamma(rng: Rng, draft: Draft) -> Callable[[Floats], Floats]:
    power = 1 + magnitude(rng, 3e-3, 0.5)
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
    limit = draft.ours.suppression.iou + magnitude(rng, 0.002, 0.3)
    return _suppression(rng, draft, iou=float(np.clip(limit, 0.05, 0.95)))


def nms_mode(rng: Rng, draft: Draft) -> bool:
    """NMS over all classes, within each, or none."""
    modes = [mode for mode in ("class", "agnostic", "none") if mode != draft.ours.suppression.mode]
    return _suppression(rng, draft, mode=str(rng.choice(modes)))


def choice(rng: Rng, draft: Draft) -> bool:
    """Every class of a box in place of the best one, or the best one only."""
    other = EVERY if draft.ours.suppression.choice == BEST_CLASS else BEST_CLASS
    return _suppression(rng, draft, choice=other)


def most(rng: Rng, draft: Draft) -> bool:
    """Fewer detections kept than on the other side, or more."""
    return _suppression(rng, draft, most=int(rng.choice([1, 3, 10, 50, 300])))


def threshold(rng: Rng, draft: Draft) -> bool:
    """Deployed from another score on."""
    value = draft.ours.threshold + magnitude(rng, 1e-3, 0.3)
    draft.theirs = replace(draft.theirs, threshold=float(np.clip(value, 0.2, 0.95)))
    return True


FAULTS: dict[str, Fault] = {
    "scores gain": _scores(_gain),
    "scores offset": _scores(_offset),
    "scores gamma": _scores(_gamma),
    "scores cut off": _scores(_top),
    "scores in steps": _scores(_steps),
    "class column zero": zero_column,
    "classes swapped": swapped_classes,
    "classes permuted": permuted_classes,
}
SETTINGS: dict[str, Fault] = {
    "NMS limit": nms_limit,
    "NMS mode": nms_mode,
    "best class": choice,
    "max_detections": most,
    "threshold": threshold,
}
