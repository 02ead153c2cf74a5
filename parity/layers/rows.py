"""From what was measured to the rows of the table."""

from __future__ import annotations

from collections.abc import Sequence

from parity.layers import causes
from parity.layers.causes import Facts, Judgement
from parity.layers.measured import Comparison, Measured
from parity.layers.regions import Region, main_op
from parity.layers.table import LayerTable, Row
from parity.layers.view import View
from parity.runtimes.graph import Op


def table_of(comparison: Comparison, quantized: bool) -> LayerTable:
    """The finished table of a comparison."""
    facts = _facts(comparison)
    judgement = causes.judge(facts, quantized)
    rows = [
        _row(comparison, place, facts[place], judgement) for place in range(len(comparison.regions))
    ]
    for one in comparison.alignment.unpaired:
        ours = one.side == "reference"
        rows.append(
            Row(
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
    return LayerTable(
        rows=tuple(rows),
        images=comparison.images,
        coverage=comparison.alignment.coverage,
        quantized=quantized,
        input_rel_l2=comparison.input_rel_l2,
        input_differs=judgement.input_differs,
        observer=comparison.observer,
        seconds=comparison.seconds,
        limits=(limits.atol, limits.rtol),
        notes=_notes(comparison, judgement),
    )


def _facts(comparison: Comparison) -> list[Facts]:
    view = comparison.draft.candidate.view
    places = {region.pair.candidate: i for i, region in enumerate(comparison.regions)}
    found = []
    for place, (region, measured) in enumerate(
        zip(comparison.regions, comparison.measured, strict=True)
    ):
        main = main_op(view, region.ops)
        above = (places.get(name) for name in region.inputs)
        local, accumulated = measured.local, measured.accumulated
        found.append(
            Facts(
                kind=main.kind if main else "",
                above=tuple(one for one in above if one is not None and one < place),
                rel_l2=accumulated.worst.rel_l2 if accumulated else None,
                nonfinite=accumulated.nonfinite if accumulated else 0,
                local=local.worst.rel_l2 if local else None,
                local_nonfinite=local.nonfinite if local else 0,
                expected=measured.expected,
                range_score=measured.range_score,
                range_times=measured.range_times,
                coarseness=measured.coarseness,
                absorbed=measured.absorbed,
            )
        )
    return found


def _row(comparison: Comparison, place: int, facts: Facts, judgement: Judgement) -> Row:
    region, measured = comparison.regions[place], comparison.measured[place]
    ours, theirs = comparison.draft.reference.view, comparison.draft.candidate.view
    worst = measured.accumulated.worst if measured.accumulated else None
    local = measured.local.worst if measured.local else None
    return Row(
        index=place,
        layer=_name(ours, region.reference_ops) or region.pair.reference,
        op=kinds(region.reference_ops),
        candidate=_name(theirs, region.ops),
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
        nonfinite=facts.nonfinite,
        local_rel_l2=facts.local,
        local_sqnr_db=local.sqnr_db if local else None,
        expected_rel_l2=measured.expected,
        local_ratio=facts.ratio,
        range_score=measured.range_score,
        note=_note(comparison, region, measured),
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


def _name(view: View, ops: tuple[Op, ...]) -> str:
    main = main_op(view, ops)
    return main.name if main else ""


def _layout(comparison: Comparison, region: Region) -> str:
    ours = comparison.draft.reference.layouts.get(region.pair.reference)
    theirs = comparison.draft.candidate.layouts.get(region.pair.candidate)
    if ours is None or theirs is None:
        return "as it is"
    return str(theirs) if str(ours) == str(theirs) else f"{ours} > {theirs}"


def _note(comparison: Comparison, region: Region, measured: Measured) -> str:
    """Why a number is missing, or what the weights themselves say."""
    notes = [measured.note] if measured.note else []
    if causes.is_bad_range(measured.range_score, measured.range_times):
        times = f"{measured.range_times:.0f} times the least possible range error"
        notes.append(f"{times}, gone behind {measured.absorbed}" if measured.absorbed else times)
    if (measured.coarseness or 0) > causes.RATIO:
        notes.append(f"weights in steps {measured.coarseness:.1f} times as coarse as need be")
    indices = {op.index for op in region.ops}
    notes += [
        f"paired by {pair.evidence}"
        for pair in comparison.alignment.anchored
        if pair.candidate.op.index in indices and pair.evidence != "weight"
    ]
    notes += [
        f"reads {one.actual or one.candidate} where the reference reads {one.expected}"
        for one in comparison.alignment.rewired
        if one.candidate in region.inputs
        or (not one.actual and any(one.candidate in op.inputs for op in region.ops))
    ]
    return "; ".join(notes)


def _notes(comparison: Comparison, judgement: Judgement) -> tuple[str, ...]:
    notes = []
    if judgement.input_differs:
        error = comparison.input_rel_l2
        size = f" (relative L2 {error:.2g})" if error is not None else ""
        notes.append(
            f"Every layer is far off and none of them by its own doing: the input differs{size}. "
            f"Look at preprocessing."
        )
    for side, error in comparison.observer.items():
        if error:
            notes.append(
                f"Looking changed the {side}: its outputs in the tapped run are {error:.2g} "
                f"(relative L2) from those of the deployed one."
            )
    share = comparison.alignment.coverage
    if share < 1:
        notes.append(f"{share:.1%} of the candidate's computing ops could be compared.")
    return tuple(notes)
