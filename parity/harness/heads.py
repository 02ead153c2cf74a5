"""Raw heads of the reference and a candidate side by side, where they mean the same."""

from __future__ import annotations

from parity import decode
from parity.agreement import Finding, HeadDifference, check_heads, differences, nonfinite
from parity.pipeline import Stages
from parity.suite import Runtime
from parity.tensors import Array


def heads_of(
    ours: Runtime, theirs: Runtime, reference: Stages, candidate: Stages, classes: int
) -> tuple[list[Finding], tuple[HeadDifference, ...]]:
    """What the raw heads reveal; heads of another meaning are only checked for NaN."""
    here, there = reference.network, candidate.network
    if reference.side is None or candidate.side is None:
        return [*nonfinite(here.heads, "reference"), *nonfinite(there.heads, "candidate")], ()
    if not _same_heads(ours, theirs, reference, candidate):
        return [], ()
    one, other = _arranged(ours, reference, classes), _arranged(theirs, candidate, classes)
    rest = {"scores": theirs.tolerance.max_score_diff}
    return check_heads(one, other, there.specs), differences(one, other, there.specs, rest)


def _arranged(runtime: Runtime, stages: Stages, classes: int) -> dict[str, Array]:
    """The heads as the family lays them out; both sides were decoded, so they are laid out well."""
    return decode.arranged(stages.network.heads, runtime.decode, classes, stages.prepared.size)


def _same_heads(ours: Runtime, theirs: Runtime, reference: Stages, candidate: Stages) -> bool:
    """Whether heads of one name mean the same on both sides, row by row.

    Detections do not: they are sets, whose size, order and padding are nobody's promise.
    """
    a, b = ours.decode, theirs.decode
    if decode.suppresses_inside(a):
        return False
    if (a.family, a.function, a.own) != (b.family, b.function, b.own):
        return False
    if a.function is None:
        return True
    return set(reference.network.heads) == set(candidate.network.heads)
