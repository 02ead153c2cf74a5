"""How much of both networks was compared, and which outputs were compared with nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.layers.align.draft import Draft
from parity.layers.align.regions import is_computing
from parity.layers.verdict.causes import Facts
from parity.layers.verdict.measured import Comparison


def coverage(comparison: Comparison, facts: Sequence[Facts]) -> float:
    """The share of computing ops in regions of which something was measured.

    Of the side with less in regions, see ``regions.coverage``; a region that could not be measured
    counts by the candidate's ops in it.
    """
    view = comparison.draft.candidate.view
    inside: set[int] = set()
    measured: set[int] = set()
    for one, region in zip(facts, comparison.regions, strict=True):
        ops = {op.index for op in region.ops if is_computing(view, op)}
        inside |= ops
        measured |= ops if one.compared else set()
    share = comparison.alignment.coverage
    return share * len(measured) / len(inside) if inside else share


def unseen(comparison: Comparison, facts: Sequence[Facts]) -> tuple[str, ...]:
    """The candidate's outputs that were compared with nothing."""
    view = comparison.draft.candidate.view
    compared = {
        region.pair.candidate
        for one, region in zip(facts, comparison.regions, strict=True)
        if one.compared
    }
    fixed = set(_fixed(comparison.draft))
    return tuple(
        name
        for name in view.graph.outputs
        if name in fixed or (name in view.data and not compared.intersection(view.climb(name)))
    )


def _fixed(draft: Draft) -> Iterator[str]:
    """The candidate's outputs that no input reaches, where the reference's come from its inputs.

    One that a converter has computed once, for the image that it traced, is the same for all.
    """
    ours, theirs = draft.reference.view, draft.candidate.view
    left = [name for name in ours.graph.outputs if name not in ours.data]
    for name in theirs.graph.outputs:
        if name in theirs.data:
            continue
        same = [one for one in left if draft.outputs.get(name, one) == one]
        if same:
            sized = [one for one in same if ours.size(one) == theirs.size(name)]
            left.remove((sized or same)[0])
        else:
            yield name
