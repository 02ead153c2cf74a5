"""What two ops of one weight read: one tensor, whatever the numbers say.

Two things may lie between that tensor and what the ops name. Exporters fold a scale into the next
weights: then the weights of one side are as much greater as what the other side reads is. And where
one side prepares the image inside, its first weights read what the other side is fed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from parity.layers.align.anchors import AnchorPair
from parity.layers.align.draft import Draft, Side
from parity.layers.align.signatures import Anchor
from parity.layers.graph.layout import CHANNEL
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import stores
from parity.layers.graph.view import View
from parity.runtimes.graph import Op
from parity.tensors import Array

_EXACT = 1e-3
"""Relative error up to which a tensor counts as another one scaled; half floats are off by 4e-4."""

_FOLDED = 0.3
"""Mean distance of the channels' factors, in logarithms, from a scale that counts as folded: 0 in
floats, 0.01 in 8 bits, 0.2 where the weights are damaged besides."""

_DECLARED = 1e-2
"""Relative error up to which a norm's measured gain is the one that its parameters say, ..."""

_LYING = 0.5
"""... and the share of channels that may say nothing: constant ones, or of float noise alone."""

_SAMPLE = 4096
_STEPS = 3
_AFFINE = (Role.NORM, Role.ELEMENTWISE)


class Reading(NamedTuple):
    """A reference tensor and the candidate tensor that is to be the same one."""

    reference: str
    candidate: str


def readings(draft: Draft) -> list[Reading]:
    """What each anchored pair reads, as it is stored, and before any scale folded by one side."""
    found = []
    for pair in draft.anchored:
        mine = stored(draft.reference.view, pair.reference.read)
        yours = stored(draft.candidate.view, pair.candidate.read)
        found.append(_unscaled(draft, pair, Reading(mine, yours)))
    return found


def stored(view: View, name: str) -> str:
    """The tensor whose values ``name`` holds: its root, or what the root was first stored as.

    A root in real numbers that is quantised before anything reads it counts as its integers do:
    the rounding belongs to the op that made it, as in formats that have no such op.
    """
    chain = view.climb(name)
    if view.quantized(chain[-1]):
        return chain[-1]
    for one in reversed(chain[:-1]):
        if stores(view.graph, view.producers[one]):
            return one
    return chain[-1]


def _unscaled(draft: Draft, pair: AnchorPair, reading: Reading) -> Reading:
    """The reading before the scale that one side has folded into its weights, if there is one."""
    above = list(_scaled(draft.reference, reading.reference))
    beside = list(_scaled(draft.candidate, reading.candidate))
    if not above and not beside:
        return reading
    options = [(1.0, reading)]
    for name, scale in above:
        options.append((scale, Reading(stored(draft.reference.view, name), reading.candidate)))
    for name, scale in beside:
        options.append((1 / scale, Reading(reading.reference, stored(draft.candidate.view, name))))
    factors = _factors(draft, pair)
    apart = [_apart(factors, scale) for scale, _ in options]
    best = min(apart)
    return options[apart.index(best)][1] if best < _FOLDED else reading


def _apart(factors: Sequence[Array], scale: float) -> float:
    """How far from one scale the factors of all channels are, whichever norms are folded in."""
    return min(
        (float(np.mean(np.abs(np.log(each / scale)))) for each in factors if each.size), default=0.0
    )


def _scaled(side: Side, name: str) -> Iterator[tuple[str, float]]:
    """The tensors above one that it is a multiple of, with the multiple: x and 0.5 for x / 2."""
    value = side.values.get(name)
    for _ in range(_STEPS):
        op = side.view.producers.get(side.view.root(name))
        if op is None or side.view.roles[op.index] is not Role.ELEMENTWISE:
            return
        operands = side.view.data_inputs(op)
        source = side.values.get(operands[0]) if len(operands) == 1 else None
        if value is None or source is None or source.size != value.size:
            return
        name = operands[0]
        scale = _multiple(value, source)
        if scale is None:
            return
        yield name, scale


def _multiple(value: Array, source: Array) -> float | None:
    """The factor between two tensors; None where they are no multiples of one another.

    Told by a sample of places: op by op along both, a tensor is no multiple by chance.
    """
    every = max(value.size // _SAMPLE, 1)
    one, other = (array.reshape(-1)[::every].astype(np.float64) for array in (value, source))
    size, error = float(other @ other), float(one @ one)
    scale = float(one @ other) / size if np.isfinite(size) and size else 0.0
    apart = one - scale * other
    exact = np.isfinite(error) and float(apart @ apart) <= _EXACT**2 * error
    return scale if exact and scale > 0 else None


def _factors(draft: Draft, pair: AnchorPair) -> list[Array]:
    """How many times greater the candidate's weights are, channel by channel.

    A norm behind a convolution may be folded into it: each side counts without and with it.
    """
    ours = affines(draft.reference, pair.reference)
    theirs = affines(draft.candidate, pair.candidate)
    return [
        yours.scale[known] / mine.scale[known]
        for mine, yours in product(ours, theirs)
        for known in [(mine.scale > 0) & (yours.scale > 0)]
    ]


class Affine(NamedTuple):
    """What a layer makes per output channel: its weight's size and what is added, (channels,)."""

    scale: Array
    bias: Array


def affines(side: Side, anchor: Anchor) -> list[Affine]:
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
    side: Side, start: Array | None, name: str, anchor: Anchor, declared: Array | None
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


def inputs(draft: Draft, read: Sequence[Reading], names: tuple[str, str]) -> tuple[str, str] | None:
    """The pair of tensors that two inputs of one size stand for; None where there is none.

    It is the inputs themselves, unless weights say otherwise. Where the reference prepares what the
    candidate is fed prepared, it is the tensor that the reference has made of its input; where the
    candidate does, its input is its own and has no partner.
    """
    ours, theirs = names
    mine, yours = draft.reference.view, draft.candidate.view
    roots = {(mine.root(one.reference), yours.root(one.candidate)) for one in read}
    before = {one for one, other in roots if other == theirs}
    behind = {other for one, other in roots if one == ours}
    if len(before) == 1 and ours not in before:
        (prepared,) = before
        if mine.size(prepared) == yours.size(theirs):
            return prepared, theirs
    if behind and theirs not in behind:
        return None
    return ours, theirs
