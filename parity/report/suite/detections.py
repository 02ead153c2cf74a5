"""``detections.csv``: every object that was compared, one row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from parity.agreement import Row
from parity.record import SuiteRecord
from parity.report.table import Column, Table

_SIDES = ("reference", "candidate")
_CORNERS = ("x1", "y1", "x2", "y2")


class _Compared(NamedTuple):
    runtime: str
    image: str
    classes: Sequence[str]
    row: Row


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
    return Table.of(_COLUMNS, _rows(record)).csv()


def _rows(record: SuiteRecord) -> Iterator[_Compared]:
    for runtime in record.runtimes:
        for image in runtime.images:
            for row in () if image.agreement is None else image.agreement.rows:
                yield _Compared(runtime.name, image.image, record.classes, row)


def _of_row(field: str, one: _Compared) -> Any:
    return getattr(one.row, field)


def _class_name(side: str, one: _Compared) -> str:
    label = getattr(one.row, f"{side}_class")
    return "" if label is None or not 0 <= label < len(one.classes) else one.classes[label]


def _corner(side: str, number: int, one: _Compared) -> float | None:
    box = getattr(one.row, f"{side}_box")
    return None if box is None else box[number]


def _distance(one: _Compared) -> float | None:
    return None if one.row.iou is None else 1 - one.row.iou


def _column(heading: str, field: str = "") -> Column[_Compared]:
    return Column(heading, partial(_of_row, field or heading))


_COLUMNS = (
    Column[_Compared]("runtime", lambda one: one.runtime),
    Column[_Compared]("image", lambda one: one.image),
    *map(_column, ("kind", "reason", "within")),
    *(Column[_Compared](f"{one}_class", partial(_class_name, one)) for one in _SIDES),
    *(_column(f"{one}_class_id", f"{one}_class") for one in _SIDES),
    *map(_column, ("reference_score", "candidate_score", "score_diff", "iou")),
    Column[_Compared]("one_minus_iou", _distance),
    _column("corner_px", "corner"),
    *(
        Column[_Compared](f"{side}_{corner}", partial(_corner, side, number))
        for side in _SIDES
        for number, corner in enumerate(_CORNERS)
    ),
)
COLUMNS = tuple(one.heading for one in _COLUMNS)
