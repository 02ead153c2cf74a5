"""The rows that made a verdict fail: what is wrong with each, worst first, as an aligned table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parity.agreement import Row
from parity.report.numbers import beside, signed
from parity.report.text import class_name, printable, table
from parity.suite.tolerance import Tolerance

MOST = 10
HEADER = ("what", "class", "score", "Δscore", "IoU", "1-IoU", "corner px", "box (x1 y1 x2 y2)")
_NUMBERS = (3, 4, 5, 6)


def what(row: Row) -> str:
    """What is wrong with a row, "box+score" where it is more than one thing; "" where it agrees."""
    if row.tie or not row.paired:
        return row.reason or row.kind
    wrong = (("class", row.flipped), ("box", not row.box_within), ("score", not row.score_within))
    return "+".join(name for name, is_so in wrong if is_so)


def box_excess(row: Row, tolerance: Tolerance) -> float:
    """How many times the box limit a pair's boxes differ: the nearer of IoU and corners counts."""
    if row.iou is None or row.corner is None:
        return 0.0
    overlap = _ratio(1 - row.iou, 1 - tolerance.min_box_iou)
    return min(overlap, _ratio(row.corner, tolerance.max_corner_px))


def score_excess(row: Row, tolerance: Tolerance) -> float:
    """How many times the score limit a pair's scores differ."""
    return _ratio(abs(row.score_diff or 0.0), tolerance.max_score_diff)


def rows_table(
    found: Iterable[tuple[str, Row]],
    tolerance: Tolerance,
    classes: Sequence[str],
    wide: int | None = None,
) -> list[str]:
    """The worst of (image, row) as lines, and how many more there are; "" names no image.

    Rows that are longer than ``wide`` go on in a further line.
    """
    worst = [one for one in found if what(one[1])]
    worst.sort(key=lambda one: _rank(one[1], tolerance))
    if not worst:
        return []
    shown = [(*_cells(row, tolerance, classes), printable(image)) for image, row in worst[:MOST]]
    header = (*HEADER, "image" if any(image for image, _ in worst) else "")
    more = [f"and {len(worst) - MOST} more"] if len(worst) > MOST else []
    return [*table(header, shown, _NUMBERS, wide), *more]


def box_text(box: Sequence[float] | None) -> str:
    """A box as its four corners in pixels of the image."""
    return "" if box is None else " ".join(f"{round(value, 1) + 0.0:.1f}" for value in box)


def _ratio(value: float, limit: float) -> float:
    if limit:
        return value / limit
    return float("inf") if value else 0.0


def _rank(row: Row, tolerance: Tolerance) -> tuple[int, float]:
    """Leftovers first, then other classes, then how far beyond the limits; ties come last."""
    score = max(row.reference_score or 0.0, row.candidate_score or 0.0)
    if row.reason in ("excused", "unjudgeable", "tie"):
        return 3, -score
    if not row.paired:
        return 0, -score
    if row.flipped:
        return 1, -score
    return 2, -max(box_excess(row, tolerance), score_excess(row, tolerance))


def _cells(row: Row, tolerance: Tolerance, classes: Sequence[str]) -> tuple[str, ...]:
    label = what(row)
    if label in ("excused", "unjudgeable", "threshold", "beyond-band", "tie"):
        label = f"{row.kind}: {label}"
    difference = row.score_diff
    limit = tolerance.max_score_diff
    return (
        label,
        _change(class_name(row.reference_class, classes), class_name(row.candidate_class, classes)),
        _scores(row.reference_score, row.candidate_score),
        "" if difference is None else signed(difference, limit),
        "" if row.iou is None else beside(row.iou, tolerance.min_box_iou, 4),
        "" if row.iou is None else beside(1 - row.iou, round(1 - tolerance.min_box_iou, 12), 2),
        "" if row.corner is None else beside(row.corner, tolerance.max_corner_px),
        box_text(row.reference_box or row.candidate_box),
    )


def _scores(before: float | None, after: float | None) -> str:
    return (
        f"{'-' if before is None else f'{before:.4f}'} → {'-' if after is None else f'{after:.4f}'}"
    )


def _change(before: str, after: str) -> str:
    return before or after if not (before and after) or before == after else f"{before} → {after}"
