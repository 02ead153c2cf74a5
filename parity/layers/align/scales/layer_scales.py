"""Per-channel scales between the weights of two anchored layers, and the batch norms beside them.

The weights of an anchored pair may differ by scales of whole channels, which are fitted in
``numbers/channel_scales.py``. Two things make such scales: batch-norm folding, by which the gain of
a norm moves into the weight on one side while the other side still has the norm behind its layer,
and cross-layer equalisation, which ``equalisation.py`` looks for. To tell them apart, the gains of
the norms are divided out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from parity.layers.align.matching import Matching
from parity.layers.align.scales.affine import affines
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.align.weights.weight_matrix import matrix
from parity.layers.graph.roles import Role
from parity.layers.numbers.channel_scales import fit_scales, fit_scales_near, row_medians
from parity.tensors import Array

_DEPTHWISE_NOISE = 0.02  # distance of signatures up to which a depthwise weight is not damaged


@dataclass(frozen=True, eq=False)
class LayerScales:
    """The candidate's weight is the reference's times ``output`` per output channel and ``input``
    per input channel, with a median input scale of 1 in each of ``groups``.

    A depthwise layer has one input channel for each output channel and so one scale for both: it is
    ``output``, and ``input`` is ones. ``tolerance`` is how far apart, in logarithms, two such
    scales may be by rounding. ``dead_outputs`` and ``dead_inputs`` have no weights to tell a scale
    (see ``ChannelScales``), and 1 stands for it.
    """

    output: Array
    input: Array
    tolerance: float
    depthwise: bool
    dead_outputs: Array
    dead_inputs: Array
    groups: int = 1

    def passed_on(self, fed: Array) -> Array:
        """What an input scaled by ``fed`` per channel scales each output channel by, (outputs,),
        the layer's own output scale apart.

        What arrives is scaled by ``fed`` · ``input``. Where the layer undoes ``fed``, that is the
        same number for all channels of a group, and else its median is the best guess.
        """
        arriving = np.where(self.dead_inputs, np.nan, self.input * fed).reshape(self.groups, -1)
        size = row_medians(arriving)
        size = np.where(np.isfinite(size), size, 1.0)
        return np.repeat(size, len(self.output) // self.groups)


def layer_scales(
    matching: Matching, pair: AnchorPair, expected: Array | None = None
) -> LayerScales | None:
    """The scales between the weights of an anchored pair; None where no scales explain them.

    ``expected`` are input scales to be confirmed: small layers, as the scores of a detector are,
    have too few weights to tell both vectors of themselves.
    """
    sides = (matching.reference, pair.reference), (matching.candidate, pair.candidate)
    roles = {side.view.roles[anchor.op.index] for side, anchor in sides}
    if roles == {Role.DEPTHWISE}:
        return _depthwise(pair) if expected is None else None
    ours, theirs = (matrix(side.view, anchor.op) for side, anchor in sides)
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return None
    if expected is None:
        found = fit_scales(ours, theirs)
    else:
        found = fit_scales_near(ours, theirs, expected)
    if found is None:
        return None
    return LayerScales(
        np.abs(found.output),
        found.input,
        _tolerance(found.misfit),
        False,
        found.dead_outputs,
        found.dead_inputs,
        found.groups,
    )


def _depthwise(pair: AnchorPair) -> LayerScales | None:
    """By the sizes of the channels: their signatures, which no scale changes, must be the same."""
    ours, theirs = pair.reference.scale, pair.candidate.scale
    dead = (ours == 0) & (theirs == 0)
    if pair.distance > _DEPTHWISE_NOISE or not (dead | ((ours > 0) & (theirs > 0))).all():
        return None
    output = np.divide(theirs, ours, out=np.ones_like(theirs), where=~dead)
    return LayerScales(output, np.ones(len(output)), _tolerance(pair.distance), True, dead, dead)


def _tolerance(misfit: float) -> float:
    return min(max(1e-3, 5 * misfit), 0.2)


@dataclass(frozen=True, eq=False)
class NormGains:
    """One reading of which norms belong to the layers of an anchored pair, per output channel.

    ``ratio`` is the gain of the reference's norms over that of the candidate's: the scale that
    folding alone puts between the weights, 1 for channels without any. ``ours`` and ``theirs`` are
    the biases behind these norms.
    """

    ratio: Array
    ours: Array
    theirs: Array


def norm_gains(matching: Matching, pair: AnchorPair) -> Iterator[NormGains]:
    """Every reading: each side's layer alone, and with each of the norms behind it."""
    for mine in affines(matching.reference, pair.reference):
        for yours in affines(matching.candidate, pair.candidate):
            own = _gain(mine.scale, pair.reference.scale)
            other = _gain(yours.scale, pair.candidate.scale)
            if (own > 0).all() and (other > 0).all():
                yield NormGains(own / other, mine.bias, yours.bias)


def _gain(with_norms: Array, alone: Array) -> Array:
    return np.asarray(np.divide(with_norms, alone, out=np.ones_like(alone), where=alone > 0))
