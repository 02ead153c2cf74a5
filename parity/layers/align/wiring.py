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
from parity.layers.align.draft import Draft, Pair
from parity.layers.align.forcing import CLOSE, SURE
from parity.layers.align.local import Replayed
from parity.layers.align.regions import Region, regions
from parity.layers.graph.roles import LOOK_THROUGH, WEIGHTED
from parity.layers.numbers.divergence import norm, relative
from parity.layers.subjects.subject import Subject
from parity.runtimes.graph import Op
from parity.tensors import Array

_MOST = 8
_STEPS = 4


@dataclass(frozen=True)
class Rewired:
    """A candidate tensor, the reference tensor it is, and the one that its reader should read.

    ``actual`` is "" where the reference has no such tensor (inside what it has fused).
    """

    candidate: str
    actual: str
    expected: str


def rewire(draft: Draft, candidate: Subject) -> tuple[tuple[Rewired, ...], Replayed | None]:
    """Pair tensors that only a wrong edge had paired with what they are.

    Returns those edges, and what every op made of the reference's tensors before, if it was asked.
    """
    found = regions(draft)
    if all(_holds(draft, one.pair) for one in found if one.pair.evidence == "consumer"):
        return (), None  # then replaying shows the same
    view = draft.candidate.view
    plan = local.by_need(view, view.data_ops(), draft.of)  # also what nothing reads any more
    others = {
        name: value for name, value in draft.candidate.values.items() if name not in view.data
    }
    replayed = local.replay(candidate, draft, plan, others)
    rewired: list[Rewired] = []
    while len(rewired) < _MOST:
        one = _next(draft, regions(draft), replayed.outputs, candidate)
        if one is None:
            break
        rewired.append(one)
        plan = local.by_need(view, view.data_ops(), draft.of)
        replayed = local.replay(candidate, draft, plan, others)
    return tuple(rewired), None if rewired else replayed


def _next(
    draft: Draft, found: Sequence[Region], made: Mapping[str, Array], candidate: Subject
) -> Rewired | None:
    """Correct the first wrong edge in execution order; those behind it may be its doing."""
    for region in found:
        if region.pair.evidence == "consumer" and region.pair.candidate in made:
            actual = _actual(draft, region, made, candidate)
            if actual is not None:
                return _correct(draft, region.pair, *actual)
    return None


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
    """The reference tensor that a value is, and its error, where its pair cannot be right.

    That is where it is nothing like the tensor it is paired with, and is another one, or where that
    one is elsewhere in the candidate (then "" if it is no other one either).
    """
    pair, value = region.pair, made[region.pair.candidate]
    if _error(draft, pair.reference, pair.candidate, value) < CLOSE:
        return None
    inside = {name for op in region.reference_ops for name in op.outputs}
    behind = _behind(draft, pair.candidate, made, candidate)
    elsewhere = _elsewhere(draft, region, {**made, **behind})
    if elsewhere:
        inside = {pair.reference}
    errors = {
        name: error
        for name in _results(draft, value.size)
        if name not in inside and (error := _error(draft, name, pair.candidate, value)) < SURE
    }
    best = min(errors, key=errors.__getitem__, default="")
    return (best, errors[best]) if best else ("", 0.0) if elsewhere else None


def _behind(
    draft: Draft, name: str, made: Mapping[str, Array], candidate: Subject
) -> dict[str, Array]:
    """What the ops behind a tensor make of what it really is, a few steps on."""
    known = {name: made[name]}
    for _ in range(_STEPS):
        asked = {}
        for one in list(known):
            for op in draft.candidate.view.consumers.get(one, ()):
                feeds = None if op.outputs[0] in known else _feeds(draft, op, known)
                if feeds is not None and draft.candidate.view.roles[op.index] not in WEIGHTED:
                    asked[op.index] = feeds
        for answer in (candidate.replay(asked) if asked else {}).values():
            known.update({} if isinstance(answer, str) else answer)
    return known


def _feeds(draft: Draft, op: Op, known: Mapping[str, Array]) -> dict[str, Array] | None:
    view = draft.candidate.view
    feeds = {}
    for name in op.inputs:
        if not name or name in view.graph.constants:
            continue
        value = known.get(name)
        if value is None:
            value = draft.brought(name, op.index)
        if value is None:
            value = draft.candidate.values.get(name)
        if value is None:
            return None
        feeds[name] = value
    return feeds


def _elsewhere(draft: Draft, region: Region, made: Mapping[str, Array]) -> bool:
    """Whether another tensor of the candidate is the one that a region is paired with.

    Those that the region itself is made of do not count: behind them, something was inserted.
    """
    pair = region.pair
    size = draft.reference.view.size(pair.reference)
    own = {*region.inputs, *(name for op in region.ops for name in op.outputs)}
    return any(
        _error(draft, pair.reference, name, value) < SURE
        for name, value in made.items()
        if name not in own and value.size == size
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
    if abs(own - norm(value)) > CLOSE * own and candidate not in draft.rescaled:
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
        del draft.of[pair.candidate]
        if actual:
            draft.of[pair.candidate] = actual
    if actual and not known:
        draft.pairs.append(Pair(actual, pair.candidate, "values", error))
    return Rewired(pair.candidate, actual, pair.reference)
