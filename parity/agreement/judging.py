"""One image: what happened to every deployed detection of either side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from parity.agreement.alarms import FEW, below_a_pixel, bias, empty, vanished
from parity.agreement.excuses import Excuses
from parity.agreement.findings import Finding
from parity.agreement.pairing import (
    Closeness,
    Pairs,
    Scale,
    canonical_order,
    closeness,
    match,
)
from parity.agreement.rows import Box, ImageAgreement, Row
from parity.detections import Detections, Side
from parity.suite.tolerance import Tolerance

_ROUNDING = 1e-9  # 0.3 - 0.1 is a little less than 0.2


def judge(
    reference: Side, candidate: Side, nms_iou: float, tolerance: Tolerance, scale: Scale
) -> ImageAgreement:
    """Compare one image's detections.

    ``scale`` (x, y) turns pixels of the image into pixels of the network's input. The findings are
    the image's own verdict: all of them for a strict tolerance, and for a budget only those that
    no budget excuses. Neither side is looked at further down than the tolerance's band.
    """
    reference = reference.narrowed(reference.threshold - tolerance.band)
    candidate = candidate.narrowed(candidate.threshold - tolerance.band)
    image = ImageAgreement(
        rows=_rows(reference, candidate, nms_iou, tolerance, scale),
        reference_deployed=int(reference.deployed.sum()),
        candidate_deployed=int(candidate.deployed.sum()),
        reference_seen=len(reference.seen),
        candidate_seen=len(candidate.seen),
        reference_threshold=reference.threshold,
        candidate_threshold=candidate.threshold,
        reference_floor=reference.floor,
        candidate_floor=candidate.floor,
        findings=(),
    )
    if tolerance.strict:
        findings = strict_findings(image.rows)
    else:
        findings = [*vanished(image.of_reference), *bias(image.rows, tolerance, FEW)]
    findings += empty(reference, candidate, tolerance)
    findings += below_a_pixel(image.rows, tolerance, scale)
    return replace(image, findings=tuple(findings))


def strict_findings(rows: tuple[Row, ...]) -> list[Finding]:
    """Every way in which rows miss a limit, one finding a way with its count."""
    paired = [row for row in rows if row.paired]
    counts = {
        "lost": sum(row.kind == "lost" and row.reason in ("", "threshold") for row in rows),
        "extra": sum(row.kind == "extra" and row.reason in ("", "threshold") for row in rows),
        "class": sum(row.flipped for row in paired),
        "box": sum(not row.box_within for row in paired),
        "score": sum(not row.score_within for row in paired),
        "excused": sum(row.reason == "excused" for row in rows),
        "unjudgeable": sum(row.reason == "unjudgeable" for row in rows),
    }
    return [Finding(code, {"count": count}) for code, count in counts.items() if count]


def _rows(
    reference: Side, candidate: Side, nms_iou: float, tolerance: Tolerance, scale: Scale
) -> tuple[Row, ...]:
    close = closeness(reference.seen, candidate.seen, tolerance, scale)
    pairs = match(reference, candidate, close, tolerance)
    excuses = Excuses(reference, candidate, close, nms_iou, tolerance, scale)
    alone = {"lost": reference.deployed, "extra": candidate.deployed}
    other_threshold: dict[str, set[int]] = {"lost": set(), "extra": set()}
    rows = []
    for row, i, j in _paired(reference, candidate, close, pairs, scale):
        if row.kind in other_threshold:
            other_threshold[row.kind].add(i if row.kind == "lost" else j)
            continue
        rows.append(row)
        alone["lost"][i] = alone["extra"][j] = False
    for kind, name, here, there in (
        ("lost", "reference", reference, candidate),
        ("extra", "candidate", candidate, reference),
    ):
        left = [row for row in canonical_order(here.seen).tolist() if alone[kind][row]]
        reasons = dict.fromkeys(left, "")
        for row in left:
            score = here.seen.scores[row]
            if row in other_threshold[kind] or score < there.threshold:
                reasons[row] = "threshold"
            elif _hides(there, score, tolerance):
                reasons[row] = "unjudgeable"
        excused = excuses.among(name, [row for row in left if not reasons[row]])
        reasons |= dict.fromkeys(excused, "excused")
        rows += [_leftover(kind, reasons[row], here.seen, row) for row in left]
    return tuple(rows)


def _kind(reference: Side, candidate: Side, ours: float, theirs: float) -> str:
    """What a pair is: "lost" or "extra" where one side deploys it by another threshold only."""
    if ours >= reference.threshold and theirs >= candidate.threshold:
        return "pair"
    if ours >= reference.threshold:
        return "lost" if theirs >= reference.threshold else "borderline"
    return "extra" if ours >= candidate.threshold else "borderline"


def _hides(other: Side, score: float, tolerance: Tolerance) -> bool:
    """The other side is not seen down to its band, and the score is too near to that floor."""
    shallow = other.floor > other.threshold - tolerance.band + _ROUNDING
    return shallow and bool(score < other.floor + tolerance.band)


def _paired(
    reference: Side, candidate: Side, close: Closeness, pairs: Pairs, scale: Scale
) -> Iterator[tuple[Row, int, int]]:
    """A row for every pair, with its two positions among what the sides see."""
    i, j = pairs.reference, pairs.candidate
    ours, theirs = reference.seen.take(i), candidate.seen.take(j)
    shift = (theirs.boxes - ours.boxes) * np.array([*scale, *scale])
    columns = (ours.classes, theirs.classes, ours.scores, theirs.scores, ours.boxes, theirs.boxes)
    measured = (close.iou[i, j], close.corners[i, j], shift, close.box[i, j], close.score[i, j])
    values = zip(*(column.tolist() for column in (*columns, *measured, i, j)), strict=True)
    for (
        class_a,
        class_b,
        score_a,
        score_b,
        box_a,
        box_b,
        iou,
        corner,
        moved,
        box,
        score,
        *at,
    ) in values:
        row = Row(
            kind=_kind(reference, candidate, score_a, score_b),
            reference_class=class_a,
            candidate_class=class_b,
            reference_score=score_a,
            candidate_score=score_b,
            reference_box=tuple(box_a),
            candidate_box=tuple(box_b),
            iou=iou,
            corner=corner,
            shift=tuple(moved),
            box_within=box,
            score_within=score,
        )
        yield row, at[0], at[1]


def _leftover(kind: str, reason: str, seen: Detections, row: int) -> Row:
    label, score, box = int(seen.classes[row]), float(seen.scores[row]), _box(seen, row)
    if kind == "lost":
        return Row(kind, reason, reference_class=label, reference_score=score, reference_box=box)
    return Row(kind, reason, candidate_class=label, candidate_score=score, candidate_box=box)


def _box(detections: Detections, row: int) -> Box:
    x1, y1, x2, y2 = (float(value) for value in detections.boxes[row])
    return x1, y1, x2, y2
