"""How much of both networks was compared, and which outputs were compared with nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.layers.align.matching import Matching
from parity.layers.align.regions import is_computing
from parity.layers.verdict.causes import RegionErrors
from parity.layers.verdict.measured import Comparison


def share(comparison: Comparison, errors: Sequence[RegionErrors]) -> float:
    """The share of computing ops in regions of which something was measured.

    Of the side with less in regions, see ``regions.coverage``; a region that could not be measured
    counts by the candidate's ops in it.
    """
    view = comparison.matching.candidate.view
    inside: set[int] = set()
    measured: set[int] = set()
    for one, region in zip(errors, comparison.regions, strict=True):
        ops = {op.index for op in region.ops if is_computing(view, op)}
        inside |= ops
        measured |= ops if one.compared else set()
    aligned = comparison.alignment.coverage
    return aligned * len(measured) / len(inside) if inside else aligned


def uncompared(comparison: Comparison, errors: Sequence[RegionErrors]) -> tuple[str, ...]:
    """The candidate's outputs that were compared with nothing."""
    view = comparison.matching.candidate.view
    compared = {
        region.pair.candidate
        for one, region in zip(errors, comparison.regions, strict=True)
        if one.compared
    }
    fixed = set(_fixed(comparison.matching))
    return tuple(
        name
        for name in view.graph.outputs
        if name in fixed or (name in view.data and not compared.intersection(view.climb(name)))
    )


def _fixed(matching: Matching) -> Iterator[str]:
    """The candidate's outputs that no input reaches, where the reference's come from its inputs.

    One that a converter has computed once, for the image that it traced, is the same for all.
    """
    ours, theirs = matching.reference.view, matching.candidate.view
    left = [name for name in ours.graph.outputs if name not in ours.data]
    for name in theirs.graph.outputs:
        if name in theirs.data:
            continue
        same = [one for one in left if matching.outputs.get(name, one) == one]
        if same:
            sized = [one for one in same if ours.size(one) == theirs.size(name)]
            left.remove((sized or same)[0])
        else:
            yield name
