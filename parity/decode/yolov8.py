"""YOLOv8, v9 and v11 (Jocher et al., ultralytics): one head (1, 4 + C, A), decoded by the network.

A column is cx, cy, w, h and one score for each class through a sigmoid; there is no objectness.
Exports give boxes in pixels of the input; those to TFLite divide them by its width and height.
Some exports transpose the head to (1, A, 4 + C). The predictor keeps the best class of a box, and
runs NMS for each class. An RT-DETR exported by the same library has this head too, anchors first,
normalised, without NMS: declare it so, with ``nms = "none"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.best import labelled
from parity.decode.binding import Role, Shape
from parity.decode.candidates import Array, Candidates, DecodeError, Floats, Proposals
from parity.decode.family import Family, Size
from parity.decode.predictions import (
    PREDICTIONS,
    check_range,
    misfit,
    predictions_role,
    without_objectness,
)
from parity.decode.ranges import check_unit
from parity.suite.families import YoloV8

if TYPE_CHECKING:
    from parity.suite.decoding import Decode

_AXES = {"channels-first": 1, "anchors-first": 2}  # where the 4 + C values of an anchor lie


def _settings(settings: Decode) -> YoloV8:
    how = settings.own
    assert isinstance(how, YoloV8)
    return how


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``predictions`` (1, 4 + classes, A) or (1, A, 4 + classes)."""
    needs = f"{_needs(classes)}: cx, cy, w, h, one score for each class"
    return (predictions_role(needs, classes, without_objectness),)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = _settings(settings)
    columns = arrange(heads, settings, classes, size)[PREDICTIONS][0]
    boxes = columns[:4].T.astype(np.float64)
    check_unit(boxes[:, :2], how.normalized, PREDICTIONS)
    check_range(columns[4:], how.activation)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        boxes = to_xyxy(boxes, "cxcywh", size if how.normalized else None)
        return labelled(boxes, columns[4:].T, how)


def arrange(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size
) -> dict[str, Array]:
    """The head as (1, 4 + classes, A)."""
    head = np.asarray(heads[PREDICTIONS])
    shape = head.shape
    if not without_objectness(shape, classes):
        raise DecodeError(misfit(_needs(classes), shape, classes))
    first = _layout(shape, _settings(settings).layout, classes) == "channels-first"
    return {PREDICTIONS: head if first else head.transpose(0, 2, 1)}


def _layout(shape: Shape, declared: str | None, classes: int) -> str:
    fitting = [name for name, axis in _AXES.items() if shape[axis] == 4 + classes]
    if declared is not None:
        if declared not in fitting:
            raise DecodeError(
                f"{PREDICTIONS}: expected {4 + classes} values at axis {_AXES[declared]} "
                f"with layout = '{declared}', found shape {shape}; say layout = '{fitting[0]}'?"
            )
        return declared
    if len(fitting) > 1:
        raise DecodeError(
            f"{PREDICTIONS}: expected shape {_needs(classes)}, found {shape}, which is both; "
            f"say layout = 'channels-first' or 'anchors-first'"
        )
    return fitting[0]


def _needs(classes: int) -> str:
    return f"(1, {4 + classes}, A) or (1, A, {4 + classes})"


FAMILY = Family(roles, decode, arrange=arrange)
