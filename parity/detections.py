"""Detections and proposals: what a detector found, as validated, frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _frozen(values: Any, dtype: type, shape: tuple[int, ...]) -> NDArray[Any]:
    array: NDArray[Any] = np.array(values, dtype=dtype).reshape(shape)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found on one image.

    Boxes float64 (N, 4) xyxy in pixels of the original image, scores float64 (N,), classes int64
    (N,). Raises ``ValueError`` where a value is not finite, a box has x1 > x2 or y1 > y2, or
    lengths differ.
    """

    boxes: Floats
    scores: Floats
    classes: Ints

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name, length in (("boxes", len(self.boxes)), ("classes", len(self.classes))):
            if length != count:
                raise ValueError(f"expected {count} {name}, one per score, found {length}")
        object.__setattr__(self, "boxes", _frozen(self.boxes, np.float64, (count, 4)))
        object.__setattr__(self, "scores", _frozen(self.scores, np.float64, (count,)))
        object.__setattr__(self, "classes", _frozen(self.classes, np.int64, (count,)))
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            finite = np.isfinite(self.boxes).all(axis=1) & np.isfinite(self.scores)
            row = int(np.argmin(finite))
            box, score = self.boxes[row].tolist(), self.scores[row]
            raise ValueError(
                f"expected finite boxes and scores, found {int((~finite).sum())} rows that are "
                f"not; the first is row {row}: box {box}, score {score}"
            )
        if not (self.boxes[:, :2] <= self.boxes[:, 2:]).all():
            ordered = (self.boxes[:, :2] <= self.boxes[:, 2:]).all(axis=1)
            row = int(np.argmin(ordered))
            raise ValueError(
                f"expected x1 <= x2 and y1 <= y2, found {int((~ordered).sum())} boxes that are "
                f"not; the first is row {row}: {self.boxes[row].tolist()}"
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Detections:
        """No detection."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))

    def take(self, rows: Any) -> Detections:
        """The rows named by an index array or a boolean mask."""
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows])


@dataclass(frozen=True, eq=False)
class Removed:
    """Proposals that NMS or ``max_detections`` removed, and by which kept proposal.

    ``suppressor`` (M,) is a row of the kept detections of the same side. ``overlap`` (M,) is the
    IoU with it, NaN where ``max_detections`` removed the row (its suppressor is the last one kept).
    """

    detections: Detections
    suppressor: Ints
    overlap: Floats

    @classmethod
    def none(cls) -> Removed:
        """Nothing was removed, or nothing is known of it (NMS inside the model)."""
        return cls(Detections.empty(), np.zeros(0, dtype=np.int64), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Side:
    """One runtime's view of one image: what it found down to its floor, and what it removed.

    ``threshold`` is the score from which a detection is deployed; ``floor`` the score down to which
    it is seen. ``nms`` names the settings of NMS (``settings_label``): sides with other settings
    are never excused by a tie. ``hidden``: NMS is inside the network, what it removed is unknown.
    """

    seen: Detections
    threshold: float
    floor: float
    removed: Removed
    nms: str
    hidden: bool = False

    @property
    def deployed(self) -> NDArray[np.bool_]:
        """Which of the seen detections are deployed, (N,) bool."""
        return self.seen.scores >= self.threshold

    def narrowed(self, floor: float) -> Side:
        """The same side seen only down to a higher floor.

        NMS goes from high scores to low, so what is kept above a floor does not depend on what
        lies below it. What a kept one below the floor removed is no longer known of.
        """
        if floor <= self.floor:
            return self
        kept = self.seen.scores >= floor
        gone = (self.removed.detections.scores >= floor) & kept[self.removed.suppressor]
        position = np.cumsum(kept) - 1
        removed = Removed(
            self.removed.detections.take(gone),
            position[self.removed.suppressor[gone]],
            self.removed.overlap[gone],
        )
        return Side(self.seen.take(kept), self.threshold, floor, removed, self.nms, self.hidden)
