"""Per-channel scales between two weights of one layer.

Folding a batch norm multiplies the output channels of the convolution before it; cross-layer
equalisation (Nagel et al., Data-Free Quantization, 2019) multiplies output channels of one layer
and divides input channels of the next. After both, the candidate's weight is the reference's with

    theirs[o, i] = output[o] · ours[o, i] · input[i]

for every output channel o and input channel i. Here these two vectors are fitted. They are known
but for one number, as c · output and input / c give the same weight: the median of the input scales
is set to 1. A grouped convolution has such a number for each group, as groups share no channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parity.tensors import Array

SCALED = 0.05
"""Relative L2 up to which a weight counts as another one whose channels are scaled."""

_WEIGHTS_PER_SCALE = 3  # from which on the fit is no matter of course
_SPARE_WEIGHTS = 4  # more weights than scales, from which on an exact fit is none of chance
_EXACT = 1e-4  # misfit of an exact fit, where the weights were also rounded to integers
_REFINEMENTS = 3


@dataclass(frozen=True, eq=False)
class ChannelScales:
    """Scales by output channel, (outputs,), and by input channel, (inputs,), group after group.

    ``misfit`` is the relative L2 of what the scales leave unexplained in the typical output
    channel. ``dead_outputs`` are output channels whose weights are zeros on either side,
    ``dead_inputs`` input channels whose weights are zeros on both: they have no scale, and 1 stands
    for it.
    """

    output: Array
    input: Array
    misfit: float
    dead_outputs: Array
    dead_inputs: Array
    groups: int = 1


def fit_scales(ours: Array, theirs: Array) -> ChannelScales | None:
    """The scales between two weights, both (groups, outputs, inputs, positions).

    Each scale is a median over the other channels, so that a channel that is damaged spoils no
    other's. None where there are too few weights to tell, or no scales that explain them.
    """
    sums = _Sums.of(ours, theirs)
    weights = np.count_nonzero(ours, axis=(1, 2, 3))
    scales = np.sum([(sums.ours > 0).any(axis=axis).sum(axis=1) for axis in (1, 2)], axis=0)
    empty = weights == 0  # such a group has no scales
    if (~empty & (weights < scales - 1 + _SPARE_WEIGHTS)).any() or min(ours.shape[1:3]) < 2:
        return None
    output, input_ = np.ones(ours.shape[:2]), np.ones(ours.shape[::2])
    for group in np.flatnonzero(~empty):
        found = _fit_group(sums.group(int(group)))
        if found is None:
            return None
        output[group], input_[group] = found
    misfit = _misfit(sums, output, input_)
    few = (weights < _WEIGHTS_PER_SCALE * scales).any()
    if misfit is None or misfit >= (_EXACT if few else SCALED) or not (input_ > 0).all():
        return None
    return ChannelScales(
        output.ravel(), input_.ravel(), misfit, sums.dead_outputs, sums.dead_inputs, len(ours)
    )


def fit_scales_near(ours: Array, theirs: Array, expected: Array) -> ChannelScales | None:
    """The scales between two weights whose input scales are expected to be ``expected``.

    To be asked where there are too few weights to tell both vectors. ``expected`` is (inputs,), or
    (1,) for one scale in all; only the ratios of its channels within a group count. The result has
    the input scales that the weights have in truth, NaN where none is positive; its ``misfit`` is
    the typical channel's distance from what was expected, and the result None from ``SCALED`` on.
    """
    groups, inputs = len(ours), len(ours) * ours.shape[2]
    if expected.size not in (1, inputs):
        return None
    given = np.broadcast_to(expected.ravel(), inputs).reshape(groups, -1)
    given = given / row_medians(given)
    sums = _Sums.of(ours, theirs)
    output, unknown = _one_where_unknown(_median(sums.ratio / given[:, None], 2))
    each = output[..., None]
    squares = np.sum(np.where(unknown[..., None], 0, sums.ours * each**2), axis=1)
    products = np.sum(np.where(unknown[..., None], 0, sums.products * each), axis=1)
    found = np.divide(products, squares, out=np.full_like(squares, np.nan), where=squares > 0)
    found = np.where(found > 0, found, np.nan)
    misfit = float(_median(np.abs(found / given - 1).reshape(1, -1), 1)[0])
    if not misfit < SCALED:
        return None
    found = np.where(sums.dead_inputs, 1, found.ravel())
    return ChannelScales(output.ravel(), found, misfit, sums.dead_outputs, sums.dead_inputs, groups)


def row_medians(values: Array) -> Array:
    """The median of the numbers in each row, (rows, 1); NaN in a row without any."""
    return _median(values, -1)[..., None]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over positions, each (groups, outputs, inputs): of the squares of either weight, and of
    the products of both. No more is needed for fits by least squares.
    """

    ours: Array
    theirs: Array
    products: Array

    @classmethod
    def of(cls, ours: Array, theirs: Array) -> _Sums:
        """Of two weights (groups, outputs, inputs, positions)."""
        pairs = ((ours, ours), (theirs, theirs), (ours, theirs))
        return cls(*(np.sum(one * other, axis=3) for one, other in pairs))

    def group(self, index: int) -> _Sums:
        """Of one group alone."""
        one = slice(index, index + 1)
        return _Sums(self.ours[one], self.theirs[one], self.products[one])

    @property
    def ratio(self) -> Array:
        """The scale of every kernel by least squares; NaN where ours is zero."""
        return _ratio(self.products, self.ours)

    @property
    def dead_outputs(self) -> Array:
        """Which output channels are zeros on either side."""
        live = (self.ours > 0).any(axis=2) & (self.theirs > 0).any(axis=2)
        return np.asarray(~live.ravel())

    @property
    def dead_inputs(self) -> Array:
        """Which input channels are zeros on both sides."""
        return np.asarray(~((self.ours > 0) | (self.theirs > 0)).any(axis=1).ravel())


