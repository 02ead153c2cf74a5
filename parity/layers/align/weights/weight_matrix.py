"""A weight as a matrix of channels, whatever its format and layout."""

from __future__ import annotations

import numpy as np

from parity.layers.graph.dialects.dialect import groups
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import channel_axis, input_axis, output_axes
from parity.layers.graph.view import View
from parity.runtimes.contract import Op
from parity.tensors import Array


def axes_in_order(view: View, op: Op, position: int, ndim: int) -> tuple[int, tuple[int, ...]]:
    """The axes of the weight at input ``position``, in one order in all formats: output channels,
    input channels, positions; and how many of them count output channels."""
    outputs = tuple(axis % ndim for axis in output_axes(view.graph, op, position, ndim))
    rest = [axis for axis in range(ndim) if axis not in outputs]
    if view.roles[op.index] in (Role.CONV, Role.DECONV) and ndim > 2:
        inputs = input_axis(view.graph, op, ndim) % ndim
        rest = [inputs, *(axis for axis in rest if axis != inputs)]
    return len(outputs), (*outputs, *rest)


def matrix(view: View, op: Op) -> Array | None:
    """A weight as (groups, output channels of one, input channels of one, positions); None for
    depthwise ones, and where the axes are not known."""
    weight, found = view.weight(op), view.roles[op.index]
    if weight is None or found not in (Role.CONV, Role.DENSE, Role.DECONV):
        return None
    position, values = weight
    if found is Role.DENSE and values.ndim != 2:
        return None
    _, order = axes_in_order(view, op, position, values.ndim)
    front = values.astype(np.float64).transpose(order)
    front = front.reshape(*front.shape[:2], -1)
    if found is Role.DECONV:  # outputs of one group, inputs of all
        count = groups(op)
        if front.shape[1] % count:
            return None
        return front.reshape(len(front), count, -1, front.shape[2]).swapaxes(0, 1)
    count = _groups(view, op, front.shape[1]) if found is Role.CONV else 1
    return front.reshape(count, -1, *front.shape[1:]) if len(front) % count == 0 else None


def _groups(view: View, op: Op, read: int) -> int:
    """By how many channels the op's input has; not every format has an attribute for it."""
    axis, inputs = channel_axis(view.graph, op), view.data_inputs(op)
    shape = view.shapes.get(inputs[0]) if inputs else None
    if axis is None or not shape or len(shape) < 3 or shape[axis] % read:
        return groups(op)
    return max(shape[axis] // read, 1)
