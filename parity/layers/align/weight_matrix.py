"""A weight as a matrix of channels, whatever its format and layout."""

from __future__ import annotations

import numpy as np

from parity.layers.graph.semantics import Role, channel_axis, groups, output_axes
from parity.layers.graph.view import View
from parity.runtimes.graph import Op
from parity.tensors import Array

_READ = {"onnx": 1, "torch": 1, "tflite": -1}
"""The axis of a convolution's input channels; the last but one in other formats."""

_READ_BACK = {"onnx": 0, "torch": 0}
"""That of a transposed convolution; the last one in other formats."""


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
