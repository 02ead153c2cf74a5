"""The rows that made a verdict fail: what is wrong with each, worst first, as an aligned table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parity.agreement import Row
from parity.report.numbers import beside, signed
from parity.report.table import Column, Table
from parity.report.text import class_name, printable
from parity.suite.tolerance import Tolerance

MOST = 10

_Placed = tuple[str, Row]


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
    columns = _columns(tolerance, classes)
    if any(image for image, _ in worst):
        columns += (_IMAGE,)
    shown = Table.of(columns, worst[:MOST])
    more = [f"and {len(worst) - MOST} more"] if len(worst) > MOST else []
    return [*shown.lines(wide), *more]


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


def _columns(tolerance: Tolerance, classes: Sequence[str]) -> tuple[Column[_Placed], ...]:
    def classed(placed: _Placed) -> str:
        names = (
            class_name(one, classes)
            for one in (placed[1].reference_class, placed[1].candidate_class)
        )
        return _change(*names)

    def difference(placed: _Placed) -> str:
        found = placed[1].score_diff
        return "" if found is None else signed(found, tolerance.max_score_diff)

    def overlap(placed: _Placed) -> str:
        found = placed[1].iou
        return "" if found is None else beside(found, tolerance.min_box_iou, 4)

    def distance(placed: _Placed) -> str:
        found, limit = placed[1].iou, round(1 - tolerance.min_box_iou, 12)
        return "" if found is None else beside(1 - found, limit, 2)

    def corner(placed: _Placed) -> str:
        found = placed[1].corner
        return "" if found is None else beside(found, tolerance.max_corner_px)

    return (
        Column("what", lambda placed: _label(placed[1])),
        Column("class", classed),
        Column(
            "score", lambda placed: _scores(placed[1].reference_score, placed[1].candidate_score)
        ),
        Column("Δscore", difference, right=True),
        Column("IoU", overlap, right=True),
        Column("1-IoU", distance, right=True),
        Column("corner px", corner, right=True),
        Column(
            "box (x1 y1 x2 y2)",
            lambda placed: box_text(placed[1].reference_box or placed[1].candidate_box),
        ),
    )


_IMAGE = Column[_Placed]("image", lambda placed: printable(placed[0]))


def _label(row: Row) -> str:
    label = what(row)
    if label in ("excused", "unjudgeable", "threshold", "beyond-band", "tie"):
        return f"{row.kind}: {label}"
    return label


def _scores(before: float | None, after: float | None) -> str:
    return (
        f"{'-' if before is None else f'{before:.4f}'} → {'-' if after is None else f'{after:.4f}'}"
    )


def _change(before: str, after: str) -> str:
    return before or after if not (before and after) or before == after else f"{before} → {after}"
