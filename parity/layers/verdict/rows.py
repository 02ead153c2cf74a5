"""From what was measured to the rows of the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from parity.layers.align.regions import Region, main_op
from parity.layers.numbers.divergence import Divergence, Spread
from parity.layers.numbers.float_formats import SINGLE
from parity.layers.verdict import causes, coverage
from parity.layers.verdict.causes import Judgement, RegionErrors
from parity.layers.verdict.measured import Comparison, Measured
from parity.layers.verdict.row_notes import note_of
from parity.layers.verdict.summary import name_of, summary_of
from parity.layers.verdict.table import LayerRow, LayerTable
from parity.runtimes.contract import Op


def table_of(comparison: Comparison, quantized: bool) -> LayerTable:
    """The finished table of a comparison."""
    errors = _errors(comparison)
    judgement = causes.judge(errors, quantized, comparison.input_rel_l2)
    rows = [
        _row(comparison, place, errors[place], judgement)
        for place in range(len(comparison.regions))
    ]
    for one in comparison.alignment.unpaired:
        ours = one.side == "reference"
        rows.append(
            LayerRow(
                index=len(rows),
                layer=one.layer if ours else "",
                op=one.kind if ours else "",
                candidate="" if ours else one.layer,
                candidate_op="" if ours else one.kind,
                verdict="unpaired",
                note=one.reason,
            )
        )
    limits = comparison.limits
    share = coverage.share(comparison, errors)
    uncompared = coverage.uncompared(comparison, errors)
    return LayerTable(
        rows=tuple(rows),
        images=comparison.images,
        coverage=share,
        quantized=quantized,
        input_rel_l2=comparison.input_rel_l2,
        input_differs=judgement.input_differs,
        observer=comparison.observer,
        seconds=comparison.seconds,
        limits=(limits.atol, limits.rtol),
        notes=summary_of(comparison, errors, judgement, share, uncompared),
        uncompared=uncompared,
    )


def _errors(comparison: Comparison) -> list[RegionErrors]:
    view = comparison.matching.candidate.view
    places = {region.pair.candidate: i for i, region in enumerate(comparison.regions)}
    scale = _scale(comparison.measured)
    found = []
    for place, (region, measured) in enumerate(
        zip(comparison.regions, comparison.measured, strict=True)
    ):
        main = main_op(view, region.ops)
        above = (places.get(name) for name in region.inputs)
        local, accumulated = measured.local, measured.accumulated
        found.append(
            RegionErrors(
                kind=main.kind if main else "",
                above=tuple(one for one in above if one is not None and one < place),
                rel_l2=math.inf if measured.resized else _error(accumulated, measured, scale),
                nonfinite=accumulated.nonfinite if accumulated else 0,
                local=math.inf if measured.resized_alone else _error(local, measured, scale),
                local_nonfinite=local.nonfinite if local else 0,
                reads_input=any(name in view.inputs for name in region.inputs),
                at_least=measured.at_least,
                unit=measured.format.unit,
                samples=measured.samples,
                two_steps=measured.two_steps,
                expected=measured.expected,
                range_excess=measured.range_excess,
                coarseness=measured.coarseness,
                absorbed=measured.absorbed,
            )
        )
    return found


def _scale(measured: Sequence[Measured]) -> float:
    """The size of a network's typical tensor: the median RMS over the reference's, zeros apart."""
    spreads = (one.accumulated or one.local for one in measured)
    sizes = [_rms(spread.worst) for spread in spreads if spread is not None]
    return median([size for size in sizes if size >= SINGLE.least] or [1.0])


def _rms(divergence: Divergence) -> float:
    return math.sqrt(divergence.reference_squares / max(divergence.count, 1))


def _error(spread: Spread | None, measured: Measured, scale: float) -> float | None:
    """The relative L2 to judge by.

    A reference of zeros, or of numbers so small that runtimes flush them to zero, has no size that
    an error could be relative to: there it is relative to the network's typical tensor. In narrow
    formats the least normal number is the least size, as digits are lost below it.
    """
    if spread is None:
        return None
    size = _rms(spread.worst)
    if size >= measured.format.least:
        return spread.worst.rel_l2
    whole = scale if size < SINGLE.least else measured.format.least
    return spread.worst.rmse / whole


def _row(
    comparison: Comparison, place: int, errors: RegionErrors, judgement: Judgement
) -> LayerRow:
    region, measured = comparison.regions[place], comparison.measured[place]
    ours, theirs = comparison.matching.reference.view, comparison.matching.candidate.view
    worst = measured.accumulated.worst if measured.accumulated else None
    local = measured.local.worst if measured.local else None
    return LayerRow(
        index=place,
        layer=name_of(ours, region.reference_ops) or region.pair.reference,
        op=kinds(region.reference_ops),
        candidate=name_of(theirs, region.ops),
        candidate_op=kinds(region.ops),
        verdict=judgement.verdicts[place],
        shape=theirs.shapes.get(region.pair.candidate, ()),
        layout=_layout(comparison, region),
        evidence=region.pair.evidence,
        max_abs=worst.max_abs if worst else None,
        mean_abs=worst.mean_abs if worst else None,
        rmse=worst.rmse if worst else None,
        rel_l2=worst.rel_l2 if worst else None,
        sqnr_db=worst.sqnr_db if worst else None,
        cosine=worst.cosine if worst else None,
        mismatched=worst.mismatched if worst else None,
        nonfinite=errors.nonfinite,
        local_rel_l2=local.rel_l2 if local else None,
        local_sqnr_db=local.sqnr_db if local else None,
        expected_rel_l2=measured.expected,
        local_ratio=errors.ratio,
        range_score=measured.range_score,
        note=note_of(comparison, judgement, place),
        local_max_abs=local.max_abs if local else None,
        local_nonfinite=errors.local_nonfinite,
        range_times=measured.range_times,
        range_fault=_range_fault(measured),
        mean_rel_l2=measured.accumulated.mean_rel_l2 if measured.accumulated else None,
        worst_image=measured.accumulated.image if measured.accumulated else 0,
        local_image=next((one.image for one in (measured.local, measured.accumulated) if one), 0),
        suspicion=judgement.suspicions[place],
        reference_tensor=region.pair.reference,
        candidate_tensor=region.pair.candidate,
        candidate_ops=tuple(op.index for op in region.ops),
        candidate_inputs=region.inputs,
    )


def kinds(ops: Sequence[Op]) -> str:
    """The kinds of a region's ops in execution order: "PAD + CONV_2D"."""
    return " + ".join(op.kind for op in ops)


def _layout(comparison: Comparison, region: Region) -> str:
    ours = comparison.matching.reference.layouts.get(region.pair.reference)
    theirs = comparison.matching.candidate.layouts.get(region.pair.candidate)
    if ours is None or theirs is None:
        return "as it is"
    return str(theirs) if str(ours) == str(theirs) else f"{ours} > {theirs}"


def _range_fault(measured: Measured) -> str:
    """How a range that does not fit is wrong, "" where it fits or nothing comes of it."""
    if (measured.range_excess or 0.0) <= 1 or measured.absorbed:
        return ""
    return "too narrow" if measured.range_clips else "too wide"
