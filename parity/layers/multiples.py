"""Weights that are others but for factors of whole output and input channels.

A group of a convolution has its own input channels and its own output channels, so that a factor of
all the one and its inverse of all the other is none: each group has a size of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.layers.semantics import Role, channel_axis, groups, output_axes
from parity.layers.signatures import SCALED
from parity.layers.view import View
from parity.runtimes.graph import Op

__all__ = ["Factors", "factors", "factors_if", "matrix", "middle"]

Array = NDArray[Any]

_READ = {"onnx": 1, "torch": 1, "tflite": -1}
"""The axis of a convolution's input channels; the last but one in other formats."""

_READ_BACK = {"onnx": 0, "torch": 0}
"""That of a transposed convolution; the last one in other formats."""

_TELLING = 3  # numbers for each factor
_SPARE = 4  # numbers more than factors that tell them where they fit exactly
_ROUNDED = 1e-4  # what is left where weights are integers besides
_REFINED = 3


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors per output channel and per input channel between two weights, those of the input
    with a middle one of 1 in each group; ``misfit`` is the relative L2 of what they leave.

    ``silent`` are output channels whose weights are zeros on a side, ``unread`` input channels
    whose are on both: they have no factors and 1 stands for one.
    """

    made: Array
    read: Array
    misfit: float
    silent: Array
    unread: Array
    groups: int = 1


def matrix(view: View, op: Op) -> Array | None:
    """A weight as (groups, output channels of one, input channels of one, positions); None for
    depthwise ones, and where the axes are not known."""
    weight, found = view.weight(op), view.roles[op.index]
    if weight is None or found not in (Role.CONV, Role.DENSE, Role.DECONV):
        return None
    position, values = weight
    if found is Role.DENSE and values.ndim != 2:
        return None
    (made,) = output_axes(view.graph, op, position, values.ndim)
    made %= values.ndim
    read = 1 - made if values.ndim == 2 else _read_axis(view, found, values.ndim)
    front = np.moveaxis(values.astype(np.float64), (made, read), (0, 1))
    front = front.reshape(*front.shape[:2], -1)
    if found is Role.DECONV:  # outputs of one group, inputs of all
        count = groups(op)
        if front.shape[1] % count:
            return None
        return front.reshape(len(front), count, -1, front.shape[2]).swapaxes(0, 1)
    count = _groups(view, op, front.shape[1]) if found is Role.CONV else 1
    return front.reshape(count, -1, *front.shape[1:]) if len(front) % count == 0 else None


def _read_axis(view: View, found: Role, ndim: int) -> int:
    if found is Role.DECONV:
        return _READ_BACK.get(view.graph.format, ndim - 1)
    return _READ.get(view.graph.format, ndim - 2) % ndim


def _groups(view: View, op: Op, read: int) -> int:
    """By how many channels the op's input has; not every format has an attribute for it."""
    axis, inputs = channel_axis(view.graph, op), view.data_inputs(op)
    shape = view.shapes.get(inputs[0]) if inputs else None
    if axis is None or not shape or len(shape) < 3 or shape[axis] % read:
        return groups(op)
    return max(shape[axis] // read, 1)


def factors(ours: Array, theirs: Array) -> Factors | None:
    """By which factors of whole channels a weight is another; both as ``matrix`` gives them.

    Medians over the other channels, so that a channel that does not fit leaves the rest as it is.
    None where there are too few numbers to tell, or where they are no such multiples.
    """
    found = [_told(mine, yours) for mine, yours in zip(ours, theirs, strict=True)]
    told = [one for one in found if one is not None]
    if len(told) < len(found):
        return None
    made, read = (np.concatenate([one[side] for one in told]) for side in (0, 1))
    misfit = _misfit(ours, theirs, made, read)
    few = any(_few(one) for one in ours)
    if misfit is None or misfit >= (_ROUNDED if few else SCALED) or not (read > 0).all():
        return None
    return Factors(made, read, misfit, *_nothing(ours, theirs), len(ours))


def factors_if(ours: Array, theirs: Array, read: Array) -> Factors | None:
    """The factors of a weight, if those of its input channels are ``read`` and a size; to be asked
    where there are too few numbers to tell both. ``read`` of the result is what each channel has
    in truth, NaN where it is no factor; ``misfit`` is how far from ``read`` most are.
    """
    count = len(ours)
    if read.size != count * ours.shape[2]:
        return None
    given = (read.reshape(count, -1) / middle(read.reshape(count, -1)))[:, None]
    held, shared, ratio = _sums(ours, theirs)
    made, lost = _filled(_median(ratio / given, 2))
    shared, held = (np.where(lost[..., None], 0, one) for one in (shared, held))
    each = made[..., None]
    size = np.sum(held * each**2, axis=1)
    own = np.divide(np.sum(shared * each, axis=1), size, out=np.ones_like(size), where=size > 0)
    told = np.where((own > 0) & (size > 0), own, np.nan)
    misfit = float(_median(np.abs(told / given[:, 0] - 1).reshape(1, -1), 1)[0])
    if not misfit < SCALED:
        return None
    silent, unread = _nothing(ours, theirs)
    own = np.where(own > 0, own, np.nan).ravel()
    return Factors(made.ravel(), np.where(unread, 1, own), misfit, silent, unread, count)


def middle(values: Array) -> Array:
    """The middle one of the numbers in each row, (rows, 1); NaN in a row without any."""
    return _median(values, -1)[..., None]


def _sums(ours: Array, theirs: Array) -> tuple[Array, Array, Array]:
    """Over positions: the squares of ours, the products of both, and the factor between them."""
    held, shared = np.sum(ours**2, axis=-1), np.sum(ours * theirs, axis=-1)
    return held, shared, np.divide(shared, held, out=np.full_like(held, np.nan), where=held > 0)


def _filled(made: Array) -> tuple[Array, Array]:
    """Factors with 1 for those of channels that have none, and which these are."""
    lost = ~(np.isfinite(made) & (made != 0))
    return np.where(lost, 1.0, made), lost


def _nothing(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """Which output channels are zeros on either side, and which input channels on both."""
    held, kept = (ours != 0).any(axis=3), (theirs != 0).any(axis=3)
    silent = ~(held.any(axis=2) & kept.any(axis=2))
    return silent.ravel(), ~(held | kept).any(axis=1).ravel()


def _few(ours: Array) -> bool:
    """Whether a group has fewer numbers than make its factors certain where they nearly fit."""
    numbers, unknown = _counts(ours)
    return numbers < _TELLING * unknown


def _counts(ours: Array) -> tuple[int, int]:
    """How many numbers of one group are not 0, and how many channels have one."""
    held = (ours != 0).any(axis=2)
    return int(np.count_nonzero(ours)), int(held.any(axis=1).sum() + held.any(axis=0).sum())


def _told(ours: Array, theirs: Array) -> tuple[Array, Array] | None:
    """The factors within one group, None where there are too few numbers."""
    numbers, unknown = _counts(ours)
    if numbers == 0:  # nothing to be a multiple of
        return np.ones(len(ours)), np.ones(ours.shape[1])
    if numbers < unknown - 1 + _SPARE or min(ours.shape[:2]) < 2:
        return None
    held, shared, ratio = _sums(ours, theirs)
    made, lost = _filled(_median(ratio, 1))
    shared, held, ratio = (
        np.where(lost[:, None], nothing, one)
        for one, nothing in ((shared, 0), (held, 0), (ratio, np.nan))
    )
    read = _median(ratio / made[:, None], 0)
    size = float(_median(read, 0))
    read = np.where(np.isfinite(read), read, size)
    if not np.isfinite(size) or size == 0:
        return None
    made, read = np.where(lost, 1.0, made * size), read / size
    rest = _misfit(ours[None], theirs[None], made, read)
    for _ in range(_REFINED if rest is not None and rest > _ROUNDED else 0):
        made = _fitted(shared * read, held * read**2, 1, made)
        read = _fitted(shared * made[:, None], held * made[:, None] ** 2, 0, read)
    return made, read


def _misfit(ours: Array, theirs: Array, made: Array, read: Array) -> float | None:
    """Relative L2 of what factors leave, each output channel relative to itself; None where no
    channel has any weights."""
    count = len(ours)
    apart = theirs - ours * made.reshape(count, -1, 1, 1) * read.reshape(count, 1, -1, 1)
    size = np.sqrt(np.sum(theirs**2, axis=(2, 3))).ravel()
    left = np.sqrt(np.sum(apart**2, axis=(2, 3))).ravel()
    known = (size > 0) | (left > 0)
    off = left[known] / np.where(size[known] > 0, size[known], 1)
    return float(np.sort(off)[len(off) // 2]) if off.size else None


def _fitted(shared: Array, held: Array, axis: int, known: Array) -> Array:
    size = np.sum(held, axis=axis)
    return np.asarray(np.divide(np.sum(shared, axis=axis), size, out=known.copy(), where=size > 0))


def _median(values: Array, axis: int) -> Array:
    """Of the numbers among them; numpy's own loads numpy.ma, which takes too long."""
    listed = np.sort(values, axis=axis)
    known = np.sum(np.isfinite(values), axis=axis, keepdims=True)
    found = np.take_along_axis(listed, np.minimum(known // 2, values.shape[axis] - 1), axis=axis)
    return np.asarray(np.squeeze(found, axis=axis))
