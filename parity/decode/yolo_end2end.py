"""YOLO from end to end: one row a detection, NMS inside or not needed.

(1, N, 6) rows of x1, y1, x2, y2, score, class in pixels of the network's input, class 0-based; N
is 300 in YOLOv10 (Wang et al., "YOLOv10: Real-Time End-to-End Object Detection", 2024), whose
training makes NMS needless, and in exports of other versions with NMS. Rows are in descending
score; YOLOv10 always fills all of them, exports with NMS fill up with zeros. Some exports give
boxes relative to the input: ``normalized = true``. Rows of seven with a batch index in front (as
of YOLOv7) are another format.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode import detected
from parity.decode.binding import Role
from parity.decode.candidates import Array, DecodeError, Floats, Proposals
from parity.decode.family import Family, Size

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.inside import YoloEnd2End

_ORDER = "are the rows x1, y1, x2, y2, score, class?"


def _settings(settings: Decode) -> YoloEnd2End:
    own: YoloEnd2End = settings.own  # type: ignore[assignment]  # the suite is validated
    return own


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``detections`` (1, N, 6)."""
    needs = "(1, N, 6), rows of x1, y1, x2, y2, score, class"
    return (detected.detections_role("detections", needs, (6,), ()),)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """The detections of one image; rows of zeros are padding."""
    how = _settings(settings)
    rows = detected.rows_of(heads["detections"], "detections", (6,))
    rows = rows[rows.any(axis=1)]
    _check_columns(rows)
    other = "false" if how.normalized else "true"
    return Proposals(
        detected.pixels_of(rows[:, :4], "xyxy", how.normalized, size, f" say normalized = {other}"),
        detected.scores_in_range(rows[:, 4], _ORDER),
        detected.classes_of(rows[:, 5], how.first_class, classes),
    )


def _check_columns(rows: Floats) -> None:
    """A column of scores in the place of the classes would say less in a message of its own."""
    score, label = rows[:, 4], rows[:, 5]
    if len(rows) and (score == score.round()).all() and (label != label.round()).any():
        raise DecodeError(
            "detections: expected rows of x1, y1, x2, y2, score, class, found whole numbers in "
            "the column of the score and fractions in that of the class: they are the other way "
            "round"
        )


FAMILY = Family(roles, decode, crossed=f"{_ORDER} Rows of x, y, width, height are no such rows")
