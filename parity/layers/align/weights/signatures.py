"""Layers recognised by their weights, whatever they are called and however they are laid out.

Of each weight, per output channel, u = |w| / rms(w): its mean, the third root of its mean cube and
a third of its largest value say little of one channel and, over all channels in order, tell layers
apart. They are the same in every layout (any order of the input axes) and after batch norms were
folded in (a factor per output channel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parity.layers.graph.dialects.dialect import groups
from parity.layers.graph.roles import WEIGHTED
from parity.layers.graph.semantics import adds, operands, output_axes
from parity.layers.graph.view import View
from parity.runtimes.contract import Op
from parity.tensors import Array


@dataclass(frozen=True, eq=False)
class Anchor:
    """One use of a weight by an op. ``signature`` is (channels, 3).

    ``scale`` is the weight's RMS per channel and ``bias`` what is added, both (channels,).
    """

    op: Op
    weight: str
    elements: int
    channels: int
    signature: Array
    scale: Array
    bias: Array
    read: str
    read_size: int
    written_size: int


def signature(weight: Array, axes: Sequence[int], group_count: int = 1) -> Array:
    """(channels, 3) of a weight whose ``axes`` count the output channels, major first."""
    return _signed(_rows(weight, axes, group_count))[0]


def _rows(weight: Array, axes: Sequence[int], group_count: int) -> Array:
    """|w|, a row for each output channel."""
    values = np.abs(weight.astype(np.float64))
    if group_count > 1 and tuple(axes) == (1,):  # a transposed conv: inputs, outputs of one group
        split = values.reshape(group_count, -1, *weight.shape[1:]).swapaxes(1, 2)
        return split.reshape(group_count * weight.shape[1], -1)
    front = np.moveaxis(values, tuple(axes), tuple(range(len(axes))))
    return front.reshape(int(np.prod(front.shape[: len(axes)])), -1)


def _signed(rows: Array) -> tuple[Array, Array]:
    """The signature (channels, 3) and the RMS (channels,) of such rows."""
    rms = np.sqrt(np.mean(rows**2, axis=1, keepdims=True))
    units = np.divide(rows, rms, out=np.zeros_like(rows), where=rms > 0)
    cubes = np.cbrt(np.mean(units * units * units, axis=1))  # a power of 3 takes four times as long
    return np.stack([units.mean(axis=1), cubes, units.max(axis=1) / 3], axis=1), rms[:, 0]


def anchors(view: View) -> tuple[Anchor, ...]:
    """Every use of a weight in a graph, in execution order."""
    found = []
    for op in view.data_ops():
        if view.roles[op.index] not in WEIGHTED:
            continue
        weight = view.weight(op)
        inputs = [name for name in operands(view.graph, op) if name in view.data]
        if adds(op):
            inputs = inputs[:1]
        if weight is None or len(inputs) != 1 or not np.isfinite(weight[1]).all():
            continue
        position, values = weight
        axes = output_axes(view.graph, op, position, values.ndim)
        signed, scale = _signed(_rows(values, axes, groups(op)))
        found.append(
            Anchor(
                op=op,
                weight=op.inputs[position],
                elements=int(values.size),
                channels=len(signed),
                signature=signed,
                scale=scale,
                bias=_bias(view, op, position, len(signed)),
                read=inputs[0],
                read_size=view.size(view.root(inputs[0])),
                written_size=view.size(op.outputs[0]),
            )
        )
    return tuple(found)


def _bias(view: View, op: Op, position: int, channels: int) -> Array:
    """What an op adds per channel: its other constant of that many values, else zeros."""
    for name in operands(view.graph, op):
        if name and name != op.inputs[position] and name not in view.data:
            value = view.constant(name)
            if value is not None and value.size == channels and value.dtype.kind in "fi":
                return value.reshape(channels).astype(np.float64)
    return np.zeros(channels)
