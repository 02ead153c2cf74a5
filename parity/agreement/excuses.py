"""When a leftover is explained by a tie of NMS or of ``max_detections`` on the other side.

A leftover is excused only if the other side found the same box too (its twin, within every limit)
and removed it on a tie:

* its suppressor is kept on both sides, and the overlap lies above the NMS limit there and not here.
  1 - IoU is a metric (Lipkus, "A proof of the triangle inequality for the Tanimoto distance",
  1999), so this overlap is no further from the limit than the two boxes themselves moved; or
* the winner swapped: here the leftover removed the suppressor's twin. As all scores are within
  their limit, the winner leads by no more than ``max_score_diff`` on at least one side; or
* ``max_detections`` removed it, from a score no more than ``max_score_diff`` below the last one
  kept, and not fewer are kept there than here; or
* the suppressor is itself there only through such a tie.

Sides that declare other settings of NMS are never excused: that is a disagreement of settings.
Where one of them suppresses inside the network, its settings are unknown: see ``hidden``. And one
removed box explains one leftover, not two.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from parity.agreement.hidden import ROUNDING, beaten, swapped
from parity.agreement.pairing import Closeness, Scale, closeness
from parity.boxes import iou
from parity.detections import Side
from parity.suite.tolerance import Tolerance

_OTHER = {"reference": "candidate", "candidate": "reference"}


class Excuses:
    """Answers, for both sides of one image, which kept detections the other removed on a tie."""

    def __init__(
        self,
        reference: Side,
        candidate: Side,
        kept: Closeness,
        nms_iou: float,
        tolerance: Tolerance,
        scale: Scale,
    ) -> None:
        self._sides = {"reference": reference, "candidate": candidate}
        self._nms_iou = nms_iou
        self._tolerance = tolerance
        self._scale = scale
        self._kept = {"reference": kept.within, "candidate": kept.within.T}
        self._cached: dict[tuple[str, int], list[int]] = {}

    def among(self, side: str, leftovers: Sequence[int]) -> set[int]:
        """The leftovers of one side that are excused; those that come first are served first."""
        here, there = self._sides[side], self._sides[_OTHER[side]]
        if here.hidden == there.hidden and here.nms != there.nms:
            return set()
        if there.hidden and not here.hidden:
            within, limit = self._kept[side], self._nms_iou
            return {
                row
                for row in leftovers
                if beaten(here, row, there, within, limit, self._tolerance, self._scale)
            }
        choices = {
            row: [twin for twin in self._twins(side, row) if self._explained(side, row, twin)]
            for row in leftovers
        }
        taken: dict[int, int] = {}
        return {row for row in leftovers if _serve(row, choices, taken, set())}

    def _twins(self, side: str, row: int) -> list[int]:
        """What the other side removed that is this detection within every limit."""
        if (side, row) not in self._cached:
            here, there = self._sides[side].seen, self._sides[_OTHER[side]].removed.detections
            close = closeness(here.take([row]), there, self._tolerance, self._scale)
            self._cached[side, row] = np.flatnonzero(close.within[0]).tolist()
        return self._cached[side, row]

    def _explained(self, side: str, row: int, twin: int) -> bool:
        """Whether a tie removed this twin, or removed what would have removed its suppressor."""
        passed = {(side, row)}  # a circle of suppressors explains nothing
        waiting = [(side, row, twin)]
        while waiting:
            at, row, twin = waiting.pop()
            tie = self._tie(at, row, twin)
            if tie:
                return True
            other = _OTHER[at]
            cause = int(self._sides[other].removed.suppressor[twin])
            if tie is None and (other, cause) not in passed:
                passed.add((other, cause))
                waiting += [(other, cause, one) for one in self._twins(other, cause)]
        return False

    def _tie(self, side: str, row: int, twin: int) -> bool | None:
        """Whether the other side removed this twin on a tie; None: if its suppressor is excused."""
        here, there = self._sides[side], self._sides[_OTHER[side]]
        suppressor = int(there.removed.suppressor[twin])
        overlap = float(there.removed.overlap[twin])
        if np.isnan(overlap):  # max_detections, which is another one where more are kept here
            lead = there.seen.scores[suppressor] - there.removed.detections.scores[twin]
            near = bool(lead <= self._tolerance.max_score_diff)
            return (near or None) if len(here.seen) <= len(there.seen) else False
        if overlap <= self._nms_iou - ROUNDING:
            return False
        counterparts = np.flatnonzero(self._kept[_OTHER[side]][suppressor])
        counterparts = counterparts[counterparts != row]
        if counterparts.size:
            apart = iou(here.seen.boxes[[row]], here.seen.boxes[counterparts])
            return bool((apart <= self._nms_iou + ROUNDING).all())
        if here.hidden:
            margin = self._tolerance.max_score_diff
            return swapped(there, suppressor, here, row, self._nms_iou, margin)
        removed_by = here.removed.suppressor[self._twins(_OTHER[side], suppressor)]
        return bool((removed_by == row).any()) or None


def _serve(row: int, choices: dict[int, list[int]], taken: dict[int, int], asked: set[int]) -> bool:
    """Find a twin for the row, where others move on if they can (augmenting paths, Kuhn 1955)."""
    for twin in choices[row]:
        if twin in asked:
            continue
        asked.add(twin)
        if twin not in taken or _serve(taken[twin], choices, taken, asked):
            taken[twin] = row
            return True
    return False
