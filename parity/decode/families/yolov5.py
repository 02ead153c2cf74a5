"""YOLOv5 (Jocher et al., ultralytics/yolov5): one head (1, A, 5 + C), decoded by the network.

A row is cx, cy, w, h, objectness, and one score for each class, all through a sigmoid. Exports
give boxes in pixels of the input; those to TFLite and to TensorFlow divide them by its width and
height. A detection's score is objectness * class; its predictor keeps the best class of a box,
and runs NMS for each class.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    Candidates,
    Proposals,
    activate,
)
from parity.decode.heads.predictions import (
    PREDICTIONS,
    Rows,
    and_further,
    predictions_role,
    rows_with_objectness,
    with_objectness,
)
from parity.decode.heads.ranges import (
    check_unit,
)


class YoloV5(Rows):
    """YOLOv5: one head of boxes, objectness and classes, decoded by the network."""


def roles(given: Given[YoloV5], size: Size | None) -> tuple[Role, ...]:
    """``predictions`` (1, A, 5 + classes)."""
    further = given.table.further
    needs = (
        f"(1, A, {5 + given.classes + further}): cx, cy, w, h, objectness, one score for each class"
    )

    def fits(shape: Shape, classes: int) -> bool:
        return with_objectness(shape, classes + further)

    return (predictions_role(needs + and_further(further), given.classes, fits),)


def decode(heads: Heads, given: Given[YoloV5], size: Size) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = given.table
    rows = rows_with_objectness(heads[PREDICTIONS], given.classes, how.activation, how.further)
    boxes = rows[:, :4].astype(np.float64)
    grids = "; grids still to be decoded? say family = 'yolox'"
    check_unit(boxes[:, :2], how.normalized, size, PREDICTIONS, grids)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        boxes = to_xyxy(boxes, "cxcywh", size if how.normalized else None)
        objectness = activate(rows[:, 4:5].astype(np.float64), how.activation)
        return labelled(boxes, rows[:, 5:], how, objectness)


def unread(heads: Heads, given: Given[YoloV5]) -> dict[str, Columns]:
    """What stands behind the classes."""
    return {PREDICTIONS: Columns(2, 5 + given.classes)} if given.table.further else {}


def clues(seen: Seen) -> Iterator[Likelihood]:
    """(1, A, 5 + C): decoded cx, cy, w, h, objectness and a score for every class."""
    for name, rows, upright in dense(seen):
        if not upright or rows.shape[1] < 6:
            continue
        grid, classes = grid_words(len(rows), seen.size, ANCHORS), rows.shape[1] - 5
        decoded, why = decoded_words(rows, seen)
        yield weigh(
            "yolov5",
            [
                Clue(True, 0.35, f"one head {seen.looks[name].shape} as (1, A, 5 + C)"),
                Clue(unit(rows[:, 4:]), 0.15, "columns 4 and on are within 0..1"),
                Clue(not unit(rows[:, 4:]), -0.2),
                Clue(decoded, 0.15, why),
                Clue(not decoded, -0.3),
                *class_clues(seen, classes),
                Clue(grid is not None and grid[0] == 3, 0.2, grid[1] if grid else ""),
            ],
            outputs={"predictions": name},
            classes=classes,
            table={"normalized": bool(rows[:, :4].max(initial=0.0) <= RELATIVE)},
        )


FAMILY = Family(
    name="yolov5",
    table=YoloV5,
    heads="(1, A, 5 + C), with objectness",
    keys="`normalized` (false; most TFLite exports need true: say so in their runtime), "
    "`activation`, `multi_label` (false)",
    roles=roles,
    decode=decode,
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
