"""Pairs of tensors that weights and graphs alone tell; no value is ever compared here.

*Consumers*: where two ops hold the same weight, the tensor that one reads is the tensor that the
other reads, whatever the numbers say (a missing activation must not hide behind the tensor before
it). *Outputs*, by their binding or by the anchors above them. *Joins*: the operands of paired
concatenations and sums.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from parity.layers.align import anchors, reading, rescaling
from parity.layers.align.anchors import AnchorPair
from parity.layers.align.draft import AlignmentError, Draft, Pair, Side
from parity.layers.align.reading import Reading, stored
from parity.layers.graph import ordering
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import activated, commutative, function, starts_at_zero, stores
from parity.layers.graph.view import View
from parity.runtimes.graph import Op

Upstream = frozenset[int]
Upstreams = tuple[dict[str, Upstream], dict[str, Upstream]]


def structural(reference: Side, candidate: Side, outputs: Mapping[str, str] | None = None) -> Draft:
    """Everything that weights and graphs say, without comparing a single value.

    ``outputs`` gives the candidate's graph outputs their reference outputs, where that is known.
    """
    draft = Draft(reference, candidate, anchors.pair(reference.view, candidate.view))
    draft.ordered = ordering.ordered(candidate.view)
    scaled = rescaling.rescaled(draft)
    draft.rescaled, draft.misread = scaled.factors, scaled.misread
    read = reading.readings(draft)
    _pair_inputs(draft, read)
    for pair, one in zip(draft.anchored, read, strict=True):
        _pair_reads(draft, pair, one)
    upstreams = upstream(draft)
    _pair_outputs(draft, upstreams, outputs)
    for pair in draft.anchored:
        _pair_results(draft, pair)
    pair_operands(draft, draft.pairs, upstreams)
    return draft


def pair_operands(draft: Draft, pairs: Iterable[Pair], upstreams: Upstreams) -> None:
    """Pair what joins and reversible functions read that make paired tensors, and so on upwards."""
    waiting = deque(pairs)
    while waiting:
        before = len(draft.pairs)
        _pair_operands(draft, waiting.popleft(), upstreams)
        waiting.extend(draft.pairs[before:])


def _pair_inputs(draft: Draft, read: Sequence[Reading]) -> None:
    ours, theirs = draft.reference.view, draft.candidate.view
    left = list(ours.inputs)
    for name in theirs.inputs:
        same = [one for one in left if ours.size(one) == theirs.size(name)]
        if same:
            found = reading.inputs(draft, read, (same[0], name))
            if found is None:
                draft.own.add(name)
            else:
                draft.add(*found, "input")
            left.remove(same[0])
    if not draft.pairs and not draft.own:
        sizes = [[view.shapes.get(name) for name in view.inputs] for view in (ours, theirs)]
        raise AlignmentError(
            f"expected inputs of the same size on both sides, found {sizes[0]} and {sizes[1]}"
        )


def _pair_reads(draft: Draft, pair: AnchorPair, read: Reading) -> None:
    """The consumer side: what both ops of an anchored pair read is one tensor."""
    ours, theirs = pair.reference.read, pair.candidate.read
    mine, yours = read
    chain = draft.candidate.view.climb(theirs)
    if yours not in chain or mine not in draft.reference.view.climb(ours):
        draft.add(mine, yours, "consumer")
        return  # a scale lies between
    if draft.bring(mine, yours) is None and draft.bring(ours, theirs) is not None:
        draft.add(ours, theirs, "consumer")
        return  # only the moved values can be compared
    draft.add(mine, yours, "consumer")
    if draft.of.get(yours) not in (None, mine):
        place = chain.index(yours)
        reader = draft.candidate.view.producers[chain[place - 1]] if place else pair.candidate.op
        draft.readings[reader.index, yours] = mine
    if _moves(draft.candidate.view, theirs, yours):
        draft.add(ours, theirs, "consumer")


def _pair_results(draft: Draft, pair: AnchorPair) -> None:
    """What both ops make is one tensor where their weights and biases are the same ones."""
    if pair.ambiguous or not pair.same_result:
        return
    ours, theirs = pair.reference.op, pair.candidate.op
    mine = rounded(draft.reference.view, ours.outputs[0])
    yours = rounded(draft.candidate.view, theirs.outputs[0])
    if _ends_activated(draft.reference.view, ours, mine) or _ends_activated(
        draft.candidate.view, theirs, yours
    ):
        return
    new = yours not in draft.of and mine not in draft.of.values()
    if new and draft.bring(mine, yours) is not None:  # not inside a dilated conv's blocks
        draft.add(mine, yours, "weight")


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


def upstream(draft: Draft) -> tuple[dict[str, Upstream], dict[str, Upstream]]:
    """By tensor name, the nearest anchored pairs above it, on each side; inputs count as such."""
    ours = {pair.reference.op.index: place for place, pair in enumerate(draft.anchored)}
    theirs = {pair.candidate.op.index: place for place, pair in enumerate(draft.anchored)}
    given = draft.reference.view.inputs
    inputs = [pair for pair in draft.pairs if pair.evidence == "input" or pair.reference in given]
    first = {pair.reference: -1 - place for place, pair in enumerate(inputs)}
    second = {pair.candidate: first[pair.reference] for pair in inputs}
    return (
        _nearest(draft.reference.view, ours, first),
        _nearest(draft.candidate.view, theirs, second),
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


def _pair_outputs(draft: Draft, upstreams: Upstreams, known: Mapping[str, str] | None) -> None:
    ours, theirs = draft.reference.view, draft.candidate.view
    bound = dict(known) if known is not None else {}
    left = [one for one in ours.graph.outputs if one not in bound.values()]
    names = [one for one in theirs.graph.outputs if one not in bound and one in theirs.data]
    for mine, yours in _by_place(draft, left, names, upstreams):
        bound[yours] = mine
    draft.outputs = bound
    for yours, mine in bound.items():
        draft.add(mine, yours, "output")
        draft.add(stored(ours, mine), stored(theirs, yours), "output")


def _by_upstream(
    draft: Draft, ours: Sequence[str], theirs: Sequence[str], upstreams: Upstreams
) -> list[tuple[str, str]]:
    """Pair tensors of equal size and equal anchors above, where no other pair is possible."""
    mine = [(upstreams[0].get(one), draft.reference.view.size(one)) for one in ours]
    yours = [(upstreams[1].get(one), draft.candidate.view.size(one)) for one in theirs]
    return [
        (ours[mine.index(key)], other)
        for key, other in zip(yours, theirs, strict=True)
        if mine.count(key) == yours.count(key) == 1
    ]


def _by_place(
    draft: Draft, ours: Sequence[str], theirs: Sequence[str], upstreams: Upstreams
) -> list[tuple[str, str]]:
    """As ``_by_upstream``; what that does not tell apart, in the order of both files."""
    found = _by_upstream(draft, ours, theirs, upstreams)
    mine = [one for one in ours if one not in {pair[0] for pair in found}]
    yours = [one for one in theirs if one not in {pair[1] for pair in found}]
    sizes = [draft.reference.view.size(one) for one in mine]
    if sizes == [draft.candidate.view.size(one) for one in yours]:
        found += zip(mine, yours, strict=True)
    return found


def _pair_operands(draft: Draft, pair: Pair, upstreams: Upstreams) -> None:
    """The operands of paired joins (concatenations, sums) and reversible functions are pairs."""
    ours, theirs = draft.reference.view, draft.candidate.view
    one, other = _maker(ours, pair.reference), _maker(theirs, pair.candidate)
    if one is None or other is None or ours.roles[one.index] is not theirs.roles[other.index]:
        return
    operands = ours.data_inputs(one), theirs.data_inputs(other)
    if len(operands[0]) != len(operands[1]) or not operands[0]:
        return
    role = ours.roles[one.index]
    if role is Role.CONCAT:
        found = _by_upstream(draft, operands[0], operands[1], upstreams)
    elif (
        role is Role.ELEMENTWISE
        and commutative(ours.graph, one) == commutative(theirs.graph, other) != ""
    ):
        found = _distinct(draft, operands, upstreams)
    elif len(operands[0]) == 1 and _reversible(ours, one) == _reversible(theirs, other) != "":
        found = [(operands[0][0], operands[1][0])]
    else:
        return
    for mine, yours in found:
        draft.add(stored(ours, mine), stored(theirs, yours), "join")
        if _moves(theirs, yours, stored(theirs, yours)):
            draft.add(mine, yours, "join")


def _reversible(view: View, op: Op) -> str:
    """One name for a function whose results tell its operand; "" for all others."""
    name = function(view.graph, op)
    return "" if name == "relu" else name


def _maker(view: View, name: str) -> Op | None:
    return view.producers.get(view.root(name))


def _distinct(
    draft: Draft, operands: tuple[Sequence[str], Sequence[str]], upstreams: Upstreams
) -> list[tuple[str, str]]:
    """Operands that the anchors above them, or the functions that make them, tell apart."""
    views = draft.reference.view, draft.candidate.view
    keys = [
        [(upstreams[side].get(one), _made_by(views[side], one)) for one in operands[side]]
        for side in (0, 1)
    ]
    if set(keys[0]) != set(keys[1]) or len(set(keys[0])) != len(operands[0]):
        return []
    return [
        (operands[0][keys[0].index(key)], one)
        for key, one in zip(keys[1], operands[1], strict=True)
    ]


def _made_by(view: View, name: str) -> str:
    op = _maker(view, name)
    return "" if op is None else _reversible(view, op)
