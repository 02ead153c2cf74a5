"""Decoding, non-maximum suppression and average precision in NumPy, for the training scripts.

Kept apart from `parity` on purpose: a second opinion written without looking at it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scenes import iou

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Detections:
    """What a detector found in one picture, best first."""

    boxes: F64  # (N, 4) x0, y0, x1, y1
    scores: F64  # (N,)
    classes: I64  # (N,)


def decode_ssd(offsets: F64, priors: F64, size: tuple[int, int]) -> F64:
    """SSD offsets and priors (A, 4) to x0, y0, x1, y1 in pixels of `size` (height, width)."""
    centre = priors[:, :2] + offsets[:, :2] * 0.1 * priors[:, 2:]
    extent = priors[:, 2:] * np.exp(offsets[:, 2:] * 0.2)
    corners = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)
    h, w = size
    return np.asarray(corners * (w, h, w, h))


def corners(boxes: F64) -> F64:
    """(N, 4) cx, cy, w, h to x0, y0, x1, y1."""
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def suppress(boxes: F64, scores: F64, threshold: float, overlap: float) -> Detections:
    """Class-wise NMS on boxes (A, 4) and scores (A, C) without background; at most 100 kept."""
    where, classes = np.nonzero(scores > threshold)
    values = scores[where, classes]
    order = np.argsort(-values, kind="stable")[:1000]
    where, classes, values = where[order], classes[order], values[order]
    candidates = boxes[where]
    # Classes moved far apart so that one pass suppresses only within a class.
    moved = candidates + (classes * 1e4)[:, None]
    alive = np.ones(len(values), bool)
    kept: list[int] = []
    for i in range(len(values)):
        if not alive[i]:
            continue
        kept.append(i)
        if len(kept) == 100:
            break
        alive &= iou(moved[i], moved) <= overlap
    return Detections(candidates[kept], values[kept], classes[kept].astype(np.int64))


def average_precision(
    found: list[Detections], boxes: list[F64], classes: list[I64], count: int
) -> F64:
    """AP at IoU 0.5 per class (C,), all-point interpolation."""
    result = np.zeros(count)
    for c in range(count):
        total = sum(int((k == c).sum()) for k in classes)
        hits: list[tuple[float, bool]] = []
        for d, b, k in zip(found, boxes, classes, strict=True):
            truth = b[k == c]
            free = np.ones(len(truth), bool)
            for box, score in zip(d.boxes[d.classes == c], d.scores[d.classes == c], strict=True):
                overlaps = np.where(free, iou(box, truth), 0.0) if len(truth) else np.zeros(0)
                good = bool(len(overlaps) and overlaps.max() >= 0.5)
                if good:
                    free[overlaps.argmax()] = False
                hits.append((float(score), good))
        hits.sort(key=lambda x: -x[0])
        true = np.cumsum([g for _, g in hits]) if hits else np.zeros(1)
        recall = true / max(total, 1)
        precision = np.maximum.accumulate((true / np.arange(1, len(true) + 1))[::-1])[::-1]
        result[c] = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return result
