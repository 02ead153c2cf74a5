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

from parity.layers.align.matching import Matching, TracedGraph
from parity.layers.align.scales.affine import affines
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import stores
from parity.layers.graph.view import View
from parity.tensors import Array

_EXACT = 1e-3
"""Relative error up to which a tensor counts as another one scaled; half floats are off by 4e-4."""

_FOLDED = 0.3
"""Mean distance of the channels' factors, in logarithms, from a scale that counts as folded: 0 in
floats, 0.01 in 8 bits, 0.2 where the weights are damaged besides."""

_SAMPLE = 4096
_STEPS = 3


class OperandPair(NamedTuple):
    """A reference tensor and the candidate tensor that is to be the same one."""

    reference: str
    candidate: str


def operand_pairs(matching: Matching) -> list[OperandPair]:
    """What each anchored pair reads, as it is stored, and before any scale folded by one side."""
    found = []
    for pair in matching.anchored:
        mine = stored(matching.reference.view, pair.reference.read)
        yours = stored(matching.candidate.view, pair.candidate.read)
        found.append(_unscaled(matching, pair, OperandPair(mine, yours)))
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


def _unscaled(matching: Matching, pair: AnchorPair, read: OperandPair) -> OperandPair:
    """The pair before the scale that one side has folded into its weights, if there is one."""
    above = list(_scaled(matching.reference, read.reference))
    beside = list(_scaled(matching.candidate, read.candidate))
    if not above and not beside:
        return read
    options = [(1.0, read)]
    for name, scale in above:
        options.append((scale, OperandPair(stored(matching.reference.view, name), read.candidate)))
    for name, scale in beside:
        options.append(
            (1 / scale, OperandPair(read.reference, stored(matching.candidate.view, name)))
        )
    factors = _factors(matching, pair)
    apart = [_apart(factors, scale) for scale, _ in options]
    best = min(apart)
    return options[apart.index(best)][1] if best < _FOLDED else read


def _apart(factors: Sequence[Array], scale: float) -> float:
    """How far from one scale the factors of all channels are, whichever norms are folded in."""
    return min(
        (float(np.mean(np.abs(np.log(each / scale)))) for each in factors if each.size), default=0.0
    )


def _scaled(side: TracedGraph, name: str) -> Iterator[tuple[str, float]]:
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


def _factors(matching: Matching, pair: AnchorPair) -> list[Array]:
    """How many times greater the candidate's weights are, channel by channel.

    A norm behind a convolution may be folded into it: each side counts without and with it.
    """
    ours = affines(matching.reference, pair.reference)
    theirs = affines(matching.candidate, pair.candidate)
    return [
        yours.scale[known] / mine.scale[known]
        for mine, yours in product(ours, theirs)
        for known in [(mine.scale > 0) & (yours.scale > 0)]
    ]


def input_pair(
    matching: Matching, read: Sequence[OperandPair], names: tuple[str, str]
) -> tuple[str, str] | None:
    """The pair of tensors that two inputs of one size stand for; None where there is none.

    It is the inputs themselves, unless weights say otherwise. Where the reference prepares what the
    candidate is fed prepared, it is the tensor that the reference has made of its input; where the
    candidate does, its input is its own and has no partner.
    """
    ours, theirs = names
    mine, yours = matching.reference.view, matching.candidate.view
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
