"""Detections and proposals: what a detector found, as validated, frozen data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Floats, Placement, clipped
from parity.choosing import chosen
from parity.nms import Ints, Kept, suppress


def _frozen(values: Any, dtype: type, shape: tuple[int, ...]) -> NDArray[Any]:
    array: NDArray[Any] = np.array(values, dtype=dtype).reshape(shape)
    array.setflags(write=False)
    return array


def _need_whole(classes: NDArray[Any]) -> None:
    """Raise ``ValueError`` for a class that would become another as it becomes an integer."""
    if classes.dtype.kind not in "fc":
        return
    broken = np.flatnonzero(~(classes == np.round(classes)))  # NaN, too
    if broken.size:
        row = int(broken[0])
        raise ValueError(
            f"expected classes that are whole numbers, found {broken.size} that are not; the "
            f"first is row {row}: {classes[row]}"
        )


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found on one image.

    Boxes float64 (N, 4) xyxy in pixels of the original image, scores float64 (N,), classes int64
    (N,). Raises ``ValueError`` where a value is not finite, a box has x1 > x2 or y1 > y2, a class
    is no whole number, or lengths differ.
    """

    boxes: Floats
    scores: Floats
    classes: Ints

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name, length in (("boxes", len(self.boxes)), ("classes", len(self.classes))):
            if length != count:
                raise ValueError(f"expected {count} {name}, one per score, found {length}")
        _need_whole(np.asarray(self.classes))
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


def together(first: Detections, second: Detections) -> Detections:
    """Those of the one, then those of the other."""
    return Detections(
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.scores, second.scores]),
        np.concatenate([first.classes, second.classes]),
    )


@dataclass(frozen=True, eq=False)
class ProposalSet:
    """What a side finds before NMS, down to its floor, those that its choice passes over included.

    ``found``: as they would be deployed, in pixels of the original image. ``boxes`` (P, 4): xyxy in
    pixels of the network's input, as they were decoded. ``rows`` (P,): the row of the heads
    (anchor, cell, query) that each comes from, of ``row_count``. ``placement``: of the image in the
    input. ``width``: how many cells a line of the map has, where rows are its cells. Of a row
    whose classes score alike, and of such cells, the one that comes first is chosen.
    """

    found: Detections
    boxes: Floats
    rows: Ints
    row_count: int
    placement: Placement
    width: int = 0

    def take(self, rows: Any) -> ProposalSet:
        """The proposals named by an index array or a boolean mask."""
        return replace(
            self, found=self.found.take(rows), boxes=self.boxes[rows], rows=self.rows[rows]
        )

    def boxes_of(self, other: ProposalSet) -> Floats:
        """Another side's boxes, in pixels of this side's input."""
        if self.placement == other.placement:
            return other.boxes
        return self.placement.to_network(other.placement.to_original(other.boxes))


@dataclass(frozen=True)
class Suppression:
    """How a side suppresses: ``mode`` "class", "agnostic" or "none", above which IoU, and how many
    detections it keeps at most (None: all). ``edges``: (height, width) of the original image where
    boxes are cut there before NMS, else None. ``choice``: of ``parity.choosing``, what of a row's
    classes or a map's cells NMS is given; None where that was chosen before they are shown."""

    mode: str
    iou: float
    most: int | None
    edges: tuple[int, int] | None = None
    choice: str | None = None

    @property
    def label(self) -> str:
        """The settings in words."""
        most = "" if self.most is None else f", at most {self.most}"
        cut = "" if self.edges is None else ", boxes cut at the image's edges before"
        return (
            f"none{most}" if self.mode == "none" else f"{self.mode} at IoU {self.iou:g}{cut}{most}"
        )

    @property
    def rule(self) -> tuple[str, float | None, int | None, tuple[int, int] | None]:
        """What decides: without NMS neither its limit nor where boxes are cut means anything."""
        if self.mode == "none":
            return self.mode, None, self.most, None
        return self.mode, self.iou, self.most, self.edges

    def keeps(self, proposals: ProposalSet) -> Kept:
        """What the choice, then NMS in pixels of the network's input, makes of proposals."""
        if self.choice is not None:
            found = proposals.found
            rows = chosen(self.choice, found.scores, found.classes, proposals.rows, proposals.width)
            if len(rows) < len(found):
                result = replace(self, choice=None).keeps(proposals.take(rows))
                kept, removed = rows[result.kept], rows[result.removed]
                return replace(result, kept=kept, removed=removed)
        boxes, found, placement = proposals.boxes, proposals.found, proposals.placement
        if self.edges is not None:
            boxes = placement.to_network(clipped(placement.to_original(boxes), self.edges))
        return suppress(boxes, found.scores, found.classes, self.iou, self.mode, self.most)


