"""By which factors of output and input channels the weights of one side are those of the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from parity.layers.anchors import AnchorPair
from parity.layers.draft import Draft, Side
from parity.layers.layout import CHANNEL, Array
from parity.layers.reading import scales
from parity.layers.semantics import Role
from parity.layers.signatures import factors, matrix

__all__ = ["Fold", "channel_axis", "fold", "gains"]

_DEPTHWISE_NOISE = 0.02


@dataclass(frozen=True, eq=False)
class Fold:
    """The candidate's weights are the reference's times ``made`` per output channel and ``read``
    per input channel (of a depthwise layer, which has both in one: ``read`` is ones).

    ``tolerance`` is how far from one another, in logarithms, two such factors may be by rounding.
    """

    made: Array
    read: Array
    tolerance: float
    depthwise: bool


def fold(draft: Draft, pair: AnchorPair) -> Fold | None:
    """The factors of an anchored pair; None where its weights are no multiples of one another."""
    sides = (draft.reference, pair.reference), (draft.candidate, pair.candidate)
    roles = {side.view.roles[anchor.op.index] for side, anchor in sides}
    if roles == {Role.DEPTHWISE}:
        ours, theirs = pair.reference.scale, pair.candidate.scale
        if pair.distance > _DEPTHWISE_NOISE or not ((ours > 0) & (theirs > 0)).all():
            return None
        made = theirs / ours
        return Fold(made, np.ones(len(made)), _tolerance(pair.distance), True)
    mine, yours = (matrix(side.view, anchor.op) for side, anchor in sides)
    if mine is None or yours is None or mine.shape != yours.shape:
        return None
    found = factors(mine, yours)
    if found is None:
        return None
    return Fold(np.abs(found.made), found.read, _tolerance(found.misfit), False)


def _tolerance(noise: float) -> float:
    return min(max(1e-3, 5 * noise), 0.2)


def gains(draft: Draft, pair: AnchorPair) -> Iterator[Array]:
    """What norms multiply the reference's channels by more than the candidate's, in every way to
    read which of them is part of the layer."""
    for mine in scales(draft.reference, pair.reference):
        for yours in scales(draft.candidate, pair.candidate):
            own = mine / np.where(pair.reference.scale > 0, pair.reference.scale, 1)
            other = yours / np.where(pair.candidate.scale > 0, pair.candidate.scale, 1)
            if (own > 0).all() and (other > 0).all():
                yield own / other


def channel_axis(side: Side, name: str, channels: int) -> int | None:
    """The axis of a tensor that is all of so many channels; None where there is none."""
    layout = side.layouts.get(name)
    whole = ((CHANNEL, channels),)
    axes = [] if layout is None else [i for i, axis in enumerate(layout.axes) if axis == whole]
    return axes[0] if len(axes) == 1 else None
