"""Greedy non-maximum suppression in float64, which also says what removed what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import iou
from parity.decode.candidates import Floats, Ints


@dataclass(frozen=True, eq=False)
class Kept:
    """Rows of the input that were kept, in descending score, and rows that were removed.

    ``suppressor``: for every removed row, the position in ``kept`` of what removed it. ``overlap``:
    their IoU; NaN where ``max_detections`` removed the row (its suppressor is the last one kept).
    """

    kept: Ints
    removed: Ints
    suppressor: Ints
    overlap: Floats


def suppress(
    boxes: Floats,
    scores: Floats,
    classes: Ints,
    iou_limit: float,
    mode: str,
    max_detections: int | None,
) -> Kept:
    """Keep the best proposal, remove what overlaps it by more than ``iou_limit``, and go on.

    More than, not from: IoU equal to the limit stays, as with OpenCV, TensorFlow and torchvision.
    ``mode``: "class" lets only a box of the same class remove another, "agnostic" any; with "none"
    only ``max_detections`` removes (None: nothing). Equal scores go by class, then coordinates,
    then row, so that the result depends on the proposals and not on their order.
    """
    if mode not in ("class", "agnostic", "none"):
        raise ValueError(f"expected nms of class, agnostic or none, found {mode!r}")
    order = _order(boxes, scores, classes)
    most = len(order) if max_detections is None else max_detections
    if mode == "none":
        kept, by, overlap = _no_suppression(len(order), most)
    else:
        groups = classes[order] if mode == "class" else np.zeros(len(order), dtype=np.int64)
        kept, by, overlap = _greedy(boxes[order], groups, iou_limit, most)
    gone = np.setdiff1d(np.arange(len(order)), kept, assume_unique=True)
    return Kept(order[kept], order[gone], by[gone], overlap[gone])


_FEW = 256  # proposals whose IoU with each other is computed in one go


def _order(boxes: Floats, scores: Floats, classes: Ints) -> Ints:
    order: NDArray[Any] = np.lexsort(
        (*boxes.T[::-1], classes, -scores)
    )  # the last key is the first
    return order.astype(np.int64)


def _no_suppression(count: int, limit: int) -> tuple[Ints, Ints, Floats]:
    kept = np.arange(min(count, limit))
    return kept, np.full(count, len(kept) - 1), np.full(count, np.nan)


def _greedy(boxes: Floats, groups: Ints, limit: float, most: int) -> tuple[Ints, Ints, Floats]:
    """Over proposals in descending order: kept positions; for every position, by what, and IoU.

    A proposal can only be removed by a better one of its group, so each kept one is compared with
    what comes after it in its group, at most ``max_detections`` times in all.
    """
    count = len(boxes)
    if count <= _FEW:
        return _greedy_at_once(boxes, groups, limit, most)
    members = {int(group): np.flatnonzero(groups == group) for group in np.unique(groups)}
    # Column by column in memory: the loop only reads slices of columns.
    columns = {group: np.asfortranarray(boxes[rows]) for group, rows in members.items()}
    passed = dict.fromkeys(members, 0)
    by, overlap = np.full(count, -1), np.full(count, np.nan)
    kept: list[int] = []
    for position, group in enumerate(groups.tolist()):
        if len(kept) == most:
            break
        passed[group] += 1
        if by[position] >= 0:
            continue
        rest, after = members[group][passed[group] :], columns[group][passed[group] :]
        shared = iou(boxes[position : position + 1], after)[0]
        hit = np.flatnonzero(shared > limit)
        hit = hit[by[rest[hit]] < 0]
        by[rest[hit]], overlap[rest[hit]] = len(kept), shared[hit]
        kept.append(position)
    by[by < 0] = len(kept) - 1  # what is left over goes to max_detections
    return np.array(kept, dtype=np.int64), by, overlap


def _greedy_at_once(
    boxes: Floats, groups: Ints, limit: float, most: int
) -> tuple[Ints, Ints, Floats]:
    """``_greedy`` with every IoU known beforehand: faster for few proposals."""
    count = len(boxes)
    shared = iou(boxes, boxes)
    removes = (shared > limit) & (groups[:, None] == groups)
    by, overlap = np.full(count, -1), np.full(count, np.nan)
    open_ = np.ones(count, dtype=np.bool_)
    kept: list[int] = []
    for position in range(count):
        if not open_[position] or len(kept) == most:
            continue
        open_[position] = False
        hit = removes[position] & open_
        by[hit], overlap[hit] = len(kept), shared[position, hit]
        open_ &= ~hit
        kept.append(position)
    by[open_] = len(kept) - 1  # what is left over goes to max_detections
    return np.array(kept, dtype=np.int64), by, overlap
