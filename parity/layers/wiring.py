"""Ops that read another tensor than the reference's do.

The consumer side says that what two ops of one weight read is one tensor. Where an edge of the
candidate is wrong, that is not so: its op reads a tensor which is, to the last digits, another one
of the reference. (A missing activation is no such case: there the tensor is one that the reference
has on the way to what its op reads.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parity.layers import local
from parity.layers.divergence import norm, relative
from parity.layers.draft import Draft, Pair
from parity.layers.forcing import CLOSE, SURE
from parity.layers.layout import Array
from parity.layers.regions import Region, regions
from parity.layers.semantics import LOOK_THROUGH
from parity.layers.subject import Subject


@dataclass(frozen=True)
class Rewired:
    """A candidate tensor, the reference tensor it is, and the one that its reader should read."""

    candidate: str
    actual: str
    expected: str


def rewire(draft: Draft, candidate: Subject) -> tuple[Rewired, ...]:
    """Pair tensors that only a wrong edge had paired with what they are; returns those edges."""
    found = regions(draft)
    if all(_holds(draft, one.pair) for one in found if one.pair.evidence == "consumer"):
        return ()  # then replaying shows the same
    view = draft.candidate.view
    plan = local.by_need(view, view.data_ops(), draft.of)  # also what nothing reads any more
    others = {
        name: value
        for name, value in draft.candidate.values.items()
        if name not in view.data
    }
    made = local.replay(candidate, draft, plan, others).outputs
    rewired = []
    for region in found:
        value = made.get(region.pair.candidate)
        if region.pair.evidence == "consumer" and value is not None:
            actual = _actual(draft, region, made, candidate)
            if actual is not None:
                rewired.append(_correct(draft, region.pair, *actual))
    return tuple(rewired)


def _holds(draft: Draft, pair: Pair) -> bool:
    """Whether the candidate's own run made of a pair what the reference made."""
    own = draft.candidate.values.get(pair.candidate)
    brought = draft.bring(pair.reference, pair.candidate)
    if own is None or brought is None or brought.shape != own.shape:
        return False
    return relative(brought, own) < SURE


def _actual(
    draft: Draft, region: Region, made: Mapping[str, Array], candidate: Subject
) -> tuple[str, float] | None:
    """The reference tensor that a value is, where it is nothing like the one it is paired with."""
    pair, value = region.pair, made[region.pair.candidate]
    if _error(draft, pair.reference, pair.candidate, value) < CLOSE:
        return None
    inside = {name for op in region.reference_ops for name in op.outputs}
    if _elsewhere(draft, pair, {**made, **_behind(draft, pair.candidate, made, candidate)}):
        inside = {pair.reference}
    errors = {
        name: error
        for name in _results(draft, value.size)
        if name not in inside and (error := _error(draft, name, pair.candidate, value)) < SURE
    }
    best = min(errors, key=errors.__getitem__, default=None)
    return None if best is None else (best, errors[best])


def _behind(
    draft: Draft, name: str, made: Mapping[str, Array], candidate: Subject
) -> dict[str, Array]:
    """What the readers of a tensor make of what it really is."""
    view = draft.candidate.view
    asked = {}
    for op in view.consumers.get(name, ()):
        feeds = {}
        for one in op.inputs:
            if one and one not in view.graph.constants:
                own = made.get(one) if one == name else draft.brought(one, op.index)
                feeds[one] = draft.candidate.values.get(one) if own is None else own
        if all(value is not None for value in feeds.values()):
            asked[op.index] = {key: value for key, value in feeds.items() if value is not None}
    answers = candidate.replay(asked).values() if asked else ()
    return {
        key: value
        for answer in answers
        if not isinstance(answer, str)
        for key, value in answer.items()
    }


def _elsewhere(draft: Draft, pair: Pair, made: Mapping[str, Array]) -> bool:
    """Whether another tensor of the candidate is the reference tensor of a pair."""
    size = draft.reference.view.size(pair.reference)
    return any(
        _error(draft, pair.reference, name, value) < SURE
        for name, value in made.items()
        if name != pair.candidate and value.size == size
    )


def _results(draft: Draft, size: int) -> Sequence[str]:
    view = draft.reference.view
    made = [
        name
        for op in view.data_ops()
        if view.roles[op.index] not in LOOK_THROUGH
        for name in op.outputs
    ]
    return [name for name in (*view.inputs, *made) if view.size(name) == size]


def _error(draft: Draft, reference: str, candidate: str, value: Array) -> float:
    own = norm(draft.reference.values[reference])
    if abs(own - norm(value)) > CLOSE * own:
        return float("inf")
    brought = draft.bring(reference, candidate)
    if brought is None or brought.shape != value.shape:
        return float("inf")
    return relative(brought, value)


def _correct(draft: Draft, pair: Pair, actual: str, error: float) -> Rewired:
    """Take a pair back and put the right one in its place."""
    draft.pairs.remove(pair)
    draft.readings = {
        key: name
        for key, name in draft.readings.items()
        if (key[1], name) != (pair.candidate, pair.reference)
    }
    known = any(one.candidate == pair.candidate for one in draft.pairs)
    if draft.of.get(pair.candidate) == pair.reference:
        draft.of[pair.candidate] = actual
    if not known:
        draft.pairs.append(Pair(actual, pair.candidate, "values", error))
    return Rewired(pair.candidate, actual, pair.reference)
