"""What a layer and the norms behind it make, as a gain and a bias for each output channel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from parity.layers.align.matching import TracedGraph
from parity.layers.align.signatures import Anchor
from parity.layers.graph.layout import CHANNEL
from parity.layers.graph.roles import Role
from parity.layers.graph.view import View
from parity.runtimes.graph import Op
from parity.tensors import Array

_DECLARED = 1e-2
"""Relative error up to which a norm's measured gain is the one that its parameters say, ..."""

_LYING = 0.5
"""... and the share of channels that may say nothing: constant ones, or of float noise alone."""

_STEPS = 3
_AFFINE = (Role.NORM, Role.ELEMENTWISE)


class Affine(NamedTuple):
    """What a layer makes per output channel: its weight's size and what is added, (channels,)."""

    scale: Array
    bias: Array


def affines(side: TracedGraph, anchor: Anchor) -> list[Affine]:
    """What a layer makes, and what it makes together with each of the ops behind it that multiply
    and add."""
    found = [Affine(anchor.scale, anchor.bias)]
    name, start = anchor.op.outputs[0], side.values.get(anchor.op.outputs[0])
    for step in range(_STEPS):
        readers = side.view.consumers.get(name, ())
        if len(readers) != 1 or side.view.roles[readers[0].index] not in _AFFINE:
            break
        if len(side.view.data_inputs(readers[0])) != 1:
            break
        name = readers[0].outputs[0]
        declared = None if step else _declared(side.view, readers[0], anchor.channels)
        behind = _behind(side, start, name, anchor, declared)
        if behind is not None:
            found.append(behind)
    return found


def _declared(view: View, op: Op, channels: int) -> Array | None:
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


def _completed(gains: Array, declared: Array | None) -> Array:
    """Gains as the norm declares them where most channels were measured so, else as measured.

    On one image a channel may be constant, or nearly so, and tell nothing of its gain.
    """
    if declared is None or not gains.any():
        return gains
    apart = np.abs(declared - gains) > _DECLARED * np.abs(declared)
    return gains if apart.mean() > _LYING else declared


def _behind(
    side: TracedGraph, start: Array | None, name: str, anchor: Anchor, declared: Array | None
) -> Affine | None:
    """A layer up to a later tensor, by how that varies with what the layer alone makes.

    ``declared`` are the factors of channels that the op between them says it has.
    """
    end = side.values.get(name)
    if start is None or end is None or start.shape != end.shape:
        return None
    layout = side.layouts.get(anchor.op.outputs[0])
    whole = ((CHANNEL, anchor.channels),)
    axes = [] if layout is None else [i for i, axis in enumerate(layout.axes) if axis == whole]
    if len(axes) != 1:
        return None
    (middle, before), (ends, behind) = (_by_channel(array, axes[0]) for array in (start, end))
    varied = np.sum(before**2, axis=1)
    shared = np.sum(before * behind, axis=1)
    gains = np.divide(shared, varied, out=np.zeros_like(shared), where=varied > 0)
    gains = _completed(gains, declared)
    return Affine(anchor.scale * np.abs(gains), ends + gains * (anchor.bias - middle))


def _by_channel(array: Array, axis: int) -> tuple[Array, Array]:
    """The means (channels,), and (channels, positions) around them."""
    rows = np.moveaxis(np.asarray(array, np.float64), axis, 0).reshape(array.shape[axis], -1)
    means = rows.mean(axis=1)
    return means, np.asarray(rows - means[:, None])
