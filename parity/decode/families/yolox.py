"""YOLOX (Ge et al., "YOLOX: Exceeding YOLO Series in 2021"): one head (1, A, 5 + C), not decoded.

A row is x, y, w, h, objectness, and one score for each class, the scores through a sigmoid. Maps
follow one another by stride, the cells of a map rows first. In pixels of the input, a centre is
(x + column, y + row) * stride and a size exp(w, h) * stride: exports leave that to whoever runs
them. A detection's score is objectness * class; its predictor keeps the best class of a box, and
runs NMS for each class. An export that decodes by itself has the head of ``yolov5``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from parity.boxes import to_xyxy
from parity.decode.clues.evidence import Clue, Likelihood, Seen, grid_words, weigh
from parity.decode.clues.rows import (
    ANCHORS,
    SMALL,
    class_clues,
    dense,
    unit,
)
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.best import labelled
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Candidates,
    DecodeError,
    Floats,
    Proposals,
    activate,
)
from parity.decode.heads.cells import cells_of_strides
from parity.decode.heads.predictions import (
    PREDICTIONS,
    predictions_role,
    rows_with_objectness,
    with_objectness,
)
from parity.decode.heads.ranges import (
    typical,
)
from parity.decode.heads.units import check_raw

_FARTHEST_CELLS = 4.0  # a centre is predicted by a cell nearby; decoded ones lie far from 0


class Yolox(FamilyTable):
    """YOLOX: one head whose grids and strides are still to be decoded.

    ``strides``: of the feature maps, in the order of the head's rows. The rest as for ``yolov5``.
    """

    strides: tuple[int, ...] = Field(default=(8, 16, 32), min_length=1, strict=False)
    activation: Literal["none", "sigmoid"] = "none"
    multi_label: bool = False

    @field_validator("strides")
    @classmethod
    def _above_0(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if min(value) < 1:
            raise ValueError(f"expected strides of at least 1, found {list(value)}")
        return value


def roles(given: Given[Yolox], size: Size | None) -> tuple[Role, ...]:
    """``predictions`` (1, A, 5 + classes)."""
    needs = (
        f"(1, A, {5 + given.classes}): x, y, w, h of a cell, objectness, one score for each class"
    )
    return (predictions_role(needs, given.classes, with_objectness),)


def decode(heads: Heads, given: Given[Yolox], size: Size) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = given.table
    cells, strides = cells_of_strides(size, how.strides)
    rows = rows_with_objectness(heads[PREDICTIONS], given.classes, how.activation)
    raw = rows[:, :4].astype(np.float64)
    _check(raw, len(cells), size, how.strides)
    expected = "centres relative to their cells"
    check_raw(raw, cells * strides, PREDICTIONS, expected, "say family = 'yolov5'")
    with np.errstate(all="ignore"):  # a wild size gives an infinite box, judged with its score
        centres = (raw[:, :2] + cells) * strides
        boxes = np.concatenate([centres, np.exp(raw[:, 2:]) * strides], axis=1)
        objectness = activate(rows[:, 4:5].astype(np.float64), how.activation)
        return labelled(to_xyxy(boxes, "cxcywh"), rows[:, 5:], how, objectness)


def _check(rows: Floats, cells: int, size: Size, strides: tuple[int, ...]) -> None:
    if len(rows) != cells:
        written = ", ".join(map(str, strides))
        raise DecodeError(
            f"{PREDICTIONS}: expected {cells} rows, one for each cell of strides {written} on an "
            f"input of {size[0]}x{size[1]} (h x w), found {len(rows)}; say strides = [...]"
        )
    found = typical(rows[:, :2])
    if found > _FARTHEST_CELLS:
        raise DecodeError(
            f"{PREDICTIONS}: expected centres relative to their cells, "
            f"found a median of {found:.4g} cells; decoded already? say family = 'yolov5'"
        )


def clues(seen: Seen) -> Iterator[Likelihood]:
    """(1, A, 5 + C): offsets in cells and logarithms of sizes, still to be decoded."""
    for name, rows, upright in dense(seen):
        if not upright or rows.shape[1] < 6:
            continue
        grid, classes = grid_words(len(rows), seen.size, ANCHORS), rows.shape[1] - 5
        boxes = rows[:, :4]
        small = bool(np.abs(boxes).max(initial=0.0) < SMALL)
        negative = bool((boxes[:, 2:] < 0).any() and np.ptp(boxes) > 0)  # -1 throughout is padding
        yield weigh(
            "yolox",
            [
                Clue(True, 0.3, f"one head {seen.looks[name].shape} as (1, A, 5 + C)"),
                Clue(
                    small and negative,
                    0.3,
                    "columns 0 to 3 are small, widths also negative: "
                    "offsets and logarithms, not boxes",
                ),
                Clue(not small or not negative, -0.2),
                Clue(unit(rows[:, 4:]), 0.1, "columns 4 and on are within 0..1"),
                *class_clues(seen, classes),
                Clue(grid is not None and grid[0] == 1, 0.2, grid[1] if grid else ""),
                Clue(grid is not None and grid[0] == 3, -0.1),
            ],
            outputs={"predictions": name},
            classes=classes,
        )


FAMILY = Family(
    name="yolox",
    table=Yolox,
    heads="(1, A, 5 + C), grids still to be decoded",
    keys="`strides` (8, 16, 32), `activation`, `multi_label`",
    roles=roles,
    decode=decode,
    clues=clues,
    recipe={
        "resize": "letterbox",
        "pad": "corner",
        "pad_value": 114,
        "color": "BGR",
        "range": [0, 255],
    },
)