@dataclass(frozen=True, eq=False)
class Removed:
    """Proposals that NMS or ``max_detections`` removed, and by which kept proposal.

    ``suppressor`` (M,) is a row of the kept detections of the same side. ``overlap`` (M,) is the
    IoU with it, NaN where ``max_detections`` removed the row (its suppressor is the last one kept).
    """

    detections: Detections
    suppressor: Ints
    overlap: Floats


@dataclass(frozen=True, eq=False)
class Side:
    """One runtime's view of one image: what it finds down to its floor.

    ``threshold`` is the score from which a detection is deployed; ``floor`` the score down to which
    it is seen. ``proposals`` is None where nothing is known of them, as NMS is inside the network
    or a program has written its detections; else ``result`` is what ``suppression`` makes of them,
    and ``seen`` its kept proposals.
    """

    seen: Detections
    threshold: float
    floor: float
    suppression: Suppression
    proposals: ProposalSet | None = None
    result: Kept | None = None

    @classmethod
    def of(
        cls, proposals: ProposalSet, threshold: float, floor: float, suppression: Suppression
    ) -> Side:
        """What a side that shows its proposals keeps of them."""
        result = suppression.keeps(proposals)
        seen = proposals.found.take(result.kept)
        return cls(seen, threshold, floor, suppression, proposals, result)

    @property
    def deployed(self) -> NDArray[np.bool_]:
        """Which of the seen detections are deployed, (N,) bool."""
        return self.seen.scores >= self.threshold

    @property
    def deployed_proposals(self) -> NDArray[np.bool_]:
        """Which of the proposals are deployed, (P,) bool; they must be known."""
        assert self.proposals is not None
        assert self.result is not None
        found = np.zeros(len(self.proposals.rows), dtype=np.bool_)
        found[self.result.kept] = self.deployed
        return found

    @property
    def chosen_proposals(self) -> NDArray[np.bool_]:
        """Which of the proposals NMS was given, (P,) bool; they must be known."""
        assert self.proposals is not None
        assert self.result is not None
        found = np.zeros(len(self.proposals.rows), dtype=np.bool_)
        found[self.result.kept] = found[self.result.removed] = True
        return found

    @property
    def removed(self) -> Removed:
        """What suppression removed; nothing where proposals are not known."""
        if self.proposals is None or self.result is None:
            return Removed(Detections.empty(), np.zeros(0, dtype=np.int64), np.zeros(0))
        gone = self.proposals.found.take(self.result.removed)
        return Removed(gone, self.result.suppressor, self.result.overlap)

    def narrowed(self, floor: float) -> Side:
        """The same side seen only down to a higher floor.

        NMS goes from high scores to low, and only a higher score passes another over, so what is
        kept above a floor does not depend on what lies below it. What a kept one below the floor
        removed is no longer known of.
        """
        if floor <= self.floor:
            return self
        kept = self.seen.scores >= floor
        if self.proposals is None or self.result is None:
            return replace(self, seen=self.seen.take(kept), floor=floor)
        above = self.proposals.found.scores >= floor
        moved, position = np.cumsum(above) - 1, np.cumsum(kept) - 1
        result = self.result
        left = above[result.removed] & kept[result.suppressor]
        narrowed = Kept(
            moved[result.kept[kept]],
            moved[result.removed[left]],
            position[result.suppressor[left]],
            result.overlap[left],
        )
        proposals = self.proposals.take(above)
        return replace(
            self, seen=self.seen.take(kept), floor=floor, proposals=proposals, result=narrowed
        )
