"""``detections.csv``: every object that was compared, one row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from parity.agreement import Row
from parity.record import SuiteRecord
from parity.report.text import printable

_CORNERS = ("x1", "y1", "x2", "y2")
COLUMNS = (
    "runtime",
    "image",
    "kind",
    "reason",
    "within",
    "reference_class",
    "candidate_class",
    "reference_class_id",
    "candidate_class_id",
    "reference_score",
    "candidate_score",
    "score_diff",
    "iou",
    "one_minus_iou",
    "corner_px",
    *(f"reference_{corner}" for corner in _CORNERS),
    *(f"candidate_{corner}" for corner in _CORNERS),
)
_FORMULA = ("=", "+", "-", "@")


def detections_csv(record: SuiteRecord) -> str:
    """The rows of every runtime and image as CSV, with "\\n" between lines.

    ``runtime``, ``image``: where. ``kind``: pair, borderline, lost, extra. ``reason`` of a
    leftover: empty, excused, unjudgeable, threshold, beyond-band, and of any row: tie.
    ``within``: True where a pair meets every limit. ``*_class``, ``*_class_id``: name and number.
    ``*_score``; ``score_diff``: candidate minus reference. ``iou``, ``one_minus_iou``.
    ``corner_px``: largest corner difference in pixels of the network's input. ``*_x1`` to
    ``*_y2``: boxes in pixels of the image. What a leftover does not have is empty. An apostrophe
    leads text that a spreadsheet would take for a formula.
    """
    import pandas as pd

    frame = pd.DataFrame.from_records(list(_rows(record)), columns=list(COLUMNS))
    for column in ("reference_class_id", "candidate_class_id"):
        frame[column] = frame[column].astype("Int64")
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def inert(text: str) -> str:
    """Text from a file in one line, so written that no spreadsheet takes it for a formula."""
    text = printable(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _rows(record: SuiteRecord) -> Iterator[tuple[Any, ...]]:
    for runtime in record.runtimes:
        for image in runtime.images:
            for row in () if image.agreement is None else image.agreement.rows:
                yield inert(runtime.name), inert(image.image), *_cells(row, record.classes)


def _cells(row: Row, classes: Sequence[str]) -> tuple[Any, ...]:
    return (
        row.kind,
        row.reason,
        row.within,
        _name(row.reference_class, classes),
        _name(row.candidate_class, classes),
        row.reference_class,
        row.candidate_class,
        row.reference_score,
        row.candidate_score,
        row.score_diff,
        row.iou,
        None if row.iou is None else 1 - row.iou,
        row.corner,
        *(row.reference_box or (None,) * 4),
        *(row.candidate_box or (None,) * 4),
    )


def _name(label: int | None, classes: Sequence[str]) -> str:
    if label is None or not 0 <= label < len(classes):
        return ""
    return inert(classes[label])
