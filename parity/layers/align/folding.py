"""By which factors of output and input channels the weights of one side are those of the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from parity.layers.align.affine import affines
from parity.layers.align.anchors import AnchorPair
from parity.layers.align.matching import Matching, TracedGraph
from parity.layers.align.weight_matrix import matrix
from parity.layers.graph.layout import CHANNEL
from parity.layers.graph.roles import Role
from parity.layers.numbers.multiples import factors, factors_if, middle
from parity.tensors import Array

__all__ = ["Fold", "Gain", "channel_axis", "fold", "gains"]

_DEPTHWISE_NOISE = 0.02


@dataclass(frozen=True, eq=False)
class Fold:
    """The candidate's weights are the reference's times ``made`` per output channel and ``read``
    per input channel (of a depthwise layer, which has both in one: ``read`` is ones).

    ``tolerance`` is how far from one another, in logarithms, two such factors may be by rounding.
    Channels that make nothing of what they read are ``silent``, those that nothing reads
    ``unread``; 1 stands for their factors. Each of ``groups`` has its own size: the middle one of
    its ``read`` is 1.
    """

    made: Array
    read: Array
    tolerance: float
    depthwise: bool
    silent: Array
    unread: Array
    groups: int = 1

    def sizes(self, read: Array) -> Array:
        """Of what is multiplied by ``read`` before it is read: by what each output channel is, but
        for its own factor."""
        each = np.where(self.unread, np.nan, self.read * read).reshape(self.groups, -1)
        size = middle(each)
        size = np.where(np.isfinite(size), size, 1.0)
        return np.repeat(size, len(self.made) // self.groups)


def fold(matching: Matching, pair: AnchorPair, read: Array | None = None) -> Fold | None:
    """The factors of an anchored pair; None where its weights are no multiples of one another.

    ``read`` asks whether it is multiplied so per input channel: small layers, as the scores of a
    detector are, have too few weights to tell that of themselves.
    """
    sides = (matching.reference, pair.reference), (matching.candidate, pair.candidate)
    roles = {side.view.roles[anchor.op.index] for side, anchor in sides}
    if roles == {Role.DEPTHWISE}:
        return _depthwise(pair) if read is None else None
    mine, yours = (matrix(side.view, anchor.op) for side, anchor in sides)
    if mine is None or yours is None or mine.shape != yours.shape:
        return None
    found = factors(mine, yours) if read is None else factors_if(mine, yours, read)
    if found is None:
        return None
    return Fold(
        np.abs(found.made),
        found.read,
        _tolerance(found.misfit),
        False,
        found.silent,
        found.unread,
        found.groups,
    )


def _depthwise(pair: AnchorPair) -> Fold | None:
    ours, theirs = pair.reference.scale, pair.candidate.scale
    silent = (ours == 0) & (theirs == 0)
    if pair.distance > _DEPTHWISE_NOISE or not (silent | ((ours > 0) & (theirs > 0))).all():
        return None
    made = np.divide(theirs, ours, out=np.ones_like(theirs), where=~silent)
    return Fold(made, np.ones(len(made)), _tolerance(pair.distance), True, silent, silent)


def _tolerance(noise: float) -> float:
    return min(max(1e-3, 5 * noise), 0.2)


@dataclass(frozen=True, eq=False)
class Gain:
    """What norms multiply the reference's channels by more than the candidate's, 1 for channels
    without weights; and what either adds in all."""

    times: Array
    ours: Array
    theirs: Array


def gains(matching: Matching, pair: AnchorPair) -> Iterator[Gain]:
    """In every way to read which of the norms is part of the layer."""
    for mine in affines(matching.reference, pair.reference):
        for yours in affines(matching.candidate, pair.candidate):
            own = _gain(mine.scale, pair.reference.scale)
            other = _gain(yours.scale, pair.candidate.scale)
            if (own > 0).all() and (other > 0).all():
                yield Gain(own / other, mine.bias, yours.bias)


def _gain(scaled: Array, scale: Array) -> Array:
    return np.asarray(np.divide(scaled, scale, out=np.ones_like(scale), where=scale > 0))


def channel_axis(side: TracedGraph, name: str, channels: int) -> int | None:
    """The axis of a tensor that is all of so many channels; None where there is none."""
    layout = side.layouts.get(name)
    whole = ((CHANNEL, channels),)
    axes = [] if layout is None else [i for i, axis in enumerate(layout.axes) if axis == whole]
    return axes[0] if len(axes) == 1 else None
