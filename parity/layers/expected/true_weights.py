"""The reference's floats of a quantised candidate's weights, as the candidate lays them out.

With them the rounding of a weight is the one that was made, and need not be drawn at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from parity.layers.align.matching import Matching
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.align.weights.weight_matrix import axes_in_order
from parity.layers.graph.dialects.dialect import groups
from parity.layers.graph.roles import Role
from parity.layers.graph.view import View
from parity.runtimes.contract import Op
from parity.tensors import Array

_ALIKE = 0.2
"""Relative L2 up to which a weight may be another one, rounded; in 4 bits it is about 0.1."""

_AS_GOOD = 1.02
"""How much more may be left without a factor for each output channel than with them. Factors that
only fit themselves to the rounding would hide it."""


def given(matching: Matching) -> dict[int, dict[str, Array]]:
    """By op index and name of the constant, the floats of every quantised weight that is known.

    Those that differ by more than rounding and a factor per output channel are left out: they are
    damaged, or scaled along their input channels.
    """
    found = {}
    for pair in matching.anchored:
        weight = _given(matching, pair)
        if weight is not None:
            found[pair.candidate.op.index] = {pair.candidate.weight: weight}
    return found


@dataclass(frozen=True, eq=False)
class _Laid:
    """A weight as a row for each output channel, and the axes that were put in this order."""

    rows: Array
    order: tuple[int, ...]
    shape: tuple[int, ...]

    def back(self, rows: Array) -> Array:
        """Such rows as the weight was."""
        front = rows.reshape([self.shape[axis] for axis in self.order])
        return np.ascontiguousarray(front.transpose(np.argsort(self.order)), np.float32)


def _given(matching: Matching, pair: AnchorPair) -> Array | None:
    ours = _laid(matching.reference.view, pair.reference.op)
    theirs = _laid(matching.candidate.view, pair.candidate.op)
    if ours is None or theirs is None or ours.rows.shape != theirs.rows.shape:
        return None
    own = np.sum(ours.rows**2, axis=1, keepdims=True)
    shared = np.sum(ours.rows * theirs.rows, axis=1, keepdims=True)
    fitted = ours.rows * np.divide(shared, own, out=np.ones_like(own), where=own > 0)
    apart, least = (_apart(one, theirs.rows) for one in (ours.rows, fitted))
    if not least <= _ALIKE:
        return None
    return theirs.back(ours.rows if apart <= _AS_GOOD * least else fitted)


def _apart(one: Array, other: Array) -> float:
    size = float(np.sum(other**2))
    return math.sqrt(float(np.sum((one - other) ** 2)) / size) if size else math.inf


def _laid(view: View, op: Op) -> _Laid | None:
    """Rows of input channels and positions, in the same order in all formats."""
    found, role = view.weight(op), view.roles[op.index]
    if found is None or (groups(op) != 1 and role is not Role.DEPTHWISE):
        return None
    position, values = found
    outputs, order = axes_in_order(view, op, position, values.ndim)
    count = math.prod(values.shape[axis] for axis in order[:outputs])
    rows = values.transpose(order).reshape(count, -1).astype(np.float64)
    return _Laid(rows, order, values.shape)