def _ratio(products: Array, squares: Array) -> Array:
    unknown = np.full_like(squares, np.nan)
    return np.asarray(np.divide(products, squares, out=unknown, where=squares > 0))


def _one_where_unknown(scales: Array) -> tuple[Array, Array]:
    """Scales with 1 for channels that have none, and which these are."""
    unknown = ~(np.isfinite(scales) & (scales != 0))
    return np.where(unknown, 1.0, scales), unknown


def _fit_group(sums: _Sums) -> tuple[Array, Array] | None:
    """Output and input scales of one group; None where no channel has any.

    Medians first, which outliers do not move; where these leave more than rounding does, least
    squares in turn, as medians of few rounded weights are coarse.
    """
    output, unknown = _one_where_unknown(_median(sums.ratio, 2)[0])
    squares, products = (
        np.where(unknown[:, None], 0, one[0]) for one in (sums.ours, sums.products)
    )
    input_ = _median(_ratio(products, squares) / output[:, None], 0)
    size = float(_median(input_, 0))
    if not np.isfinite(size) or size == 0:
        return None
    output = np.where(unknown, 1.0, output * size)
    input_ = np.where(np.isfinite(input_), input_ / size, 1.0)
    misfit = _misfit(sums, output[None], input_[None])
    for _ in range(_REFINEMENTS if misfit is not None and misfit > _EXACT else 0):
        output = _least_squares(products * input_, squares * input_**2, 1, output)
        each = output[:, None]
        input_ = _least_squares(products * each, squares * each**2, 0, input_)
    return output, input_


def _misfit(sums: _Sums, output: Array, input_: Array) -> float | None:
    """The relative L2 that scales leave in the median output channel, to 1e-8; None where no
    channel has any weights."""
    times = output[:, :, None] * input_[:, None]
    left = np.sum(sums.theirs - 2 * times * sums.products + times**2 * sums.ours, axis=2).ravel()
    size = np.sum(sums.theirs, axis=2).ravel()
    known = (size > 0) | (left > 0)
    off = np.maximum(left[known], 0) / np.where(size[known] > 0, size[known], 1)
    return float(np.sqrt(np.sort(off)[len(off) // 2])) if off.size else None


def _least_squares(products: Array, squares: Array, axis: int, otherwise: Array) -> Array:
    """One scale along an axis; what it was before where there are no weights."""
    size = np.sum(squares, axis=axis)
    sums = np.sum(products, axis=axis)
    return np.asarray(np.divide(sums, size, out=otherwise.copy(), where=size > 0))


def _median(values: Array, axis: int) -> Array:
    """Of the numbers among them; numpy's own loads numpy.ma, which takes too long."""
    listed = np.sort(values, axis=axis)
    known = np.sum(np.isfinite(values), axis=axis, keepdims=True)
    found = np.take_along_axis(listed, np.minimum(known // 2, values.shape[axis] - 1), axis=axis)
    return np.asarray(np.squeeze(found, axis=axis))
