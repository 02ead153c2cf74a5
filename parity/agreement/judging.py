"""One image: what happened to every deployed detection of either side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from parity.agreement.alarms import below_a_pixel, empty
from parity.agreement.findings import Finding
from parity.agreement.hidden import Excuses
from parity.agreement.pairing import Bools, Closeness, Scale, canonical_order, closeness, match
from parity.agreement.rows import Box, ImageAgreement, Row, Twin
from parity.agreement.settings import changed_by_settings
from parity.agreement.ties import Exchange, exchange
from parity.choosing import BEST_CLASS, EVERY, PEAKS
from parity.detections import Detections, Side
from parity.suite.tolerance import Tolerance

_ROUNDING = 1e-9  # 0.3 - 0.1 is a little less than 0.2


def judge(reference: Side, candidate: Side, tolerance: Tolerance, scale: Scale) -> ImageAgreement:
    """Compare one image's detections.

    ``scale`` (x, y) turns pixels of the image into pixels of the network's input. The findings are
    the image's own verdict: all of them for a strict tolerance, and for a budget only those that
    no budget excuses. Neither side is looked at further down than the tolerance's band.
    """
    changed = changed_by_settings(reference, candidate)
    reference = reference.narrowed(reference.threshold - tolerance.band)
    candidate = candidate.narrowed(candidate.threshold - tolerance.band)
    rows = _Rows(reference, candidate, tolerance, scale).rows()
    findings = strict_findings(rows) if tolerance.strict else []
    findings += empty(reference, candidate, tolerance)
    findings += below_a_pixel(rows, tolerance, scale)
    if changed:
        findings.append(Finding("settings", _settings_facts(changed, reference, candidate)))
    return ImageAgreement(
        rows=rows,
        reference_deployed=int(reference.deployed.sum()),
        candidate_deployed=int(candidate.deployed.sum()),
        reference_seen=len(reference.seen),
        candidate_seen=len(candidate.seen),
        reference_threshold=reference.threshold,
        candidate_threshold=candidate.threshold,
        reference_floor=reference.floor,
        candidate_floor=candidate.floor,
        findings=tuple(findings),
        scale=scale,
    )


def strict_findings(rows: tuple[Row, ...]) -> list[Finding]:
    """Every way in which rows miss a limit, one finding a way with its count."""
    judged = [row for row in rows if row.judged]
    counts = {
        "lost": sum(row.kind == "lost" and row.unexplained for row in rows),
        "extra": sum(row.kind == "extra" and row.unexplained for row in rows),
        "class": sum(row.flipped for row in judged),
        "box": sum(not row.box_within for row in judged),
        "score": sum(not row.score_within for row in judged),
        "excused": sum(row.reason == "excused" for row in rows),
        "unjudgeable": sum(row.reason == "unjudgeable" for row in rows),
    }
    return [Finding(code, {"count": count}) for code, count in counts.items() if count]


def _settings_facts(changed: int, reference: Side, candidate: Side) -> dict[str, object]:
    both = [side.suppression.choice for side in (reference, candidate)]
    chosen = [_CHOICES[one] if None not in both and both[0] != both[1] else "" for one in both]
    return {
        "count": changed,
        "total": int(reference.deployed.sum()),
        "reference": _settings(reference, chosen[0]),
        "candidate": _settings(candidate, chosen[1]),
    }


_CHOICES = {
    None: "",
    BEST_CLASS: "the best class of a box, ",
    PEAKS: "the peaks of the map, ",
    EVERY: "every class of a box, ",
}


def _settings(side: Side, chosen: str) -> str:
    threshold = f"from a score of {side.threshold:g}"
    nms = side.suppression.label
    return threshold if side.proposals is None else f"{chosen}NMS {nms}, {threshold}"


@dataclass(frozen=True, eq=False)
class _Rows:
    """Makes the rows of one image from both sides, seen down to their bands."""

    reference: Side
    candidate: Side
    tolerance: Tolerance
    scale: Scale

    def rows(self) -> tuple[Row, ...]:
        """Pairs in the reference's order, then what is lost, then what is extra."""
        close = closeness(self.reference.seen, self.candidate.seen, self.tolerance, self.scale)
        shown = exchange(self.reference, self.candidate, self.tolerance, self.scale)
        alone = {"lost": self.reference.deployed, "extra": self.candidate.deployed}
        other_threshold: dict[str, set[int]] = {"lost": set(), "extra": set()}
        rows = []
        for row, i, j in self._paired(close, None if shown is None else shown.twins):
            if row.reason == "threshold":
                other_threshold[row.kind].add(i if row.kind == "lost" else j)
                continue
            rows.append(row if shown is None else _with_ties(row, shown, i, j))
            alone["lost"][i] = alone["extra"][j] = False
        for kind, here, there in (
            ("lost", self.reference, self.candidate),
            ("extra", self.candidate, self.reference),
        ):
            left = [row for row in canonical_order(here.seen).tolist() if alone[kind][row]]
            reasons = self._reasons(left, other_threshold[kind], here, there)
            if shown is None:
                open_ = [row for row in left if not reasons[row]]
                reasons |= dict.fromkeys(self._excused(close, here, there, open_), "excused")
            for at in left:
                row = _leftover(kind, reasons[at], here.seen, at)
                if shown is not None:
                    lost = kind == "lost"
                    row = _with_ties(row, shown, at if lost else None, None if lost else at)
                rows.append(row)
        return tuple(rows)

    def _reasons(
        self, left: Sequence[int], other_threshold: set[int], here: Side, there: Side
    ) -> dict[int, str]:
        reasons = dict.fromkeys(left, "")
        for row in left:
            score = float(here.seen.scores[row])
            if row in other_threshold or score < there.threshold:
                reasons[row] = "threshold"
            elif _hides(there, score, self.tolerance):
                reasons[row] = "unjudgeable"
        return reasons

    def _excused(self, close: Closeness, here: Side, there: Side, left: Sequence[int]) -> set[int]:
        """Likely ties, where only one of the two sides shows what it removed."""
        if here.proposals is None and there.proposals is None:
            return set()
        within = close.within if here is self.reference else close.within.T  # (here, there)
        if here.proposals is None:
            return Excuses(there, here, within.T, self.tolerance, self.scale).of_hidden(left)
        return Excuses(here, there, within, self.tolerance, self.scale).of_shown(left)

    def _paired(self, close: Closeness, twins: Bools | None) -> Iterator[tuple[Row, int, int]]:
        """A row for every pair, with its two positions among what the sides see."""
        pairs = match(self.reference, self.candidate, close, self.tolerance, twins)
        i, j = pairs.reference, pairs.candidate
        ours, theirs = self.reference.seen.take(i), self.candidate.seen.take(j)
        shift = (theirs.boxes - ours.boxes) * np.array([*self.scale, *self.scale])
        columns = (ours.classes, theirs.classes, ours.scores, theirs.scores)
        boxes = (ours.boxes, theirs.boxes)
        measured = (close.iou[i, j], close.corners[i, j], shift, close.box[i, j], close.score[i, j])
        values = zip(
            *(column.tolist() for column in (*columns, *boxes, *measured, i, j)), strict=True
        )
        for a, b, score_a, score_b, box_a, box_b, iou, corner, moved, box, score, *at in values:
            kind, reason = self._kind(score_a, score_b)
            row = Row(
                kind=kind,
                reason=reason,
                reference_class=a,
                candidate_class=b,
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

    def _kind(self, ours: float, theirs: float) -> tuple[str, str]:
        """What a pair is, by its scores: a leftover by another threshold, or beyond the band."""
        reference, candidate = self.reference.threshold, self.candidate.threshold
        if ours >= reference and theirs >= candidate:
            return "pair", ""
        kind = "lost" if ours >= reference else "extra"
        deployed_by_other = theirs >= reference if kind == "lost" else ours >= candidate
        if deployed_by_other:
            return kind, "threshold"
        if abs(theirs - ours) > self.tolerance.band + _ROUNDING:
            return kind, "beyond-band"
        return "borderline", ""


def _with_ties(row: Row, shown: Exchange, i: int | None, j: int | None) -> Row:
    """The row, marked where it is a tie, with the twin that its own partner is not."""
    if not row.within and shown.tie(i, j):
        row = replace(row, reason="tie")
    twin = None if i is None else shown.other_twin(i, j)
    return row if twin is None else replace(row, twin=_twin(row, shown, twin))


def _twin(row: Row, shown: Exchange, twin: int) -> Twin:
    assert row.reference_box is not None
    assert row.reference_score is not None
    assert shown.candidate.proposals is not None
    found = shown.candidate.proposals.found
    shift = (found.boxes[twin] - np.array(row.reference_box)) * np.array([*shown.scale] * 2)
    x1, y1, x2, y2 = shift.tolist()
    return Twin((x1, y1, x2, y2), float(found.scores[twin]) - row.reference_score)


def _hides(other: Side, score: float, tolerance: Tolerance) -> bool:
    """The other side is not seen down to its band, and the score is too near to that floor."""
    shallow = other.floor > other.threshold - tolerance.band + _ROUNDING
    return shallow and score < other.floor + tolerance.band


def _leftover(kind: str, reason: str, seen: Detections, row: int) -> Row:
    label, score, box = int(seen.classes[row]), float(seen.scores[row]), _box(seen, row)
    if kind == "lost":
        return Row(kind, reason, reference_class=label, reference_score=score, reference_box=box)
    return Row(kind, reason, candidate_class=label, candidate_score=score, candidate_box=box)


def _box(detections: Detections, row: int) -> Box:
    x1, y1, x2, y2 = (float(value) for value in detections.boxes[row])
    return x1, y1, x2, y2
