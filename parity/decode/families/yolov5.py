"""YOLOv5 (Jocher et al., ultralytics/yolov5): one head (1, A, 5 + C), decoded by the network.

A row is cx, cy, w, h, objectness, and one score for each class, all through a sigmoid. Exports
give boxes in pixels of the input; those to TFLite and to TensorFlow divide them by its width and
height. A detection's score is objectness * class; its predictor keeps the best class of a box,
and runs NMS for each class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.contract import Columns, Family, Size
from parity.decode.heads.best import labelled
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import Array, Candidates, Floats, Proposals, activate
from parity.decode.heads.predictions import (
    PREDICTIONS,
    and_further,
    predictions_role,
    rows_with_objectness,
    with_objectness,
)
from parity.decode.heads.ranges import check_unit
from parity.suite.families import YoloV5

if TYPE_CHECKING:
    from parity.suite.decoding import Decode


def _settings(settings: Decode) -> YoloV5:
    how = settings.own
    assert isinstance(how, YoloV5)
    return how


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``predictions`` (1, A, 5 + classes)."""
    further = _settings(settings).further
    needs = f"(1, A, {5 + classes + further}): cx, cy, w, h, objectness, one score for each class"

    def fits(shape: Shape, classes: int) -> bool:
        return with_objectness(shape, classes + further)

    return (predictions_role(needs + and_further(further), classes, fits),)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = _settings(settings)
    rows = rows_with_objectness(heads[PREDICTIONS], classes, how.activation, how.further)
    boxes = rows[:, :4].astype(np.float64)
    grids = "; grids still to be decoded? say family = 'yolox'"
    check_unit(boxes[:, :2], how.normalized, size, PREDICTIONS, grids)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        boxes = to_xyxy(boxes, "cxcywh", size if how.normalized else None)
        objectness = activate(rows[:, 4:5].astype(np.float64), how.activation)
        return labelled(boxes, rows[:, 5:], how, objectness)


def unread(heads: Mapping[str, Array], settings: Decode, classes: int) -> dict[str, Columns]:
    """What stands behind the classes."""
    return {PREDICTIONS: Columns(2, 5 + classes)} if _settings(settings).further else {}


FAMILY = Family(roles, decode, unread=unread)
