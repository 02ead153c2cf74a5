"""YOLOv8, v9 and v11 (Jocher et al., ultralytics): one head (1, 4 + C, A), decoded by the network.

A column is cx, cy, w, h and one score for each class through a sigmoid; there is no objectness.
Models of segments, poses and turned boxes have further numbers behind these, which are not read.
Exports give boxes in pixels of the input; those to TFLite divide them by its width and height.
Some exports transpose the head to (1, A, 4 + C). The predictor keeps the best class of a box, and
runs NMS for each class. An RT-DETR exported by the same library has this head too, anchors first,
normalised, without NMS: declare it so, with ``nms = "none"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.clues.evidence import Clue, Likelihood, Seen, grid_words, weigh
from parity.decode.clues.rows import (
    ANCHORS,
    RELATIVE,
    class_clues,
    decoded_words,
    dense,
    unit,
)
from parity.decode.contract import Columns, Family, Given, Heads, Size
from parity.decode.heads.best import labelled
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    Array,
    Candidates,
    DecodeError,
    Proposals,
)
from parity.decode.heads.predictions import (
    PREDICTIONS,
    Rows,
    and_further,
    check_range,
    misfit,
    predictions_role,
    without_objectness,
)
from parity.decode.heads.ranges import (
    check_unit,
)

_AXES = {"channels-first": 1, "anchors-first": 2}  # where the 4 + C values of an anchor lie


class YoloV8(Rows):
    """YOLOv8, v9 and v11: one head of boxes and classes, decoded by the network.

    ``layout``: "channels-first" for (1, 4 + C, A), "anchors-first" for (1, A, 4 + C); needed only
    where the shape fits both. The rest as for ``yolov5``.
    """

    layout: Literal["channels-first", "anchors-first"] | None = None


def roles(given: Given[YoloV8], size: Size | None) -> tuple[Role, ...]:
    """``predictions`` (1, 4 + classes, A) or (1, A, 4 + classes)."""
    further = given.table.further
    needs = f"{_needs(given.classes + further)}: cx, cy, w, h, one score for each class"

    def fits(shape: Shape, classes: int) -> bool:
        return without_objectness(shape, classes + further)

    return (predictions_role(needs + and_further(further), given.classes, fits),)


def decode(heads: Heads, given: Given[YoloV8], size: Size) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = given.table
    columns = arrange(heads, given, size)[PREDICTIONS][0]
    boxes = columns[:4].T.astype(np.float64)
    check_unit(boxes[:, :2], how.normalized, size, PREDICTIONS)
    check_range(columns[4:], how.activation)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        boxes = to_xyxy(boxes, "cxcywh", size if how.normalized else None)
        return labelled(boxes, columns[4:].T, how)


def arrange(heads: Heads, given: Given[YoloV8], size: Size) -> dict[str, Array]:
    """The head as (1, 4 + classes, A), without what stands behind the classes."""
    head = np.asarray(heads[PREDICTIONS])
    shape, how = head.shape, given.table
    if not without_objectness(shape, given.classes + how.further):
        raise DecodeError(misfit(_needs(given.classes + how.further), shape, given.classes))
    first = _layout(shape, how.layout, given.classes + how.further) == "channels-first"
    columns = head if first else head.transpose(0, 2, 1)
    return {PREDICTIONS: columns[:, : 4 + given.classes]}


def unread(heads: Heads, given: Given[YoloV8]) -> dict[str, Columns]:
    """What stands behind the classes."""
    how = given.table
    if not how.further:
        return {}
    layout = _layout(np.shape(heads[PREDICTIONS]), how.layout, given.classes + how.further)
    return {PREDICTIONS: Columns(_AXES[layout], 4 + given.classes)}


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


def clues(seen: Seen) -> Iterator[Likelihood]:
    """(1, 4 + C, A) or transposed: decoded cx, cy, w, h and a score for every class."""
    for name, rows, upright in dense(seen):
        columns, grid = rows.shape[1], grid_words(len(rows), seen.size, ANCHORS)
        decoded, why = decoded_words(rows, seen)
        classes = columns - 4
        written = "(1, 4 + C, A)" if not upright else "(1, A, 4 + C)"
        yield weigh(
            "yolov8",
            [
                Clue(True, 0.35, f"one head {seen.looks[name].shape} as {written}"),
                Clue(not upright, 0.25, "the anchors come last"),
                Clue(unit(rows[:, 4:]), 0.15, "all but 4 of its channels are within 0..1"),
                Clue(not unit(rows[:, 4:]), -0.2),
                Clue(decoded, 0.1, why),
                Clue(not decoded, -0.2),
                *class_clues(seen, classes),
                # anchors first, an objectness among the scores cannot be told from a class
                Clue(
                    grid is not None and grid[0] == 1,
                    0.1 if upright else 0.2,
                    grid[1] if grid else "",
                ),
                Clue(grid is not None and grid[0] == 3, -0.2),
            ],
            outputs={"predictions": name},
            classes=classes,
            table={"normalized": bool(rows[:, :4].max(initial=0.0) <= RELATIVE)},
        )


FAMILY = Family(
    name="yolov8",
    table=YoloV8,
    heads="(1, 4 + C, A) or (1, A, 4 + C)",
    keys="as of `yolov5`, and `layout` where the shape fits both",
    also="v9, v11",
    roles=roles,
    decode=decode,
    arrange=arrange,
    unread=unread,
    clues=clues,
    recipe={
        "resize": "letterbox",
        "pad": "center",
        "pad_value": 114,
        "color": "RGB",
        "range": [0, 1],
    },
)
