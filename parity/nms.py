"""Greedy non-maximum suppression in float64, which also says what removed what.

Decoding suppresses with it, and agreement suppresses again what a side would have found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Floats, iou

Ints = NDArray[np.int64]


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
    is_gone = np.ones(len(order), dtype=np.bool_)
    is_gone[kept] = False
    gone = np.flatnonzero(is_gone)
    return Kept(order[kept], order[gone], by[gone], overlap[gone])


_FEW = 256  # proposals whose IoU with each other is computed in one go
_LARGE = 1e100  # areas of larger boxes may overflow


def _order(boxes: Floats, scores: Floats, classes: Ints) -> Ints:
    plain = np.argsort(-scores)  # where no two are equal, there is one order
    ordered = scores[plain]
    if (ordered[1:] != ordered[:-1]).all():
        return plain
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
    members = {group: _Group(rows, boxes[rows]) for group, rows in _by_group(groups)}
    passed = dict.fromkeys(members, 0)
    by, overlap = np.full(count, -1), np.full(count, np.nan)
    kept: list[int] = []
    for position in range(count):
        if len(kept) == most:
            break
        group = int(groups[position])
        passed[group] += 1
        if by[position] >= 0:
            continue
        rows, shared = members[group].removed_by(passed[group] - 1, limit)
        open_ = by[rows] < 0
        by[rows[open_]], overlap[rows[open_]] = len(kept), shared[open_]
        kept.append(position)
    by[by < 0] = len(kept) - 1  # what is left over goes to max_detections
    return np.array(kept, dtype=np.int64), by, overlap


def _by_group(groups: Ints) -> Iterator[tuple[int, Ints]]:
    """Each group with its rows in ascending order."""
    small = groups.min() >= 0 and groups.max() < 2**16
    keys = groups.astype(np.uint16) if small else groups  # these are sorted in linear time
    rows = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(groups[rows])) + 1
    for part in np.split(rows, starts):
        yield int(groups[part[0]]), part


class _Group:
    """The boxes of one group in descending order, ready for one against all that follow it.

    The arithmetic is that of ``boxes.iou``, step by step, so that a limit is met or not alike; the
    areas are taken once, and only boxes that touch are divided.
    """

    def __init__(self, rows: Ints, boxes: Floats) -> None:
        self._rows = rows
        self._boxes = boxes
        self._columns = np.ascontiguousarray(boxes.T)
        x1, y1, x2, y2 = self._columns
        with np.errstate(over="ignore"):
            self._areas = np.maximum(x2 - x1, 0.0) * np.maximum(y2 - y1, 0.0)
            # Without area, or near the largest float, ``iou`` has its own ways.
            self._plain = bool((self._areas > 0).all() and np.abs(boxes).max() < _LARGE)

    def removed_by(self, place: int, limit: float) -> tuple[Ints, Floats]:
        """Rows after ``place`` that overlap it by more than the limit, and by how much."""
        if not self._plain:
            every = iou(self._boxes[place : place + 1], self._boxes[place + 1 :])[0]
            hit = np.flatnonzero(every > limit)
            return self._rows[place + 1 + hit], every[hit]
        x1, y1, x2, y2 = self._columns[:, place]
        left, top, right, bottom = self._columns[:, place + 1 :]
        width = np.minimum(right, x2)
        width -= np.maximum(left, x1)
        height = np.minimum(bottom, y2)
        height -= np.maximum(top, y1)
        near = np.flatnonzero((width > 0) & (height > 0))
        common = width[near] * height[near]
        after = place + 1 + near
        shared = np.minimum(common / (self._areas[place] + self._areas[after] - common), 1.0)
        hit = np.flatnonzero(shared > limit)
        return self._rows[after[hit]], shared[hit]


def _greedy_at_once(
    boxes: Floats, groups: Ints, limit: float, most: int
) -> tuple[Ints, Ints, Floats]:
    """``_greedy`` with every IoU known beforehand: faster for few proposals."""
    count = len(boxes)
    shared = iou(boxes, boxes)
    better, worse = np.nonzero(np.triu((shared > limit) & (groups[:, None] == groups), 1))
    starts = np.searchsorted(better, np.arange(count + 1)).tolist()
    rivals, shares = worse.tolist(), shared[better, worse].tolist()
    by, overlap = [-1] * count, [float("nan")] * count
    kept: list[int] = []
    for position in range(count):
        if by[position] >= 0:
            continue
        if len(kept) == most:
            break
        for at in range(starts[position], starts[position + 1]):
            rival = rivals[at]
            if by[rival] < 0:
                by[rival], overlap[rival] = len(kept), shares[at]
        kept.append(position)
    last = len(kept) - 1  # what is left over goes to max_detections
    removed_by = np.array([last if one < 0 else one for one in by], dtype=np.int64)
    return np.array(kept, dtype=np.int64), removed_by, np.array(overlap)
