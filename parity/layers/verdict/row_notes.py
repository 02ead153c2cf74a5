"""What a row says beside its numbers: why one is missing, what graph and weights show."""

from __future__ import annotations

from collections.abc import Iterator

from parity.layers.align.regions import Region
from parity.layers.verdict.absent_ops import absent_ops
from parity.layers.verdict.causes import RATIO, Judgement
from parity.layers.verdict.measured import Comparison, Measured


def note_of(comparison: Comparison, judgement: Judgement, place: int) -> str:
    """All that is said of the region at a place, "" where that is nothing."""
    region, measured = comparison.regions[place], comparison.measured[place]
    verdict = judgement.verdicts[place]
    notes = [
        *((_unmeasured(measured),) if place in judgement.unmeasured else ()),
        *_missing(measured),
        *_quantisation(measured),
        *(_differences(comparison, region) if verdict == "introduced" else ()),
        *_equalised(comparison, region, verdict),
        *_pairing(comparison, region),
    ]
    return "; ".join(notes)


def _unmeasured(measured: Measured) -> str:
    """Why a region is suspected that could not be run alone."""
    if measured.accumulated or measured.at_least:
        return "could not be run alone, but what it reads agrees and what it makes does not"
    return (
        "could neither be compared nor run alone, but what it reads agrees and what others make of "
        "its result does not"
    )


def _missing(measured: Measured) -> Iterator[str]:
    """Why a number is missing."""
    if measured.at_least and not measured.accumulated:
        yield f"in any layout at least {measured.at_least:.2g} (relative L2) off"
    if measured.resized:
        alone = " on the reference's own input" if measured.resized_alone else ""
        yield measured.resized + alone
    elif measured.note and not (measured.accumulated and measured.local):
        yield measured.note
    if measured.expecting:
        yield measured.expecting


def _quantisation(measured: Measured) -> Iterator[str]:
    """Ranges that do not fit, and weights in steps that are coarser than need be."""
    if (measured.range_excess or 0.0) > 1:
        way = "narrow" if measured.range_clips else "wide"
        times = f"range too {way}: {measured.range_times:.0f} times the least possible range error"
        yield f"{times}, gone behind {measured.absorbed}" if measured.absorbed else times
    if (measured.coarseness or 0) > RATIO:
        yield f"weights in steps {measured.coarseness:.1f} times as coarse as need be"


def _differences(comparison: Comparison, region: Region) -> Iterator[str]:
    """What the graphs show of a region that introduces an error."""
    matching, pair = comparison.matching, region.pair
    yield from absent_ops(matching, region)
    if matching.misordered(pair.reference, pair.candidate):
        ours = matching.reference.layouts.get(pair.reference)
        yield f"its values lie in another order than the reference's {ours}"


def _equalised(comparison: Comparison, region: Region, verdict: str) -> Iterator[str]:
    """Channels that are scaled here and unscaled by the next layer, and those that are not."""
    matching = comparison.matching
    scales = matching.scales.get(region.pair.candidate)
    if scales is not None:
        yield (
            f"its channels are {scales.min():.3g} to {scales.max():.3g} times the reference's, "
            f"as the next layer's weights undo; compared so"
        )
    left = [one for op in region.ops for one in matching.not_undone.get(op.index, ())]
    if verdict == "introduced" and left:
        listed = ", ".join(map(str, left[:3])) + (" and more" if len(left) > 3 else "")
        which = f"channel {listed} is" if len(left) == 1 else f"channels {listed} are"
        yield f"its weights do not undo how input {which} scaled"


def _pairing(comparison: Comparison, region: Region) -> Iterator[str]:
    """What its layers are paired by, where not by weight alone, and edges that are wrong."""
    indices = {op.index for op in region.ops}
    for pair in comparison.alignment.anchored:
        if pair.candidate.op.index in indices and pair.evidence != "weight":
            yield f"paired by {pair.evidence}"
    for edge in comparison.alignment.wrong_edges:
        inside = not edge.actual and any(edge.candidate in op.inputs for op in region.ops)
        if edge.candidate in region.inputs or inside:
            yield (
                f"reads {edge.actual or edge.candidate} where the reference reads {edge.expected}"
            )
