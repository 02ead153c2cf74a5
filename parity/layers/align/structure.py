"""Pairs of tensors that weights and graphs alone tell; no value is ever compared here.

*Consumers*: where two ops hold the same weight, the tensor that one reads is the tensor that the
other reads, whatever the numbers say (a missing activation must not hide behind the tensor before
it). *Outputs*, by their binding or by the anchors above them. *Joins*: the operands of paired
concatenations and sums.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from parity.layers.align import operands
from parity.layers.align.matching import AlignmentError, Matching, Pair, TracedGraph
from parity.layers.align.operands import OperandPair, stored
from parity.layers.align.scales.equalisation import equalisation
from parity.layers.align.weights import anchors
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.graph import ordering
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import activated, commutative, function, starts_at_zero, stores
from parity.layers.graph.view import View
from parity.runtimes.contract import Op

Upstream = frozenset[int]
Upstreams = tuple[dict[str, Upstream], dict[str, Upstream]]


def structural(
    reference: TracedGraph, candidate: TracedGraph, outputs: Mapping[str, str] | None = None
) -> Matching:
    """Everything that weights and graphs say, without comparing a single value.

    ``outputs`` gives the candidate's graph outputs their reference outputs, where that is known.
    """
    matching = Matching(reference, candidate, anchors.pair(reference.view, candidate.view))
    matching.ordered = ordering.ordered(candidate.view)
    equalised = equalisation(matching)
    matching.scales, matching.not_undone = equalised.scales, equalised.not_undone
    read = operands.operand_pairs(matching)
    _pair_inputs(matching, read)
    for pair, one in zip(matching.anchored, read, strict=True):
        _pair_reads(matching, pair, one)
    upstreams = upstream(matching)
    _pair_outputs(matching, upstreams, outputs)
    for pair in matching.anchored:
        _pair_results(matching, pair)
    pair_operands(matching, matching.pairs, upstreams)
    return matching


def pair_operands(matching: Matching, pairs: Iterable[Pair], upstreams: Upstreams) -> None:
    """Pair what joins and reversible functions read that make paired tensors, and so on upwards."""
    waiting = deque(pairs)
    while waiting:
        before = len(matching.pairs)
        _pair_operands(matching, waiting.popleft(), upstreams)
        waiting.extend(matching.pairs[before:])


def _pair_inputs(matching: Matching, read: Sequence[OperandPair]) -> None:
    ours, theirs = matching.reference.view, matching.candidate.view
    left = list(ours.inputs)
    for name in theirs.inputs:
        same = [one for one in left if ours.size(one) == theirs.size(name)]
        if same:
            found = operands.input_pair(matching, read, (same[0], name))
            if found is None:
                matching.own.add(name)
            else:
                matching.add(*found, "input")
            left.remove(same[0])
    if not matching.pairs and not matching.own:
        sizes = [[view.shapes.get(name) for name in view.inputs] for view in (ours, theirs)]
        raise AlignmentError(
            f"expected inputs of the same size on both sides, found {sizes[0]} and {sizes[1]}"
        )


def _pair_reads(matching: Matching, pair: AnchorPair, read: OperandPair) -> None:
    """The consumer side: what both ops of an anchored pair read is one tensor."""
    ours, theirs = pair.reference.read, pair.candidate.read
    mine, yours = read
    chain = matching.candidate.view.climb(theirs)
    if yours not in chain or mine not in matching.reference.view.climb(ours):
        matching.add(mine, yours, "consumer")
        return  # a scale lies between
    if matching.bring(mine, yours) is None and matching.bring(ours, theirs) is not None:
        matching.add(ours, theirs, "consumer")
        return  # only the moved values can be compared
    matching.add(mine, yours, "consumer")
    if matching.of.get(yours) not in (None, mine):
        place = chain.index(yours)
        reader = matching.candidate.view.producers[chain[place - 1]] if place else pair.candidate.op
        matching.by_reader[reader.index, yours] = mine
    if _moves(matching.candidate.view, theirs, yours):
        matching.add(ours, theirs, "consumer")


def _pair_results(matching: Matching, pair: AnchorPair) -> None:
    """What both ops make is one tensor where their weights and biases are the same ones."""
    if pair.ambiguous or not pair.same_result:
        return
    ours, theirs = pair.reference.op, pair.candidate.op
    mine = rounded(matching.reference.view, ours.outputs[0])
    yours = rounded(matching.candidate.view, theirs.outputs[0])
    if _ends_activated(matching.reference.view, ours, mine) or _ends_activated(
        matching.candidate.view, theirs, yours
    ):
        return
    new = yours not in matching.of and mine not in matching.of.values()
    if new and matching.bring(mine, yours) is not None:  # not inside a dilated conv's blocks
        matching.add(mine, yours, "weight")


def _ends_activated(view: View, op: Op, name: str) -> bool:
    """Whether what an op makes, stored as ``name``, has gone through an activation."""
    return activated(op) or starts_at_zero(view.graph, view.producers[name])


def rounded(view: View, name: str) -> str:
    """A tensor, or what it is stored as where it is only ever read after rounding."""
    readers = view.consumers.get(name, ())
    if len(readers) == 1 and stores(view.graph, readers[0]):
        return readers[0].outputs[0]
    return name


def _moves(view: View, name: str, above: str) -> bool:
    """Whether between a tensor and the one it looks through to, values are moved or framed."""
    chain = view.climb(name)
    ops = [view.producers[one] for one in chain[: chain.index(above)]]
    moving = (Role.PAD, Role.TRANSPOSE, Role.RESHAPE, Role.BLOCKS)
    return any(view.roles[op.index] in moving for op in ops)


def upstream(matching: Matching) -> tuple[dict[str, Upstream], dict[str, Upstream]]:
    """By tensor name, the nearest anchored pairs above it, on each side; inputs count as such."""
    ours = {pair.reference.op.index: place for place, pair in enumerate(matching.anchored)}
    theirs = {pair.candidate.op.index: place for place, pair in enumerate(matching.anchored)}
    given = matching.reference.view.inputs
    inputs = [
        pair for pair in matching.pairs if pair.evidence == "input" or pair.reference in given
    ]
    first = {pair.reference: -1 - place for place, pair in enumerate(inputs)}
    second = {pair.candidate: first[pair.reference] for pair in inputs}
    return (
        _nearest(matching.reference.view, ours, first),
        _nearest(matching.candidate.view, theirs, second),
    )


def _nearest(
    view: View, places: Mapping[int, int], inputs: Mapping[str, int]
) -> dict[str, Upstream]:
    above: dict[str, Upstream] = {name: frozenset([place]) for name, place in inputs.items()}
    for op in view.data_ops():
        if op.index in places:
            found: Upstream = frozenset([places[op.index]])
        else:
            read = view.data_inputs(op)
            if len(read) > 1:  # a scale that is computed says nothing of where a tensor comes from
                read = tuple(one for one in read if view.size(one) != 1) or read
            found = frozenset().union(*(above.get(one, ()) for one in read))
        # A scale and a zero point that are computed beside integers say nothing of it either.
        made = op.outputs[:1] if view.roles[op.index] is Role.QUANTISE else op.outputs
        above.update((name, found) for name in made if name not in inputs)
    return above


def _pair_outputs(
    matching: Matching, upstreams: Upstreams, known: Mapping[str, str] | None
) -> None:
    ours, theirs = matching.reference.view, matching.candidate.view
    bound = dict(known) if known is not None else {}
    left = [one for one in ours.graph.outputs if one not in bound.values()]
    names = [one for one in theirs.graph.outputs if one not in bound and one in theirs.data]
    for mine, yours in _by_place(matching, left, names, upstreams):
        bound[yours] = mine
    matching.outputs = bound
    for yours, mine in bound.items():
        matching.add(mine, yours, "output")
        matching.add(stored(ours, mine), stored(theirs, yours), "output")


def _by_upstream(
    matching: Matching, ours: Sequence[str], theirs: Sequence[str], upstreams: Upstreams
) -> list[tuple[str, str]]:
    """Pair tensors of equal size and equal anchors above, where no other pair is possible."""
    mine = [(upstreams[0].get(one), matching.reference.view.size(one)) for one in ours]
    yours = [(upstreams[1].get(one), matching.candidate.view.size(one)) for one in theirs]
    return [
        (ours[mine.index(key)], other)
        for key, other in zip(yours, theirs, strict=True)
        if mine.count(key) == yours.count(key) == 1
    ]


def _by_place(
    matching: Matching, ours: Sequence[str], theirs: Sequence[str], upstreams: Upstreams
) -> list[tuple[str, str]]:
    """As ``_by_upstream``; what that does not tell apart, in the order of both files."""
    found = _by_upstream(matching, ours, theirs, upstreams)
    mine = [one for one in ours if one not in {pair[0] for pair in found}]
    yours = [one for one in theirs if one not in {pair[1] for pair in found}]
    sizes = [matching.reference.view.size(one) for one in mine]
    if sizes == [matching.candidate.view.size(one) for one in yours]:
        found += zip(mine, yours, strict=True)
    return found


def _pair_operands(matching: Matching, pair: Pair, upstreams: Upstreams) -> None:
    """The operands of paired joins (concatenations, sums) and reversible functions are pairs."""
    ours, theirs = matching.reference.view, matching.candidate.view
    one, other = _maker(ours, pair.reference), _maker(theirs, pair.candidate)
    if one is None or other is None or ours.roles[one.index] is not theirs.roles[other.index]:
        return
    joined = ours.data_inputs(one), theirs.data_inputs(other)
    if len(joined[0]) != len(joined[1]) or not joined[0]:
        return
    role = ours.roles[one.index]
    if role is Role.CONCAT:
        found = _by_upstream(matching, joined[0], joined[1], upstreams)
    elif (
        role is Role.ELEMENTWISE
        and commutative(ours.graph, one) == commutative(theirs.graph, other) != ""
    ):
        found = _distinct(matching, joined, upstreams)
    elif len(joined[0]) == 1 and _reversible(ours, one) == _reversible(theirs, other) != "":
        found = [(joined[0][0], joined[1][0])]
    else:
        return
    for mine, yours in found:
        matching.add(stored(ours, mine), stored(theirs, yours), "join")
        if _moves(theirs, yours, stored(theirs, yours)):
            matching.add(mine, yours, "join")


def _reversible(view: View, op: Op) -> str:
    """One name for a function whose results tell its operand; "" for all others."""
    name = function(view.graph, op)
    return "" if name == "relu" else name


def _maker(view: View, name: str) -> Op | None:
    return view.producers.get(view.root(name))


def _distinct(
    matching: Matching, joined: tuple[Sequence[str], Sequence[str]], upstreams: Upstreams
) -> list[tuple[str, str]]:
    """Operands that the anchors above them, or the functions that make them, tell apart."""
    views = matching.reference.view, matching.candidate.view
    keys = [
        [(upstreams[side].get(one), _made_by(views[side], one)) for one in joined[side]]
        for side in (0, 1)
    ]
    if set(keys[0]) != set(keys[1]) or len(set(keys[0])) != len(joined[0]):
        return []
    return [
        (joined[0][keys[0].index(key)], one) for key, one in zip(keys[1], joined[1], strict=True)
    ]


def _made_by(view: View, name: str) -> str:
    op = _maker(view, name)
    return "" if op is None else _reversible(view, op)
