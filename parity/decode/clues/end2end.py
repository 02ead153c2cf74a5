"""Clues for networks that answer with one head of detections, a row each, after their own NMS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.looks import Size
from parity.decode.clues.rows import RELATIVE, only, unit
from parity.decode.families.yolo_end2end import YOLOV7
from parity.decode.heads.candidates import Floats

FEW = 1000  # detections that a network emits after its own NMS; anchors are more
PLAIN = ("x1", "y1", "x2", "y2", "score", "class")
SCORE_FIRST = ("image", "y1", "x1", "y2", "x2", "score", "class")  # EfficientDet of google/automl
X_FIRST = ("image", *PLAIN)  # as some of its versions write it


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows that say something, and what their columns are."""

    columns: tuple[str, ...]
    values: Floats  # (N, columns), those with a score above 0

    def column(self, *names: str) -> Floats:
        """Columns by name, (N, names)."""
        return self.values[:, [self.columns.index(name) for name in names]]

    @property
    def whole(self) -> bool:
        """Whether classes are whole numbers, and an index of the image is the same in all rows."""
        index = self.column("image") if "image" in self.columns else np.zeros((1, 1))
        return bool(len(self.values)) and _ids(self.column("class")) and np.ptp(index) == 0

    @property
    def table(self) -> dict[str, Any]:
        """Keys of ``[decode.yolo-end2end]``, as far as anything was found."""
        found: dict[str, Any] = {}
        if len(self.columns) != len(PLAIN):
            found["columns"] = list(self.columns)
        if not len(self.values):
            return found
        found["normalized"] = bool(self.column("x1", "y1", "x2", "y2").max() <= RELATIVE)
        if self.whole and (self.column("class") == 0).any():
            found["first_class"] = 0
        elif self.columns in (SCORE_FIRST, X_FIRST):
            found["first_class"] = 1  # its classes are numbered as those of COCO
        return found


def yolo_end2end(seen: Seen) -> Iterator[Likelihood]:
    """(1, N, 6) as of YOLOv10 and exporters, (N, 7) as of YOLOv7, (1, N, 7) as of EfficientDet."""
    name = only(seen)
    if name is None or seen.heads[name].shape[-1] not in (len(PLAIN), len(YOLOV7)):
        return
    shape, width = seen.looks[name].shape, seen.heads[name].shape[-1]
    rows = _rows(seen.values[name].reshape(-1, width), len(shape) == 2, seen.size)
    some, scores = bool(len(rows.values)), rows.column("score")[:, 0]
    at = {one: place for place, one in enumerate(rows.columns)}
    order = "" if width == len(PLAIN) else f": {', '.join(rows.columns)}"
    ordered = (rows.column("x2", "y2") >= rows.column("x1", "y1")).all()
    yield weigh(
        "yolo-end2end",
        [
            Clue(True, 0.3, f"one head {shape}, {width} numbers for each detection{order}"),
            Clue(rows.whole, 0.3, f"column {at['class']} holds whole numbers, as classes are"),
            Clue(some and not rows.whole, -0.3),
            Clue(unit(scores), 0.1, f"column {at['score']} is within 0..1, as scores are"),
            Clue(_falls(scores), 0.1, f"column {at['score']} falls from row to row"),
            Clue(some and bool(ordered), 0.1, "x1 <= x2 and y1 <= y2 in every row"),
            Clue(0 < shape[-2] <= FEW, 0.1, f"{shape[-2]} rows"),
            Clue(shape[-2] > FEW, -0.3),
        ],
        outputs={"detections": name},
        table=rows.table,
    )


def _rows(table: Floats, unbatched: bool, size: Size | None) -> _Rows:
    """Without rows of padding, which are 0 or -1 throughout or have no score above 0."""
    filled = table[~((table[:, 1:] == 0.0).all(axis=1) | (table[:, 1:] == -1.0).all(axis=1))]
    columns = PLAIN if table.shape[1] == len(PLAIN) else _seven(filled, unbatched, size)
    return _Rows(columns, filled[filled[:, columns.index("score")] > 0.0])


def _seven(rows: Floats, unbatched: bool, size: Size | None) -> tuple[str, ...]:
    """Which of the last two columns holds classes, and whether x stands before y.

    Where rows do not tell the former, a head without a batch is YOLOv7's. An x is seen by reaching
    beyond the input's height.
    """
    fifth, sixth = rows[:, 5], rows[:, 6]
    classes_first = _ids(fifth) and unit(sixth)
    classes_last = _ids(sixth) and unit(fifth)
    if classes_first and (unbatched or not classes_last):
        return YOLOV7
    if classes_first == classes_last and unbatched:
        return YOLOV7
    height, width = size or (0, 0)
    odd, even = rows[:, [1, 3]].max(initial=0.0), rows[:, [2, 4]].max(initial=0.0)
    return X_FIRST if height < odd <= width and even <= height else SCORE_FIRST


def _ids(values: Floats) -> bool:
    return bool(values.size) and bool((values == np.trunc(values)).all() and values.min() >= 0)


def _falls(scores: Floats) -> bool:
    return len(scores) >= 3 and bool((np.diff(scores) <= 1e-6).all() and np.ptp(scores) > 0)
