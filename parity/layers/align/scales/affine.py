"""What a layer and the norms behind it make, as an affine map of each output channel.

A batch norm, and a product or a sum with constants, multiply and shift whole channels. Together
with the layer before them they are a layer with another weight scale and another bias: what
batch-norm folding makes of them. Their gains are fitted to one run by least squares, channel by
channel, so that no such op need be understood.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from parity.layers.align.matching import TracedGraph
from parity.layers.align.weights.signatures import Anchor
from parity.layers.graph.roles import Role
from parity.layers.graph.view import View
from parity.runtimes.contract import Op
from parity.tensors import Array

_AS_DECLARED = 1e-2
"""Relative error up to which a norm's fitted gain is the one that its parameters say, ..."""

_UNFITTED = 0.5
"""... and the share of channels whose fit may be off: constant ones, or of float noise alone."""

_NORMS = 3  # that are looked for behind a layer
_AFFINE = (Role.NORM, Role.ELEMENTWISE)


class Affine(NamedTuple):
    """Per output channel, the RMS of a layer's weight and its bias, both (channels,)."""

    scale: Array
    bias: Array


def affines(side: TracedGraph, anchor: Anchor) -> list[Affine]:
    """A layer alone, and folded together with one, two, … of the affine ops right behind it."""
    found = [Affine(anchor.scale, anchor.bias)]
    name, start = anchor.op.outputs[0], side.values.get(anchor.op.outputs[0])
    for step in range(_NORMS):
        readers = side.view.consumers.get(name, ())
        if len(readers) != 1 or side.view.roles[readers[0].index] not in _AFFINE:
            break
        if len(side.view.data_inputs(readers[0])) != 1:
            break
        name = readers[0].outputs[0]
        declared = None if step else _declared_gains(side.view, readers[0], anchor.channels)
        folded = _folded(side, start, name, anchor, declared)
        if folded is not None:
            found.append(folded)
    return found


def _declared_gains(view: View, op: Op, channels: int) -> Array | None:
    """γ / √(σ² + ε) of a batch norm whose parameters are constants; None of another op.

    Source: ONNX BatchNormalization, whose operands stand in the same order in torch and Keras.
    """
    names = [name for name in op.inputs if name and name not in view.data]
    values = [view.constant(name) for name in names]
    epsilon = op.attributes.get("epsilon", op.attributes.get("eps", 1e-5))
    known = [value for value in values if value is not None and value.size == channels]
    if view.roles[op.index] is not Role.NORM or len(known) != 4:
        return None
    gamma, variance = (np.asarray(known[place], np.float64).reshape(-1) for place in (0, 3))
    spread = variance + float(epsilon)
    return np.asarray(gamma / np.sqrt(spread)) if (spread > 0).all() else None


def _believed(fitted: Array, declared: Array | None) -> Array:
    """The declared gains where most channels were fitted so, else the fitted ones.

    On one image a channel may be constant, or nearly so, and tell nothing of its gain.
    """
    if declared is None or not fitted.any():
        return fitted
    off = np.abs(declared - fitted) > _AS_DECLARED * np.abs(declared)
    return fitted if off.mean() > _UNFITTED else declared


def _folded(
    side: TracedGraph, start: Array | None, name: str, anchor: Anchor, declared: Array | None
) -> Affine | None:
    """A layer with the ops up to a later tensor, by the affine fit of that to the layer's result.

    ``declared`` are the gains that the op between them says it has. None where the tensors, or
    their layouts, do not tell channels.
    """
    end = side.values.get(name)
    axis = side.channel_axis(anchor.op.outputs[0], anchor.channels)
    if start is None or end is None or start.shape != end.shape or axis is None:
        return None
    (start_means, x), (end_means, y) = (_by_channel(array, axis) for array in (start, end))
    squares = np.sum(x**2, axis=1)
    products = np.sum(x * y, axis=1)
    fitted = np.divide(products, squares, out=np.zeros_like(products), where=squares > 0)
    gains = _believed(fitted, declared)
    return Affine(anchor.scale * np.abs(gains), end_means + gains * (anchor.bias - start_means))


def _by_channel(array: Array, axis: int) -> tuple[Array, Array]:
    """The means (channels,), and (channels, positions) around them."""
    rows = np.moveaxis(np.asarray(array, np.float64), axis, 0).reshape(array.shape[axis], -1)
    means = rows.mean(axis=1)
    return means, np.asarray(rows - means[:, None])
