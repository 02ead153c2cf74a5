"""YOLOv8, v9 and v11 (Jocher et al., ultralytics): one head (1, 4 + C, A), decoded by the network.

A column is cx, cy, w, h and one score for each class through a sigmoid; there is no objectness.
Models of segments, poses and turned boxes have further numbers behind these, which are not read.
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
from parity.decode.contract import Columns, Family, Size
from parity.decode.heads.best import labelled
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import Array, Candidates, DecodeError, Floats, Proposals
from parity.decode.heads.predictions import (
    PREDICTIONS,
    and_further,
    check_range,
    misfit,
    predictions_role,
    without_objectness,
)
from parity.decode.heads.ranges import check_unit
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
    further = _settings(settings).further
    needs = f"{_needs(classes + further)}: cx, cy, w, h, one score for each class"

    def fits(shape: Shape, classes: int) -> bool:
        return without_objectness(shape, classes + further)

    return (predictions_role(needs + and_further(further), classes, fits),)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = _settings(settings)
    columns = arrange(heads, settings, classes, size)[PREDICTIONS][0]
    boxes = columns[:4].T.astype(np.float64)
    check_unit(boxes[:, :2], how.normalized, size, PREDICTIONS)
    check_range(columns[4:], how.activation)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        boxes = to_xyxy(boxes, "cxcywh", size if how.normalized else None)
        return labelled(boxes, columns[4:].T, how)


def arrange(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size
) -> dict[str, Array]:
    """The head as (1, 4 + classes, A), without what stands behind the classes."""
    head = np.asarray(heads[PREDICTIONS])
    shape, how = head.shape, _settings(settings)
    if not without_objectness(shape, classes + how.further):
        raise DecodeError(misfit(_needs(classes + how.further), shape, classes))
    first = _layout(shape, how.layout, classes + how.further) == "channels-first"
    columns = head if first else head.transpose(0, 2, 1)
    return {PREDICTIONS: columns[:, : 4 + classes]}


def unread(heads: Mapping[str, Array], settings: Decode, classes: int) -> dict[str, Columns]:
    """What stands behind the classes."""
    how = _settings(settings)
    if not how.further:
        return {}
    layout = _layout(np.shape(heads[PREDICTIONS]), how.layout, classes + how.further)
    return {PREDICTIONS: Columns(_AXES[layout], 4 + classes)}


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


FAMILY = Family(roles, decode, arrange=arrange, unread=unread)
