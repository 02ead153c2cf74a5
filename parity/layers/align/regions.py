"""Regions: the ops between paired tensors. A row of the table is one region of the candidate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from parity.layers.align.matching import Matching, Pair
from parity.layers.graph.roles import LOOK_THROUGH, WEIGHTED, Role
from parity.layers.graph.view import View
from parity.runtimes.contract import Op


@dataclass(frozen=True)
class Region:
    """The ops that make one paired tensor out of other paired ones, on both sides.

    ``inputs`` are candidate tensors.
    """

    pair: Pair
    ops: tuple[Op, ...]
    reference_ops: tuple[Op, ...]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Unpaired:
    """A layer of one side ("reference" or "candidate") without a partner, and why."""

    side: str
    layer: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Cover:
    """How much of both sides lies in regions (the lesser share), and what lies in none."""

    share: float
    unpaired: tuple[Unpaired, ...]


def regions(matching: Matching) -> tuple[Region, ...]:
    """One region per pair in the candidate's execution order; inputs have none."""
    made = matching.candidate.view.producers
    return in_order(
        matching, (region(matching, one) for one in matching.pairs if one.candidate in made)
    )


def region(matching: Matching, pair: Pair) -> Region:
    """What makes two tensors that are held to be one."""
    ops, inputs = closure(matching.candidate.view, pair.candidate, set(matching.of))
    mine, _ = closure(matching.reference.view, pair.reference, set(matching.of.values()))
    return Region(pair, ops, mine, inputs)


def in_order(matching: Matching, some: Iterable[Region]) -> tuple[Region, ...]:
    """Regions in the candidate's execution order, by the op that makes their result."""
    view = matching.candidate.view
    order = {op.index: place for place, op in enumerate(view.graph.ops)}
    return tuple(sorted(some, key=lambda one: order[view.producers[one.pair.candidate].index]))


def closure(view: View, name: str, known: set[str]) -> tuple[tuple[Op, ...], tuple[str, ...]]:
    """The ops above a tensor up to known tensors, in execution order, and those tensors."""
    ops: dict[int, Op] = {}
    inputs: dict[str, None] = {}
    waiting = [name]
    while waiting:
        op = view.producers.get(waiting.pop())
        if op is None or op.index in ops:
            continue
        ops[op.index] = op
        for one in view.data_inputs(op):
            if one in known or one not in view.producers:
                inputs[one] = None
            else:
                waiting.append(one)
    return tuple(ops[index] for index in sorted(ops)), tuple(inputs)


def main_op(view: View, ops: tuple[Op, ...]) -> Op | None:
    """The op that a region is named by: its weighted one, else the last that computes."""
    weighted = [op for op in ops if view.roles[op.index] in WEIGHTED]
    computing = [op for op in ops if view.roles[op.index] not in LOOK_THROUGH]
    return next((some[-1] for some in (weighted, computing, ops) if some), None)


def counted(view: View, ops: Iterable[Op]) -> int:
    """How many ops a region has; reading and storing integers is part of the op that does it."""
    return sum(view.roles[op.index] is not Role.QUANTISE for op in ops)


def coverage(matching: Matching) -> Cover:
    """The share of computing ops that lie in regions, and what lies in none.

    The lesser share of the two sides counts: a candidate of which only the beginning was understood
    leaves most of the reference without a partner. What the reference computes for none of its
    outputs has none to find.
    """
    found = regions(matching)
    theirs = {op.index for region in found for op in region.ops}
    ours = {op.index for region in found for op in region.reference_ops}
    for pair in matching.pairs:
        if pair.evidence == "input":  # what prepares the image inside, where the other side is fed
            prepared, _ = closure(matching.reference.view, pair.reference, set())
            ours.update(op.index for op in prepared)
    view = matching.candidate.view
    shares = (
        _share((op for op in view.data_ops() if is_computing(view, op)), theirs),
        _share(_leading(matching.reference.view), ours),
    )
    unpaired = [
        *_left(matching.reference.view, ours, "reference", {}),
        *_left(view, theirs, "candidate", matching.failures),
    ]
    return Cover(min(shares), tuple(unpaired))


def _share(computing: Iterable[Op], inside: set[int]) -> float:
    """How many of these ops lie inside; 0 where there are none."""
    known = [op.index in inside for op in computing]
    return sum(known) / len(known) if known else 0.0


def _leading(view: View) -> list[Op]:
    """The computing ops that some output of the graph comes from."""
    above: dict[int, Op] = {}
    for name in view.graph.outputs:
        ops, _ = closure(view, name, set())
        above.update((op.index, op) for op in ops if is_computing(view, op))
    return list(above.values())


def is_computing(view: View, op: Op) -> bool:
    """Whether an op computes new values of data (and does not just move or store them)."""
    return view.roles[op.index] not in LOOK_THROUGH and any(one in view.data for one in op.outputs)


def _left(view: View, inside: set[int], side: str, failures: dict[int, str]) -> list[Unpaired]:
    other = "candidate" if side == "reference" else "reference"
    wanted = {*view.graph.outputs, *(name for op in view.data_ops() for name in op.inputs)}
    found = []
    for op in view.data_ops():
        if op.index in inside or not is_computing(view, op):
            continue
        used = any(name in wanted for name in op.outputs)
        reason = failures.get(op.index) or view.graph.problems.get(op.index)
        if reason is None:
            reason = f"no tensor of the {other} is it" if used else "nothing reads it"
        found.append(Unpaired(side, op.name, op.kind, reason))
    return found
