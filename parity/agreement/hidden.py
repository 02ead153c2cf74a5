"""Likely ties of NMS where one side suppresses inside the network, and what it removed is unknown.

Where both sides show their proposals a tie is proven, see ``ties``. Here it can only be likely,
and a budget (``max_excused``) must cover it. Nothing is excused on the word of a side that shows
nothing: a leftover is excused by what the other side removed, and by what the hidden side kept.

A detection that only the hidden side kept is explained where the shown side found its twin too,
within every limit, and removed it on a tie:

* the twin's suppressor is kept on both sides, and the overlap lies above the NMS limit here and not
  there. 1 - IoU is a metric (Lipkus, "A proof of the triangle inequality for the Tanimoto
  distance", 1999), so this overlap is no further from the limit than the two boxes moved; or
* the winner swapped: the suppressor is not kept there, and this detection overlaps it by more than
  the limit, so that no NMS could have kept both, and scores at most ``max_score_diff`` below it:
  else the suppressor, whose score there is unknown, would have to be further off than its limit to
  lose; or
* ``max_detections`` removed it, from a score no more than ``max_score_diff`` below the last one
  kept, and not fewer are kept there than here.

A detection that only the shown side kept is explained where the hidden side kept a box that
overlaps it by more than the limit, with a score at most ``max_score_diff`` below its own, and

* the twin of that box is what this detection itself removed: the winner swapped; or
* the twin of that box, of this detection's class, is kept here too and overlaps it by no more than
  the limit; or
* ``max_detections`` was reached here, the hidden side keeps as many, and this detection's score is
  within ``max_score_diff`` of the last one there.

Where a tie follows from another tie, only the first is told: the links between are not seen. One
removed box explains one leftover, not two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.agreement.pairing import Bools, Scale, closeness
from parity.boxes import iou
from parity.detections import Removed, Side
from parity.nms import Ints
from parity.suite.tolerance import Tolerance

ROUNDING = 1e-9  # of IoU, between pixels of the image and of the network's input


@dataclass(frozen=True, eq=False)
class Excuses:
    """Which leftovers of one image are likely ties, where one side alone shows its proposals.

    ``within`` (shown, hidden): which kept detections are the same in every limit.
    """

    shown: Side
    hidden: Side
    within: Bools
    tolerance: Tolerance
    scale: Scale

    @cached_property
    def _removed(self) -> Removed:
        return self.shown.removed

    @property
    def _limit(self) -> float:
        """The overlap above which the shown side removes; nothing overlaps by more than 1."""
        suppression = self.shown.suppression
        return 1.0 if suppression.mode == "none" else suppression.iou

    def of_hidden(self, leftovers: Sequence[int]) -> set[int]:
        """Those of the hidden side that are excused; what comes first is served first."""
        choices = {
            row: [twin for twin in self._twins(row) if self._removed_on_a_tie(row, twin)]
            for row in leftovers
        }
        taken: dict[int, int] = {}
        return {row for row in leftovers if _serve(row, choices, taken, set())}

    def of_shown(self, leftovers: Sequence[int]) -> set[int]:
        """Those of the shown side that are excused."""
        return {row for row in leftovers if self._beaten(row)}

    def _twins(self, row: int) -> list[int]:
        """What the shown side removed that is this detection within every limit."""
        gone = self._removed.detections
        close = closeness(self.hidden.seen.take([row]), gone, self.tolerance, self.scale)
        twins: list[int] = np.flatnonzero(close.within[0]).tolist()
        return twins

    def _removed_on_a_tie(self, row: int, twin: int) -> bool:
        shown, hidden, margin = self.shown.seen, self.hidden.seen, self.tolerance.max_score_diff
        suppressor = int(self._removed.suppressor[twin])
        if np.isnan(self._removed.overlap[twin]):  # max_detections
            lead = shown.scores[suppressor] - self._removed.detections.scores[twin]
            return bool(lead <= margin) and len(hidden) <= len(shown)
        counterparts = np.flatnonzero(self.within[suppressor])
        counterparts = counterparts[counterparts != row]
        if counterparts.size:
            apart = iou(hidden.boxes[[row]], hidden.boxes[counterparts])
            return bool((apart <= self._limit + ROUNDING).all())
        overlap = iou(hidden.boxes[[row]], shown.boxes[[suppressor]])[0, 0]
        ahead = shown.scores[suppressor] - hidden.scores[row]
        return bool(overlap > self._limit and ahead <= margin)

    def _beaten(self, row: int) -> bool:
        """Whether what the hidden side kept explains that it removed this row of the shown side."""
        shown, hidden, margin = self.shown.seen, self.hidden.seen, self.tolerance.max_score_diff
        score = shown.scores[row]
        overlaps = iou(shown.boxes[[row]], hidden.boxes)[0]
        rivals = np.flatnonzero((overlaps > self._limit) & (hidden.scores >= score - margin))
        if any(self._explains(row, rival) for rival in rivals.tolist()):
            return True
        full = bool(np.isnan(self._removed.overlap).any())
        if not full or len(hidden) != len(shown):
            return False
        return bool(score - hidden.scores.min() <= margin)

    def _explains(self, row: int, rival: int) -> bool:
        shown = self.shown.seen
        twins: Ints = np.flatnonzero(self.within[:, rival])
        twins = twins[(twins != row) & (shown.classes[twins] == shown.classes[row])]
        apart = iou(shown.boxes[[row]], shown.boxes[twins])
        if twins.size and bool((apart <= self._limit + ROUNDING).any()):
            return True
        gone = self._removed.detections.take(self._removed.suppressor == row)
        rivals = self.hidden.seen.take([rival])
        return bool(closeness(rivals, gone, self.tolerance, self.scale).within.any())


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
