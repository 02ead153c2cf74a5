"""Weights that are others but for factors of whole output and input channels.

A group of a convolution has its own input channels and its own output channels, so that a factor of
all the one and its inverse of all the other is none: each group has a size of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parity.tensors import Array

__all__ = ["Factors", "factors", "factors_if", "middle"]


SCALED = 0.05
"""Relative L2 up to which a weight counts as another one whose channels are scaled."""

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


def factors(ours: Array, theirs: Array) -> Factors | None:
    """By which factors of whole channels a weight is another; both as ``matrix`` gives them.

    Medians over the other channels, so that a channel that does not fit leaves the rest as it is.
    None where there are too few numbers to tell, or where they are no such multiples.
    """
    sums = _Sums.of(ours, theirs)
    numbers = np.count_nonzero(ours, axis=(1, 2, 3))
    unknown = np.sum([(sums.held > 0).any(axis=axis).sum(axis=1) for axis in (1, 2)], axis=0)
    empty = numbers == 0  # such a group is a multiple of nothing
    if (~empty & (numbers < unknown - 1 + _SPARE)).any() or min(ours.shape[1:3]) < 2:
        return None
    made, read = np.ones(ours.shape[:2]), np.ones(ours.shape[::2])
    for group in np.flatnonzero(~empty):
        found = _told(sums.group(int(group)))
        if found is None:
            return None
        made[group], read[group] = found
    misfit = _misfit(sums, made, read)
    few = (numbers < _TELLING * unknown).any()
    if misfit is None or misfit >= (_ROUNDED if few else SCALED) or not (read > 0).all():
        return None
    return Factors(made.ravel(), read.ravel(), misfit, sums.silent, sums.unread, len(ours))


def factors_if(ours: Array, theirs: Array, read: Array) -> Factors | None:
    """The factors of a weight, if those of its input channels are ``read`` (of one: all alike) and
    a size; to be asked where there are too few numbers to tell both.

    ``read`` of the result is what each channel has in truth, NaN where it is no factor; ``misfit``
    is how far from what was given most are.
    """
    count, channels = len(ours), len(ours) * ours.shape[2]
    if read.size not in (1, channels):
        return None
    given = np.broadcast_to(read.ravel(), channels).reshape(count, -1)
    given = given / middle(given)
    sums = _Sums.of(ours, theirs)
    made, lost = _filled(_median(sums.ratio / given[:, None], 2))
    each = made[..., None]
    size = np.sum(np.where(lost[..., None], 0, sums.held * each**2), axis=1)
    shared = np.sum(np.where(lost[..., None], 0, sums.shared * each), axis=1)
    own = np.divide(shared, size, out=np.full_like(size, np.nan), where=size > 0)
    own = np.where(own > 0, own, np.nan)
    misfit = float(_median(np.abs(own / given - 1).reshape(1, -1), 1)[0])
    if not misfit < SCALED:
        return None
    own = np.where(sums.unread, 1, own.ravel())
    return Factors(made.ravel(), own, misfit, sums.silent, sums.unread, count)


def middle(values: Array) -> Array:
    """The middle one of the numbers in each row, (rows, 1); NaN in a row without any."""
    return _median(values, -1)[..., None]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Over positions: the squares of ours and of theirs and the products of both, each (groups,
    outputs, inputs)."""

    held: Array
    kept: Array
    shared: Array

    @classmethod
    def of(cls, ours: Array, theirs: Array) -> _Sums:
        """Of two weights as ``matrix`` gives them."""
        pairs = ((ours, ours), (theirs, theirs), (ours, theirs))
        return cls(*(np.sum(one * other, axis=3) for one, other in pairs))

    def group(self, place: int) -> _Sums:
        """Of one group alone."""
        one = slice(place, place + 1)
        return _Sums(self.held[one], self.kept[one], self.shared[one])

    @property
    def ratio(self) -> Array:
        """How many times ours theirs is; NaN where ours is nothing."""
        return _ratio(self.held, self.shared)

    @property
    def silent(self) -> Array:
        """Which output channels are zeros on a side."""
        live = (self.held > 0).any(axis=2) & (self.kept > 0).any(axis=2)
        return np.asarray(~live.ravel())

    @property
    def unread(self) -> Array:
        """Which input channels are zeros on both sides."""
        return np.asarray(~((self.held > 0) | (self.kept > 0)).any(axis=1).ravel())


def _ratio(held: Array, shared: Array) -> Array:
    return np.asarray(np.divide(shared, held, out=np.full_like(held, np.nan), where=held > 0))


def _filled(made: Array) -> tuple[Array, Array]:
    """Factors with 1 for those of channels that have none, and which these are."""
    lost = ~(np.isfinite(made) & (made != 0))
    return np.where(lost, 1.0, made), lost


def _told(sums: _Sums) -> tuple[Array, Array] | None:
    """The factors within one group; None where no channel has any."""
    made, lost = _filled(_median(sums.ratio, 2)[0])
    held, shared = (np.where(lost[:, None], 0, one[0]) for one in (sums.held, sums.shared))
    read = _median(_ratio(held, shared) / made[:, None], 0)
    size = float(_median(read, 0))
    if not np.isfinite(size) or size == 0:
        return None
    made = np.where(lost, 1.0, made * size)
    read = np.where(np.isfinite(read), read / size, 1.0)
    rest = _misfit(sums, made[None], read[None])
    for _ in range(_REFINED if rest is not None and rest > _ROUNDED else 0):
        made = _fitted(shared * read, held * read**2, 1, made)
        read = _fitted(shared * made[:, None], held * made[:, None] ** 2, 0, read)
    return made, read


def _misfit(sums: _Sums, made: Array, read: Array) -> float | None:
    """Relative L2 of what factors leave, each output channel relative to itself, to 1e-8; None
    where no channel has any weights."""
    times = made[:, :, None] * read[:, None]
    apart = np.sum(sums.kept - 2 * times * sums.shared + times**2 * sums.held, axis=2).ravel()
    size = np.sum(sums.kept, axis=2).ravel()
    known = (size > 0) | (apart > 0)
    off = np.maximum(apart[known], 0) / np.where(size[known] > 0, size[known], 1)
    return float(np.sqrt(np.sort(off)[len(off) // 2])) if off.size else None


def _fitted(shared: Array, held: Array, axis: int, known: Array) -> Array:
    size = np.sum(held, axis=axis)
    return np.asarray(np.divide(np.sum(shared, axis=axis), size, out=known.copy(), where=size > 0))


def _median(values: Array, axis: int) -> Array:
    """Of the numbers among them; numpy's own loads numpy.ma, which takes too long."""
    listed = np.sort(values, axis=axis)
    known = np.sum(np.isfinite(values), axis=axis, keepdims=True)
    found = np.take_along_axis(listed, np.minimum(known // 2, values.shape[axis] - 1), axis=axis)
    return np.asarray(np.squeeze(found, axis=axis))
