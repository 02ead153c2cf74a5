"""What decoding yields before NMS, and the checks that every family needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.tensors import Array as Array  # decoders take it from here, with its kin

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Activation = Literal["none", "softmax", "sigmoid"]
"""What is still to be applied to scores."""

# A quantised head may end a step outside 0..1; logits and percentages lie far outside.
SCORE_SLACK = 0.01


class DecodeError(ValueError):
    """The heads do not fit the settings of the family."""


@dataclass(frozen=True, eq=False)
class Undecoded:
    """Boxes (A, 4) that are decoded when rows of them are asked for: most never reach the floor.

    ``decode`` turns row numbers into float64 (rows, 4), xyxy in pixels of the network's input.
    """

    count: int
    decode: Callable[[Ints], Floats]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, rows: Any) -> Floats:
        return self.decode(np.arange(self.count)[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.decode(np.arange(self.count)), dtype=dtype)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes float64 (A, 4), xyxy in pixels of the network's input; scores float64 (A, classes).

    ``every``: the suite says that every class of a box is a proposal.
    """

    boxes: Floats | Undecoded
    scores: Floats
    every: bool = False


@dataclass(frozen=True, eq=False)
class Choice:
    """How proposals were chosen among all that the heads say, and what was passed over.

    ``rule``: of ``parity.choosing``. ``rows`` (N,): which of ``row_count`` rows of the heads each
    chosen one is of; ``width``: of the map whose cells they are. ``passed_over`` gives the others
    that reach a score, as boxes that detections may have, and their rows.
    """

    rule: str
    rows: Ints
    row_count: int
    passed_over: Callable[[float], tuple[Proposals, Ints]]
    width: int = 0


@dataclass(frozen=True, eq=False)
class Proposals:
    """One box, one score, one class each: boxes float64 (N, 4) xyxy in pixels of the input.

    ``choice`` is None where nothing is known of what was passed over.
    """

    boxes: Floats
    scores: Floats
    classes: Ints
    choice: Choice | None = None


def without_batch(head: Array, name: str) -> Floats:
    """The head of one image, float64, without its leading dimension."""
    return np.asarray(_one_image(head, name), dtype=np.float64)


def _one_image(head: Array, name: str) -> Array:
    values: Array = np.asarray(head)
    if values.ndim < 2 or values.shape[0] != 1:
        raise DecodeError(
            f"{name}: expected a batch of one image, (1, ...), found shape {values.shape}"
        )
    one: Array = values[0]
    return one


def boxes_of(head: Array, anchors: int | None = None) -> Floats:
    """The ``boxes`` head as (A, 4); ``anchors`` is how many there must be."""
    return np.asarray(encoded_boxes_of(head, anchors), dtype=np.float64)


def encoded_boxes_of(head: Array, anchors: int | None = None) -> Array:
    """As ``boxes_of``, in the head's own dtype: for boxes of which only some will be decoded."""
    boxes = _one_image(head, "boxes")
    rows = "A" if anchors is None else str(anchors)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise DecodeError(f"boxes: expected shape (1, {rows}, 4), found {np.shape(head)}")
    if anchors is not None and len(boxes) != anchors:
        raise DecodeError(
            f"boxes: expected shape (1, {rows}, 4) as there are {anchors} priors, "
            f"found {np.shape(head)}"
        )
    return boxes


def scores_of(
    head: Array, boxes: int, classes: int, background: int | None, activation: str
) -> Floats:
    """The ``scores`` head as (A, classes): activated, checked to be scores, without background."""
    scores = without_batch(head, "scores")
    if scores.ndim == 1:  # (1, A): one class, its dimension squeezed
        scores = scores[:, None]
    columns = classes + (background is not None)
    if scores.ndim != 2 or scores.shape[1] != columns:
        raise DecodeError(_columns_message(np.shape(head), boxes, classes, background))
    if len(scores) != boxes:
        raise DecodeError(
            f"scores: expected one row for each of {boxes} boxes, found shape {np.shape(head)}"
        )
    scores = activate(scores, activation)
    _check_range(scores, activation)
    return scores if background is None else _without_column(scores, background)


def _without_column(scores: Floats, column: int) -> Floats:
    last = scores.shape[1] - 1
    if column in (0, last):  # a view will do
        return scores[:, 1:] if column == 0 else scores[:, :last]
    return np.delete(scores, column, axis=1)


def _columns_message(
    shape: tuple[int, ...], boxes: int, classes: int, background: int | None
) -> str:
    columns = classes + (background is not None)
    message = f"scores: expected shape (1, {boxes}, {columns}), found {shape}"
    hint = background_hint(shape, classes, background)
    return f"{message}; {hint}" if hint else message


def background_hint(shape: tuple[int, ...], classes: int, background: int | None) -> str | None:
    """What to say where the columns are off by exactly the background class."""
    if len(shape) != 3:
        return None
    found = shape[2]
    if background is None and found == classes + 1:
        return (
            f"found {found} columns for {classes} classes: is column 0 a background? "
            f"say background = 0"
        )
    if background is not None and found == classes:
        return (
            f"found {found} columns for {classes} classes and a background: "
            f"if there is no background column, leave background out"
        )
    return None


def activate(values: Floats, activation: str) -> Floats:
    """Softmax over the last dimension, sigmoid, or nothing; NaN and infinity never raise."""
    with np.errstate(all="ignore"):
        if activation == "softmax":
            powers = np.exp(values - values.max(axis=-1, keepdims=True))
            softmax: Floats = powers / powers.sum(axis=-1, keepdims=True)
            return softmax
        if activation == "sigmoid":
            small = np.exp(-np.abs(values))  # never overflows
            sigmoid: Floats = np.where(values >= 0, 1.0, small) / (1.0 + small)
            return sigmoid
    return values


def _check_range(scores: Floats, activation: str) -> None:
    """NaN passes: whether heads are finite is judged before they are decoded."""
    low = float(np.fmin.reduce(scores, axis=None, initial=np.inf))
    high = float(np.fmax.reduce(scores, axis=None, initial=-np.inf))
    if low >= -SCORE_SLACK and high <= 1.0 + SCORE_SLACK:
        return
    found = f"found {low:.6g}..{high:.6g}"
    raise DecodeError(
        f"scores: expected values within 0..1 with activation = '{activation}', {found}; "
        f"logits? say activation = 'softmax' or 'sigmoid'"
    )
