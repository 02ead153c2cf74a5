"""Ops that one side of a region has and the other has not: an activation or a sum left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.layers.align.matching import Matching
from parity.layers.align.regions import Region
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import activated, adds, op_type
from parity.layers.graph.view import View
from parity.runtimes.contract import Op

_ANSWERS = {
    Role.ACTIVATION: {Role.ACTIVATION, Role.ELEMENTWISE, Role.SOFTMAX},  # x * clip(x + 3) is one
    Role.ELEMENTWISE: {Role.ELEMENTWISE},
    Role.SOFTMAX: {Role.SOFTMAX, Role.ACTIVATION, Role.ELEMENTWISE},
}
"""By role, what may stand for it on the other side."""


def absent_ops(matching: Matching, region: Region) -> list[str]:
    """ "the candidate has no ReLU here" and the like; nothing where an unknown op may be it.

    Only ops that no converter folds into a weight count: activations, a softmax, and sums or
    products of two tensors that flow. A quantised range that ends at zero is a ReLU too.
    """
    ours = (matching.reference.view, region.reference_ops)
    theirs = (matching.candidate.view, region.ops)
    return [
        *(f"the candidate has no {kind} here" for kind in _without(ours, theirs)),
        *(f"the reference has no {kind} here" for kind in _without(theirs, ours)),
    ]


def _without(one: tuple[View, Sequence[Op]], other: tuple[View, Sequence[Op]]) -> Iterator[str]:
    """The kinds of ops of one side that nothing on the other stands for."""
    view, ops = other
    roles = {view.roles[op.index] for op in ops}
    if not ops or Role.OTHER in roles:
        return
    stored = any(name in view.graph.quantization for op in ops for name in op.outputs)
    if stored or Role.QUANTISE in roles or any(activated(op) for op in ops):
        roles.add(Role.ACTIVATION)
    if any(adds(op) for op in ops):
        roles.add(Role.ELEMENTWISE)
    mine, listed = one
    for op in listed:
        role = mine.roles[op.index]
        if role is Role.ELEMENTWISE and len(set(mine.data_inputs(op))) < 2:
            continue
        if role in _ANSWERS and not roles & _ANSWERS[role]:
            yield op_type(mine.graph, op)
