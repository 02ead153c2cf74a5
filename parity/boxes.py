"""Boxes as float64 (N, 4): overlap, corner distances, formats, placement in the input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Beyond this, widths are scaled down by a power of two (exact), so that no area overflows.
_LARGE = 2.0**500
_SHRINK = 2.0**-515

FORMATS = ("xyxy", "yxyx", "cxcywh")


def as_boxes(values: ArrayLike) -> Floats:
    """The values as float64 (N, 4); raises ``ValueError`` for any other shape."""
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0 and boxes.ndim < 2:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"expected boxes of shape (N, 4), found {boxes.shape}")
    return boxes


def iou(a: ArrayLike, b: ArrayLike) -> Floats:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4): (N, M).

    Identical boxes have IoU 1, also without area; two different boxes without area have IoU 0.
    A box with x1 > x2 or y1 > y2 has no area. The result is never NaN and never outside [0, 1].
    """
    first, second = _without_overflow(as_boxes(a), as_boxes(b))
    with np.errstate(invalid="ignore", over="ignore"):  # infinities: inf - inf
        shared = _common(first, second, 0)
        shared *= _common(first, second, 1)
        union = _area(first)[:, None] + _area(second) - shared
        solid = union > 0
        ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=solid)
    np.clip(ratio, 0.0, 1.0, out=ratio)
    if not (solid.all() and np.isfinite(ratio).all()):
        ratio[~np.isfinite(ratio)] = 0.0
        ratio[(as_boxes(a)[:, None, :] == as_boxes(b)).all(axis=2)] = 1.0
    return ratio


def iou_of_rows(a: ArrayLike, b: ArrayLike) -> Floats:
    """``iou`` of each box of ``a`` (N, 4) with the box of ``b`` (N, 4) in its row: (N,)."""
    first, second = _without_overflow(as_boxes(a), as_boxes(b))
    with np.errstate(invalid="ignore", over="ignore"):
        sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
        sides = np.maximum(sides, 0.0)
        shared = sides[:, 0] * sides[:, 1]
        union = _area(first) + _area(second) - shared
        ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    np.clip(ratio, 0.0, 1.0, out=ratio)
    ratio[~np.isfinite(ratio)] = 0.0
    ratio[(as_boxes(a) == as_boxes(b)).all(axis=1)] = 1.0
    return ratio


def _common(first: Floats, second: Floats, axis: int) -> Floats:
    """The length that every pair shares along x (0) or y (1)."""
    shared = np.minimum(first[:, axis + 2, None], second[:, axis + 2])
    shared -= np.maximum(first[:, axis, None], second[:, axis])
    common: Floats = np.maximum(shared, 0.0, out=shared)
    return common


def _area(boxes: Floats) -> Floats:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    area: Floats = sides[:, 0] * sides[:, 1]
    return area


def _without_overflow(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    extremes = [edge(one, initial=0.0) for one in (first, second) for edge in (np.max, np.min)]
    if max(map(abs, extremes)) <= _LARGE:
        return first, second
    return first * _SHRINK, second * _SHRINK


def corner_distance(a: ArrayLike, b: ArrayLike, scale: tuple[float, float]) -> Floats:
    """The largest of the four coordinates' distances after scaling by (sx, sy): (N, M).

    ``scale`` turns the boxes' pixels into those in which the distance is meant: with
    ``(placement.scale_x, placement.scale_y)`` it is in pixels of the network's input. Never NaN:
    where a coordinate is not a number, the distance is infinite.
    """
    first, second = as_boxes(a), as_boxes(b)
    distance = np.zeros((len(first), len(second)))
    for ours, theirs, unit in zip(first.T, second.T, (*scale, *scale), strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            gap = np.abs(ours[:, None] - theirs) * unit
        gap[ours[:, None] == theirs] = 0.0  # also for equal infinities
        np.maximum(distance, gap, out=distance)  # NaN stays
    distance[np.isnan(distance)] = np.inf
    return distance


def corner_distance_of_rows(a: ArrayLike, b: ArrayLike, scale: tuple[float, float]) -> Floats:
    """``corner_distance`` of each box of ``a`` (N, 4) and the box of ``b`` in its row: (N,)."""
    first, second = as_boxes(a), as_boxes(b)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.abs(first - second) * np.array([*scale, *scale])
    gaps[first == second] = 0.0
    distance: Floats = np.nan_to_num(gaps, nan=np.inf, posinf=np.inf).max(axis=1, initial=0.0)
    return distance


def _from_xyxy(boxes: Floats) -> Floats:
    return boxes.copy()


def _from_yxyx(boxes: Floats) -> Floats:
    return boxes[:, [1, 0, 3, 2]]


def _from_cxcywh(boxes: Floats) -> Floats:
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


_READERS: dict[str, Callable[[Floats], Floats]] = {
    "xyxy": _from_xyxy,
    "yxyx": _from_yxyx,
    "cxcywh": _from_cxcywh,
}


def to_xyxy(boxes: ArrayLike, box_format: str, size: tuple[int, int] | None = None) -> Floats:
    """Boxes written as ``box_format`` (see ``FORMATS``), as xyxy in pixels.

    ``size`` = (height, width): the boxes are relative to it. Without it they are in pixels already.
    """
    if box_format not in _READERS:
        raise ValueError(f"expected a box format of {', '.join(FORMATS)}, found {box_format!r}")
    xyxy = _READERS[box_format](as_boxes(boxes))
    if size is None:
        return xyxy
    height, width = size
    scaled: Floats = xyxy * np.array([width, height, width, height], dtype=np.float64)
    return scaled


def clipped(boxes: ArrayLike, size: tuple[int, int]) -> Floats:
    """Boxes xyxy cut at the edges of an image of (height, width): x to 0..width, y to 0..height."""
    height, width = size
    return np.clip(as_boxes(boxes), 0.0, np.array([width, height, width, height], dtype=np.float64))


@dataclass(frozen=True)
class Placement:
    """Where the original image stands in the network's input: network = original * scale + offset.

    Coordinates are continuous: an image of width W spans 0..W, pixel edges, not pixel centres.
    """

    scale_x: float = 1.0
    scale_y: float = 1.0
    offset_x: float = 0.0
    offset_y: float = 0.0

    def __post_init__(self) -> None:
        values = (self.scale_x, self.scale_y, self.offset_x, self.offset_y)
        if not all(np.isfinite(values)) or self.scale_x <= 0 or self.scale_y <= 0:
            raise ValueError(f"expected finite numbers and scales above 0, found {values}")

    @property
    def scale(self) -> tuple[float, float]:
        """(scale_x, scale_y), as ``corner_distance`` takes it."""
        return self.scale_x, self.scale_y

    def to_original(self, boxes: ArrayLike) -> Floats:
        """Boxes xyxy in pixels of the network's input, in pixels of the original image."""
        scale, offset = self._vectors()
        original: Floats = as_boxes(boxes) - offset
        original /= scale  # in place: there may be hundreds of thousands
        return original

    def to_network(self, boxes: ArrayLike) -> Floats:
        """Boxes xyxy in pixels of the original image, in pixels of the network's input."""
        scale, offset = self._vectors()
        network: Floats = as_boxes(boxes) * scale + offset
        return network

    def _vectors(self) -> tuple[Any, Any]:
        return (
            np.array([self.scale_x, self.scale_y] * 2, dtype=np.float64),
            np.array([self.offset_x, self.offset_y] * 2, dtype=np.float64),
        )
