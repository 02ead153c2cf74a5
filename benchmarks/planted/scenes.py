"""Made-up heads: crowded objects with several anchors each, and a healthy twin of them.

``Heads`` are what any detector's look like once decoded: a box and a score per class for each row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Placement
from parity.choosing import BEST_CLASS, EVERY
from parity.detections import Detections, ProposalSet, Side, Suppression
from parity.suite.tolerance import Tolerance

Floats = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Heads:
    """One image: ``boxes`` (A, 4) xyxy in pixels of the input, ``scores`` (A, classes).

    ``image`` and ``size``: (height, width) of the original and of the input. ``owner`` (A,): rows
    of one number are neighbours, which in life share a part of their error.
    """

    boxes: Floats
    scores: Floats
    placement: Placement
    image: tuple[int, int]
    size: tuple[int, int]
    owner: NDArray[np.int64]

    def copy(self) -> Heads:
        """The same with arrays of its own."""
        return replace(self, boxes=self.boxes.copy(), scores=self.scores.copy())

    def placed(self, placement: Placement) -> Heads:
        """The same objects where the image stands elsewhere in the input."""
        boxes = placement.to_network(self.placement.to_original(self.boxes))
        return replace(self, boxes=boxes, placement=placement)


@dataclass(frozen=True)
class Settings:
    """How a side chooses among what it finds."""

    threshold: float
    suppression: Suppression


def side_of(heads: Heads, settings: Settings, floor: float) -> Side:
    """One image as parity sees it, down to a score."""
    rows, classes = np.divmod(np.flatnonzero(heads.scores >= floor), heads.scores.shape[1])
    boxes = heads.boxes[rows]
    found = Detections(heads.placement.to_original(boxes), heads.scores[rows, classes], classes)
    shown = ProposalSet(found, boxes, rows, len(heads.scores), heads.placement)
    return Side.of(shown, settings.threshold, floor, settings.suppression)


@dataclass(frozen=True)
class Kind:
    """What the images of one suite have in common.

    ``shares`` (classes,): how frequent each class is. ``objects``: per image, a mean. ``anchors``:
    neighbouring rows that see one object, a mean.
    """

    size: tuple[int, int]
    resize: str
    shares: tuple[float, ...]
    objects: float
    anchors: float
    crowded: float
    background: int
    settings: Settings


INPUTS = ((240, 320), (320, 320), (416, 416), (640, 640), (800, 1280))
NEAR = 0.06  # of the threshold: a fifth of the objects score so near to it


def kind(rng: Rng) -> Kind:
    """A detector and its images, drawn."""
    mode = str(rng.choice(["class", "class", "class", "agnostic", "none"]))
    most = (None, 300, 100, 20)[int(rng.choice(4, p=[0.2, 0.3, 0.4, 0.1]))]
    count = int(rng.integers(1, 13))
    shares = 1 / np.arange(1, count + 1) ** rng.uniform(0, 2)  # the last ones are rare
    return Kind(
        size=INPUTS[int(rng.integers(len(INPUTS)))],
        resize=str(rng.choice(["stretch", "letterbox"])),
        shares=tuple(shares / shares.sum()),
        objects=float(rng.choice([2, 5, 9, 14])),
        anchors=float(rng.choice([1, 1.3] if mode == "none" else [1, 3, 6])),
        crowded=float(rng.choice([0.1, 0.4, 0.7])),
        background=int(rng.integers(20, 80)),
        settings=Settings(
            float(rng.choice([0.25, 0.4, 0.5, 0.7])),
            Suppression(
                mode,
                float(rng.choice([0.3, 0.45, 0.5, 0.6, 0.7])),
                most,
                choice=str(rng.choice([EVERY, BEST_CLASS])),
            ),
        ),
    )


def scene(rng: Rng, of: Kind) -> Heads:
    """One image of a kind."""
    image = (int(rng.integers(320, 4097)), int(rng.integers(320, 4097)))
    placement = place(image, of.size, of.resize)
    boxes = _objects(rng, of, image, int(rng.poisson(of.objects)))
    labels = rng.choice(len(of.shares), size=len(boxes), p=of.shares)
    peaks = _peaks(rng, len(boxes), of.settings.threshold)
    owner = np.repeat(np.arange(len(boxes)), 1 + rng.poisson(of.anchors - 1, len(boxes)))
    return _heads(rng, of, image, placement, placement.to_network(boxes), labels, peaks, owner)


def place(image: tuple[int, int], size: tuple[int, int], resize: str) -> Placement:
    """Where an image stands in the input."""
    x, y = size[1] / image[1], size[0] / image[0]
    if resize == "stretch":
        return Placement(x, y)
    scale = min(x, y)
    rest_x, rest_y = size[1] - image[1] * scale, size[0] - image[0] * scale
    return Placement(scale, scale, rest_x / 2, rest_y / 2)


def _objects(rng: Rng, of: Kind, image: tuple[int, int], count: int) -> Floats:
    """Boxes in pixels of the image, from 12 of them to six tenths of it; some beside another.

    None is smaller than 4 pixels of the input, below which no detector sees.
    """
    height, width = image
    least = max(12, 4 * max(image) / min(of.size))
    sides = np.exp(rng.uniform(np.log(least), np.log(0.6 * min(image)), count))
    ratio = np.exp(rng.normal(0, 0.3, count))
    half = np.stack([sides * ratio, sides / ratio], axis=1) / 2
    centres = rng.uniform(0, 1, (count, 2)) * [width, height]
    for one in np.flatnonzero(rng.uniform(size=count) < of.crowded):
        if one:
            half[one] = half[one - 1] * rng.uniform(0.8, 1.25, 2)
            centres[one] = centres[one - 1] + half[one] * rng.uniform(-1.5, 1.5, 2)
    return np.concatenate([centres - half, centres + half], axis=1)


def _peaks(rng: Rng, count: int, threshold: float) -> Floats:
    """The best score of each object: sure, near the threshold, or anything."""
    sure = 1 - rng.beta(1, 12, count) * (1 - threshold)
    near = threshold + rng.uniform(-NEAR, NEAR, count)
    return np.choose(
        rng.choice(3, count, p=[0.6, 0.2, 0.2]), [sure, near, rng.uniform(0.1, 1.0, count)]
    )


def _heads(
    rng: Rng,
    of: Kind,
    image: tuple[int, int],
    placement: Placement,
    boxes: Floats,
    labels: Any,
    peaks: Floats,
    owner: Any,
) -> Heads:
    """Rows around each object, the first of them the best; rows of nothing; other classes."""
    classes, total = len(of.shares), len(owner) + of.background
    sides = np.tile(boxes[owner, 2:] - boxes[owner, :2], 2)
    first = np.r_[True, owner[1:] != owner[:-1]] if len(owner) else np.zeros(0, dtype=bool)
    jitter = np.where(first[:, None], 0.0, rng.normal(0, 0.05, (len(owner), 4)))
    # Neighbours score a little or much less: where it is a little, noise makes another one win.
    drop = np.where(first, 0.0, np.exp(rng.uniform(np.log(1e-5), np.log(0.5), len(owner))))
    scores = rng.beta(1, 30, (total, classes)) * of.settings.threshold
    scores[np.arange(len(owner)), labels[owner]] = peaks[owner] * (1 - drop)
    if classes > 1 and len(owner):  # an object that looks like two classes
        double = np.flatnonzero(rng.uniform(size=len(owner)) < 0.05)
        other = (labels[owner[double]] + 1) % classes
        alike = 1 - np.exp(rng.uniform(np.log(1e-5), np.log(0.3), len(double)))
        scores[double, other] = peaks[owner[double]] * alike
    corner = rng.uniform(0, 0.9, (of.background, 2)) * of.size[::-1]
    extent = np.exp(rng.uniform(np.log(8), np.log(min(of.size)), (of.background, 2)))
    nothing = np.concatenate([corner, corner + extent], axis=1)
    rows = np.concatenate([boxes[owner] + jitter * sides, nothing])
    owners = np.r_[owner, len(boxes) + np.arange(of.background)].astype(np.int64)
    order = rng.permutation(total)
    return Heads(
        rows[order], np.clip(scores, 0, 1)[order], placement, image, of.size, owners[order]
    )


def healthy(rng: Rng, heads: Heads, tolerance: Tolerance, level: float) -> Heads:
    """The same image from a sound export: noise about zero, inside every limit of the tolerance.

    ``level``: how much of the limits a strict tolerance's noise takes, 0 to 1. A budget's noise is
    that of real int8 exports: in logits, with |score difference| of .04 at the 95th percentile for
    the least sure, and boxes .3 to .8 pixels off.
    """
    sides = np.tile(heads.boxes[:, 2:] - heads.boxes[:, :2], 2)
    if tolerance.strict:
        spread = rng.uniform(-1, 1, heads.scores.shape) * tolerance.max_score_diff * level
        scores = heads.scores + spread
        room = np.maximum(tolerance.max_corner_px, sides * (1 - tolerance.min_box_iou) / 4.4)
        shift = rng.uniform(-1, 1, heads.boxes.shape) * room * level
    else:
        inner = np.clip(heads.scores, 1e-6, 1 - 1e-6)
        noise = 0.082 * _shared(rng, heads.owner, heads.scores.shape)
        logits = np.log(inner / (1 - inner)) + noise
        scores = 1 / (1 + np.exp(-logits))
        shift = (0.3 + 0.5 * level) * _shared(rng, heads.owner, heads.boxes.shape)
    most = 0.98 * tolerance.max_score_diff
    scores = np.clip(heads.scores + np.clip(scores - heads.scores, -most, most), 0, 1)
    return replace(heads, boxes=_within(heads.boxes, shift, tolerance), scores=scores)


def _shared(rng: Rng, owner: Any, shape: tuple[int, ...]) -> Floats:
    """Normal noise, of which neighbours share half the variance."""
    common = rng.normal(size=(int(owner.max(initial=0)) + 1, shape[1]))[owner]
    return (common + rng.normal(size=shape)) / np.sqrt(2)


def _within(boxes: Floats, shift: Floats, tolerance: Tolerance) -> Floats:
    """The boxes moved, each by less where it would leave the limits (with a margin)."""
    for _ in range(5):
        moved = boxes + shift
        corner = np.abs(shift).max(axis=1, initial=0) <= 0.98 * tolerance.max_corner_px
        margin = 0.02 * (1 - tolerance.min_box_iou)
        off = ~(corner | (overlap_of_rows(boxes, moved) >= tolerance.min_box_iou + margin))
        off |= (moved[:, :2] > moved[:, 2:]).any(axis=1)
        if not off.any():
            return moved
        shift = np.where(off[:, None], 0.6 * shift, shift)
    return np.where(off[:, None], boxes, boxes + shift)


def overlap_of_rows(a: Floats, b: Floats) -> Floats:
    """IoU of each box (N, 4) with the other one in its row."""
    common = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.maximum(common, 0).prod(axis=1)
    union = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared
    return np.divide(shared, union, out=np.zeros(len(a)), where=union > 0)
