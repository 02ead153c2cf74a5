"""What one layer scales its output channels by, and whether the next layer's input scales undo it.

Scales are told by weights up to one number, the *size*: the median over the channels. Biases are
scaled as the channels are, and so tell the size too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parity.layers.align.scales.layer_scales import LayerScales, NormGains
from parity.layers.numbers.channel_scales import row_medians
from parity.tensors import Array

_ONE_SIZE = 0.02
"""How far from one another, in logarithms, biases may be that tell one size."""

_EXACT = 1e-3
"""From which logarithm on a size that biases tell is believed; what norms add is only fitted."""


@dataclass(frozen=True, eq=False)
class OutputScale:
    """One reading of what a layer scales its output channels by: ``scale`` (channels,).

    ``known`` are the channels that have weights or a bias to tell it, ``sized`` says that biases
    tell the size. ``before`` is what the layer's own input is scaled by, where the reading says so:
    the weights of a depthwise layer do not tell input scales from output scales.
    """

    scale: Array
    known: Array
    sized: bool
    before: OutputScale | None = None


def scale_made(weights: LayerScales, fed: Array | None) -> Array:
    """The output scales of a layer whose input is scaled by ``fed``; None: by nothing."""
    inputs = weights.output if weights.depthwise else weights.input
    if fed is None or fed.size != inputs.size:
        fed = np.ones(1)
    return weights.output * (fed if weights.depthwise else weights.passed_on(fed))


def with_biases(scale: Array, weights: LayerScales, norms: NormGains) -> OutputScale:
    """The output scales that weights tell, with the size, and the channels without weights, that
    biases tell."""
    size = _size_by_biases(scale, norms, ~weights.dead_outputs)
    if size is not None and abs(float(np.log(size))) > _EXACT:
        scale = scale * size
    biased = weights.dead_outputs & (norms.ours * norms.theirs > 0)
    by_bias = np.divide(norms.theirs, norms.ours, out=np.ones_like(norms.theirs), where=biased)
    scale = np.where(weights.dead_outputs, by_bias, scale)
    return OutputScale(scale, ~weights.dead_outputs | biased, size is not None)


def _size_by_biases(scale: Array, norms: NormGains, live: Array) -> Array | None:
    """How many times the scales that weights tell the biases are scaled by; None where biases do
    not agree, or are too few.

    So a weight that is off as a whole does not pass for a scale of what the layer makes.
    """
    ours, theirs = norms.ours, norms.theirs
    known = (np.abs(ours) > 1e-3 * np.abs(ours).max(initial=0)) & (theirs * ours > 0) & live
    times = (theirs / np.where(known, ours, 1) / scale)[known]
    size = size_of(times) if times.size else np.ones(())
    agreeing = np.abs(np.log(times / size)) < _ONE_SIZE
    return size if agreeing.sum() >= max(2, 0.5 * live.sum()) else None


def undone(made: OutputScale, weights: LayerScales, read: Array) -> Array | None:
    """Which channels' scales the next layer undoes, by its input scales ``read``; None where that
    is no equalisation: where nothing is scaled, or less than half of the channels that are scaled
    on either side are scaled on both, one the inverse of the other.

    A channel without weights on one of the sides has nothing to disagree about.
    """
    if made.scale.size != read.size:
        return None
    known, tolerance = made.known & ~weights.dead_inputs, weights.tolerance
    before, behind = (
        _without_size(np.log(np.where(known & (each > 0), each, np.nan)), weights.groups)
        for each in (made.scale, read)
    )
    left = _without_size(before + behind, weights.groups)
    behind = left - before
    inverse = np.abs(left) < tolerance
    either = (np.abs(before) > tolerance) | (np.abs(behind) > tolerance)
    both = inverse & (np.abs(before) > tolerance) & (np.abs(behind) > tolerance)
    equalised = either.any() and both.sum() >= 0.5 * either.sum()
    return np.asarray(inverse | ~known) if equalised else None


def _without_size(logarithms: Array, groups: int) -> Array:
    each = logarithms.reshape(groups, -1)
    return np.asarray((each - row_medians(each)).ravel())


def size_of(values: Array) -> Array:
    """The median of the numbers among values."""
    return np.asarray(row_medians(values.reshape(1, -1))[0, 0])
