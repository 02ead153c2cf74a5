"""YOLO from end to end: one row a detection, NMS inside or not needed.

(1, N, 6) rows of x1, y1, x2, y2, score, class in pixels of the network's input, class 0-based; N
is 300 in YOLOv10 (Wang et al., "YOLOv10: Real-Time End-to-End Object Detection", 2024), whose
training makes NMS needless, and in exports of other versions with NMS. Rows are in descending
score; YOLOv10 always fills all of them, exports with NMS fill up with rows of 0 or of -1. Some
exports give boxes relative to the input: ``normalized = true``.

``columns`` says what the numbers are where a row is another one. YOLOv7 and YOLOv6 exported with
their NMS for ONNX Runtime give (N, 7): image, x1, y1, x2, y2, class, score, as many as were found.
EfficientDet of google/automl gives (1, 100, 7): image, y1, x1, y2, x2, score, class (some versions
x before y, some w and h), in pixels of what was fed, class 1-based.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.rows import (
    RELATIVE,
    only,
    unit,
)
from parity.decode.contract import Columns, Family, FamilyTable, Given, Heads, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    DecodeError,
    Floats,
    Proposals,
)
from parity.decode.heads.predictions import (
    and_further,
)

YOLOV7 = ("image", "x1", "y1", "x2", "y2", "class", "score")


Column = Literal["image", "x1", "y1", "x2", "y2", "w", "h", "score", "class"]
_BOXES = ({"x1", "y1", "x2", "y2"}, {"x1", "y1", "w", "h"})


class YoloEnd2End(FamilyTable):
    """Rows of one detection each. ``first_class``, ``normalized``: as ``tf-od-api``.

    ``columns``: what the numbers of a row are, in their order; "w" and "h" may stand for "x2" and
    "y2", and "image" is the index of the image in its batch. ``further``: how many stand behind
    these and are not read, as for ``yolov5``.
    """

    first_class: int = Field(default=0, ge=0)
    normalized: bool = False
    further: int = Field(default=0, ge=0)
    columns: tuple[Column, ...] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _whole_rows(self) -> Self:
        box = set(self.order) - {"image", "score", "class"}
        whole = box in _BOXES and {"score", "class"} <= set(self.order)
        if not whole or len(set(self.order)) != len(self.order):
            raise ValueError(
                "columns: expected x1, y1, x2, y2 (or w, h for these two), score, class and, if "
                f"need be, image, each once, found {', '.join(self.order)}"
            )
        return self

    @property
    def order(self) -> tuple[Column, ...]:
        """The columns as they stand."""
        return self.columns or ("x1", "y1", "x2", "y2", "score", "class")


def roles(given: Given[YoloEnd2End], size: Size | None) -> tuple[Role, ...]:
    """``detections`` (1, N, 6), or as wide as the columns that the suite names."""
    order, further = given.table.order, given.table.further
    width = len(order) + further
    needs = f"(1, N, {width}), rows of {', '.join(order)}{and_further(further)}"

    def hint(shape: Shape) -> str | None:
        more = shape[-1] - len(order) if shape else 0
        if more <= 0 or shape[-1] == width:
            return None
        behind = f"is what stands behind none of these, as an angle? say further = {more}"
        if shape[-1] != len(YOLOV7):
            return behind
        listed = ", ".join(f'"{one}"' for one in YOLOV7)
        return (
            f"rows of 7, with the image in front? say columns = [{listed}], or in what order; or "
            f"{behind}"
        )

    return (detected.detections_role("detections", needs, (width,), (), hint),)


def decode(heads: Heads, given: Given[YoloEnd2End], size: Size) -> Proposals:
    """The detections of one image, without padding."""
    how = given.table
    width = len(how.order) + how.further
    table = detected.rows_of(heads["detections"], "detections", (width,))[:, : len(how.order)]
    columns: dict[str, Floats] = dict(zip(how.order, table.T, strict=True))
    _check_columns(columns, how.order)
    rows = detected.that_count(columns, "score", "class", beside=("image",))
    _check_image(rows.get("image"))
    other = "false" if how.normalized else "true"
    return Proposals(
        detected.pixels_of(
            _boxes(rows), "xyxy", how.normalized, size, f" say normalized = {other}"
        ),
        detected.scores_in_range(rows["score"], f"are the rows {', '.join(how.order)}?"),
        detected.classes_of(rows["class"], how.first_class, given.classes),
    )


def unread(heads: Heads, given: Given[YoloEnd2End]) -> dict[str, Columns]:
    """What stands behind the columns that the suite names."""
    how = given.table
    axis = np.ndim(heads["detections"]) - 1
    return {"detections": Columns(axis, len(how.order))} if how.further else {}


def _boxes(rows: Mapping[str, Floats]) -> Floats:
    x1, y1 = rows["x1"], rows["y1"]
    x2, y2 = (x1 + rows["w"], y1 + rows["h"]) if "w" in rows else (rows["x2"], rows["y2"])
    return np.stack([x1, y1, x2, y2], axis=1)


def _check_image(index: Floats | None) -> None:
    """Rows of several images, or a column that is no index at all."""
    if index is None or len(np.unique(index)) < 2:
        return
    found = ", ".join(f"{one:g}" for one in np.unique(index)[:8])
    raise DecodeError(
        f"detections: expected one number in the column image, as there is one image, "
        f"found {found}; is it another column?"
    )


def _check_columns(rows: Mapping[str, Floats], order: tuple[str, ...]) -> None:
    """A column of scores in the place of the classes would say less in a message of its own."""
    score, label = rows["score"], rows["class"]
    if len(score) and (score == score.round()).all() and (label != label.round()).any():
        raise DecodeError(
            f"detections: expected rows of {', '.join(order)}, found whole numbers in "
            "the column of the score and fractions in that of the class: they are the other way "
            "round"
        )


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


def clues(seen: Seen) -> Iterator[Likelihood]:
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


FAMILY = Family(
    name="yolo-end2end",
    table=YoloEnd2End,
    heads="rows of x1, y1, x2, y2, score, class, or what `columns` names: YOLOv7 with its NMS has "
    '`["image", "x1", "y1", "x2", "y2", "class", "score"]`, EfficientDet of google/automl '
    '`["image", "y1", "x1", "y2", "x2", "score", "class"]`; `"w"`, `"h"` for `"x2"`, `"y2"`',
    keys="`columns`, `first_class` (0), `normalized` (false)",
    also="YOLOv10",
    roles=roles,
    decode=decode,
    suppresses="inside",
    unread=unread,
    clues=clues,
    crossed=lambda _: (
        "are the numbers of a row in this order? Else say columns = [...], as for "
        "rows of x, y, width, height"
    ),
    recipe={
        "resize": "letterbox",
        "pad": "center",
        "pad_value": 114,
        "color": "RGB",
        "range": [0, 1],
    },
)
