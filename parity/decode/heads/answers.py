"""What code that is not ours answers as detections, checked before it is believed."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.decode.heads.candidates import (
    SCORE_SLACK,
    Array,
    Candidates,
    DecodeError,
    Floats,
    Ints,
    Proposals,
)


def checked(answer: Any, classes: int, name: str) -> Candidates | Proposals:
    """Boxes, scores and classes, or boxes and scores (N, classes), as candidates.

    ``name`` is what messages call whoever answered. What is wrong is a ``DecodeError``.
    """
    if not isinstance(answer, tuple | list) or len(answer) not in (2, 3):
        raise DecodeError(
            f"{name}: expected boxes, scores and classes, or boxes and scores, "
            f"found {_kind(answer)}"
        )
    boxes = _boxes(answer[0], name)
    if len(answer) == 2:
        return Candidates(boxes, _scores(answer[1], (len(boxes), classes), name))
    scores = _scores(answer[1], (len(boxes),), name)
    return Proposals(boxes, scores, _classes(answer[2], len(boxes), classes, name))


def _kind(answer: Any) -> str:
    if isinstance(answer, tuple | list):
        return f"{len(answer)} values"
    return "None" if answer is None else f"one {type(answer).__name__}"


def _numbers(values: Any, what: str, name: str) -> Array:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal lengths
        array = np.asarray(None)
    if array.size == 0:
        return array.astype(np.float64)
    if array.dtype.kind not in "fiu":
        raise DecodeError(f"{name}: expected {what} as an array of numbers, found {array.dtype}")
    return array


def _boxes(values: Any, name: str) -> Floats:
    boxes = _numbers(values, "boxes", name)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise DecodeError(f"{name}: expected boxes of shape (N, 4), found {boxes.shape}")
    return boxes.astype(np.float64)


def _scores(values: Any, shape: tuple[int, ...], name: str) -> Floats:
    scores = _numbers(values, "scores", name)
    if scores.size == 0 and shape[0] == 0:
        return np.zeros(shape)
    if scores.shape != shape:
        raise DecodeError(
            f"{name}: expected scores of shape {shape} beside {shape[0]} boxes, "
            f"found {scores.shape}"
        )
    low, high = float(scores.min()), float(scores.max())
    if low < -SCORE_SLACK or high > 1 + SCORE_SLACK:
        raise DecodeError(f"{name}: expected scores within 0..1, found {low:.6g}..{high:.6g}")
    return scores.astype(np.float64)


def _classes(values: Any, count: int, classes: int, name: str) -> Ints:
    found = _numbers(values, "classes", name)
    if found.size == 0 and count == 0:
        return np.zeros(0, dtype=np.int64)
    if found.shape != (count,):
        raise DecodeError(
            f"{name}: expected classes of shape {(count,)} beside {count} boxes, "
            f"found {found.shape}"
        )
    good = (found >= 0) & (found < classes) & (found == np.trunc(found))
    if not good.all():
        wrong = found[~good][0]
        raise DecodeError(f"{name}: expected classes as integers 0..{classes - 1}, found {wrong:g}")
    return found.astype(np.int64)
