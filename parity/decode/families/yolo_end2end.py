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

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.decode.contract import Columns, Family, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import Array, DecodeError, Floats, Proposals
from parity.decode.heads.predictions import and_further

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.inside import YoloEnd2End

YOLOV7 = ("image", "x1", "y1", "x2", "y2", "class", "score")


def _settings(settings: Decode) -> YoloEnd2End:
    own: YoloEnd2End = settings.own  # type: ignore[assignment]  # the suite is validated
    return own


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``detections`` (1, N, 6), or as wide as the columns that the suite names."""
    order, further = _settings(settings).order, _settings(settings).further
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


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """The detections of one image, without padding."""
    how = _settings(settings)
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
        detected.classes_of(rows["class"], how.first_class, classes),
    )


def unread(heads: Mapping[str, Array], settings: Decode, classes: int) -> dict[str, Columns]:
    """What stands behind the columns that the suite names."""
    how = _settings(settings)
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


FAMILY = Family(
    roles,
    decode,
    unread=unread,
    crossed="are the numbers of a row in this order? Else say columns = [...], as for rows of "
    "x, y, width, height",
)
