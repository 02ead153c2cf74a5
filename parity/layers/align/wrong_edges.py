"""Ops that read another tensor than the reference's do.

The consumer side says that what two ops of one weight read is one tensor. Where an edge of the
candidate is wrong, that is not so: its op reads a tensor which is, to the last digits, another one
of the reference. (A missing activation is no such case: there the tensor is one that the reference
has on the way to what its op reads.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parity.layers.align import local
from parity.layers.align.forcing import CLOSE, SURE
from parity.layers.align.local import Replayed
from parity.layers.align.matching import Matching, Pair
from parity.layers.align.regions import Region, regions
from parity.layers.graph.roles import LOOK_THROUGH, WEIGHTED
from parity.layers.graph.semantics import variable_inputs
from parity.layers.numbers.divergence import norm, relative
from parity.layers.subjects.subject import Subject
from parity.runtimes.contract import Op
from parity.tensors import Array

_MOST = 8
_STEPS = 4


@dataclass(frozen=True)
class WrongEdge:
    """A candidate tensor, the reference tensor it is, and the one that its reader should read.

    ``actual`` is "" where the reference has no such tensor (inside what it has fused).
    """

    candidate: str
    actual: str
    expected: str


def correct_edges(
    matching: Matching, candidate: Subject
) -> tuple[tuple[WrongEdge, ...], Replayed | None]:
    """Pair tensors that only a wrong edge had paired with what they are.

    Returns those edges, and what every op made of the reference's tensors before, if it was asked.
    """
    found = regions(matching)
    if all(_holds(matching, one.pair) for one in found if one.pair.evidence == "consumer"):
        return (), None  # then replaying shows the same
    view = matching.candidate.view
    plan = local.by_need(view, view.data_ops(), matching.of)  # also what nothing reads any more
    replayed = local.replay(candidate, matching, plan)
    wrong: list[WrongEdge] = []
    while len(wrong) < _MOST:
        one = _next(matching, regions(matching), replayed.outputs, candidate)
        if one is None:
            break
        wrong.append(one)
        plan = local.by_need(view, view.data_ops(), matching.of)
        replayed = local.replay(candidate, matching, plan)
    return tuple(wrong), None if wrong else replayed


def _next(
    matching: Matching, found: Sequence[Region], made: Mapping[str, Array], candidate: Subject
) -> WrongEdge | None:
    """Correct the first wrong edge in execution order; those behind it may be its doing."""
    for region in found:
        if region.pair.evidence == "consumer" and region.pair.candidate in made:
            actual = _actual(matching, region, made, candidate)
            if actual is not None:
                return _correct(matching, region.pair, *actual)
    return None


def _holds(matching: Matching, pair: Pair) -> bool:
    """Whether the candidate's own run made of a pair what the reference made."""
    own = matching.candidate.values.get(pair.candidate)
    brought = matching.bring(pair.reference, pair.candidate)
    if own is None or brought is None or brought.shape != own.shape:
        return False
    return relative(brought, own) < SURE


def _actual(
    matching: Matching, region: Region, made: Mapping[str, Array], candidate: Subject
) -> tuple[str, float] | None:
    """The reference tensor that a value is, and its error, where its pair cannot be right.

    That is where it is nothing like the tensor it is paired with, and is another one, or where that
    one is elsewhere in the candidate (then "" if it is no other one either).
    """
    pair, value = region.pair, made[region.pair.candidate]
    if _error(matching, pair.reference, pair.candidate, value) < CLOSE:
        return None
    inside = {name for op in region.reference_ops for name in op.outputs}
    behind = _behind(matching, pair.candidate, made, candidate)
    elsewhere = _elsewhere(matching, region, {**made, **behind})
    if elsewhere:
        inside = {pair.reference}
    errors = {
        name: error
        for name in _results(matching, value.size)
        if name not in inside and (error := _error(matching, name, pair.candidate, value)) < SURE
    }
    best = min(errors, key=errors.__getitem__, default="")
    return (best, errors[best]) if best else ("", 0.0) if elsewhere else None


def _behind(
    matching: Matching, name: str, made: Mapping[str, Array], candidate: Subject
) -> dict[str, Array]:
    """What the ops behind a tensor make of what it really is, a few steps on."""
    known = {name: made[name]}
    for _ in range(_STEPS):
        asked = {}
        for one in list(known):
            for op in matching.candidate.view.consumers.get(one, ()):
                feeds = None if op.outputs[0] in known else _feeds(matching, op, known)
                if feeds is not None and matching.candidate.view.roles[op.index] not in WEIGHTED:
                    asked[op.index] = feeds
        for answer in (candidate.replay(asked) if asked else {}).values():
            known.update({} if isinstance(answer, str) else answer)
    return known


def _feeds(matching: Matching, op: Op, known: Mapping[str, Array]) -> dict[str, Array] | None:
    """What an op reads: the given tensors, else the reference's, else the candidate's own."""
    feeds = {}
    for name in variable_inputs(matching.candidate.view.graph, op):
        value = known.get(name)
        if value is None:
            value = matching.operand(op, name)
        if value is None:
            value = matching.candidate.values.get(name)
        if value is None:
            return None
        feeds[name] = value
    return feeds


def _elsewhere(matching: Matching, region: Region, made: Mapping[str, Array]) -> bool:
    """Whether another tensor of the candidate is the one that a region is paired with.

    Those that the region itself is made of do not count: behind them, something was inserted.
    """
    pair = region.pair
    size = matching.reference.view.size(pair.reference)
    own = {*region.inputs, *(name for op in region.ops for name in op.outputs)}
    return any(
        _error(matching, pair.reference, name, value) < SURE
        for name, value in made.items()
        if name not in own and value.size == size
    )


def _results(matching: Matching, size: int) -> Sequence[str]:
    view = matching.reference.view
    made = [
        name
        for op in view.data_ops()
        if view.roles[op.index] not in LOOK_THROUGH
        for name in op.outputs
    ]
    return [name for name in (*view.inputs, *made) if view.size(name) == size]


def _error(matching: Matching, reference: str, candidate: str, value: Array) -> float:
    own = norm(matching.reference.values[reference])
    if abs(own - norm(value)) > CLOSE * own and candidate not in matching.scales:
        return float("inf")
    brought = matching.bring(reference, candidate)
    if brought is None or brought.shape != value.shape:
        return float("inf")
    return relative(brought, value)


def _correct(matching: Matching, pair: Pair, actual: str, error: float) -> WrongEdge:
    """Take a pair back and put the right one in its place."""
    matching.pairs.remove(pair)
    matching.by_reader = {
        key: name
        for key, name in matching.by_reader.items()
        if (key[1], name) != (pair.candidate, pair.reference)
    }
    known = any(one.candidate == pair.candidate for one in matching.pairs)
    if matching.of.get(pair.candidate) == pair.reference:
        del matching.of[pair.candidate]
        if actual:
            matching.of[pair.candidate] = actual
    if actual and not known:
        matching.pairs.append(Pair(actual, pair.candidate, "values", error))
    return WrongEdge(pair.candidate, actual, pair.reference)
