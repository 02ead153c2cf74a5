"""Tensors whose values must lie in the reference's order, whatever layout a graph gives them.

Between two layers with weights a converter may lay a tensor out as it likes, as it lays out the
weights to match. What comes after the last of them is read by nobody who could do so: a graph's
outputs, and what is computed, sliced and concatenated on the way to them, position by position.
"""

from __future__ import annotations

from parity.layers.graph.layout import CHANNEL, SPACE, Layout
from parity.layers.graph.roles import SAME_PLACE, Role
from parity.layers.graph.view import View
from parity.runtimes.contract import Op

_KEEPS_ORDER = SAME_PLACE - {Role.NORM} | {Role.CONCAT, Role.SLICE}


def ordered(view: View) -> frozenset[str]:
    """The data tensors that a graph's outputs are made of without anything that moves values."""
    found = {name for name in view.graph.outputs if name in view.data}
    for op in reversed(view.data_ops()):
        if _keeps_order(view, op) and found.intersection(op.outputs):
            found.update(view.data_inputs(op))
    return frozenset(found)


def _keeps_order(view: View, op: Op) -> bool:
    """Also of what reads boxes beside scores, as suppressions do; another unknown op may move."""
    role = view.roles[op.index]
    return role in _KEEPS_ORDER or (role is Role.OTHER and len(set(view.data_inputs(op))) > 1)


def reordered(reference: Layout | None, candidate: Layout | None) -> bool:
    """Whether two tensors of one shape hold their values in another order, by their layouts.

    Whole maps apart: of one that is as high and wide as it has channels, the shape does not show
    that a converter has moved the channels last, as converters do.
    """
    if reference is None or candidate is None or reference == candidate:
        return False
    return not (_is_map(reference) and sorted(reference.axes) == sorted(candidate.axes))


def _is_map(layout: Layout) -> bool:
    """Whether channels and positions each have axes of their own."""
    inner = [axis for axis in layout.axes[1:] if axis]
    return all(len(axis) == 1 and axis[0][0] in (CHANNEL, SPACE) for axis in inner)
