"""YOLOX (Ge et al., "YOLOX: Exceeding YOLO Series in 2021"): one head (1, A, 5 + C), not decoded.

A row is x, y, w, h, objectness, and one score for each class, the scores through a sigmoid. Maps
follow one another by stride, the cells of a map rows first. In pixels of the input, a centre is
(x + column, y + row) * stride and a size exp(w, h) * stride: exports leave that to whoever runs
them. A detection's score is objectness * class; its predictor keeps the best class of a box, and
runs NMS for each class. An export that decodes by itself has the head of ``yolov5``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.contract import Family, Size
from parity.decode.heads.best import labelled
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Array,
    Candidates,
    DecodeError,
    Floats,
    Proposals,
    activate,
)
from parity.decode.heads.predictions import (
    PREDICTIONS,
    predictions_role,
    rows_with_objectness,
    with_objectness,
)
from parity.decode.heads.ranges import typical
from parity.decode.heads.units import check_raw
from parity.suite.families import Yolox

if TYPE_CHECKING:
    from parity.suite.decoding import Decode

_FARTHEST_CELLS = 4.0  # a centre is predicted by a cell nearby; decoded ones lie far from 0


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``predictions`` (1, A, 5 + classes)."""
    needs = f"(1, A, {5 + classes}): x, y, w, h of a cell, objectness, one score for each class"
    return (predictions_role(needs, classes, with_objectness),)


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates | Proposals:
    """The candidates of one image, or each box with its best class."""
    how = settings.own
    assert isinstance(how, Yolox)
    cells, strides = grid(size, how.strides)
    rows = rows_with_objectness(heads[PREDICTIONS], classes, how.activation)
    raw = rows[:, :4].astype(np.float64)
    _check(raw, len(cells), size, how.strides)
    expected = "centres relative to their cells"
    check_raw(raw, cells * strides, PREDICTIONS, expected, "say family = 'yolov5'")
    with np.errstate(all="ignore"):  # a wild size gives an infinite box, judged with its score
        centres = (raw[:, :2] + cells) * strides
        boxes = np.concatenate([centres, np.exp(raw[:, 2:]) * strides], axis=1)
        objectness = activate(rows[:, 4:5].astype(np.float64), how.activation)
        return labelled(to_xyxy(boxes, "cxcywh"), rows[:, 5:], how, objectness)


def grid(size: Size, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row of every cell (A, 2), and its stride (A, 1)."""
    cells, lengths = [], []
    for stride in strides:
        rows, columns = (-(-edge // stride) for edge in size)  # as strided convolutions round
        y, x = np.divmod(np.arange(rows * columns), columns)
        cells.append(np.stack([x, y], axis=1).astype(np.float64))
        lengths.append(np.full((len(x), 1), float(stride)))
    return np.concatenate(cells), np.concatenate(lengths)


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


FAMILY = Family(roles, decode)
