"""Ties of NMS where one side suppresses inside the network, and what it removed is unknown.

Nothing is excused on the word of a side that shows nothing: a leftover is excused by what the
other side removed, and by what the hidden side kept.

A detection that only the hidden side kept is explained as ever: the other side found its twin too
and removed it on a tie (see ``excuses``). That the winner swapped shows in what is kept: the twin's
suppressor is not there, and this detection overlaps it by more than the limit, so that no NMS could
have kept both, and scores at most ``max_score_diff`` below it: else the suppressor, whose score
there is unknown, would have to be further off than its limit to lose.

A detection that only the other side kept is explained where the hidden side kept a box that
overlaps it by more than the limit, with a score at most ``max_score_diff`` below its own, and

* the twin of that box is what this detection itself removed: the winner swapped; or
* the twin of that box, of this detection's class, is kept here too and overlaps it by no more than
  the limit. 1 - IoU is a metric, so both overlaps are no further from the limit than the box and
  its twin are apart; or
* ``max_detections`` was reached here, the hidden side keeps as many, and this detection's score is
  within ``max_score_diff`` of the last one there.

Where a tie follows from another tie, only the first is told: the links between are not seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.agreement.pairing import Scale, closeness
from parity.boxes import iou
from parity.detections import Side
from parity.suite.tolerance import Tolerance

ROUNDING = 1e-9  # of IoU, between pixels of the image and of the network's input


def swapped(
    shown: Side, suppressor: int, hidden: Side, row: int, limit: float, margin: float
) -> bool:
    """Whether this row of the hidden side can have removed there what removed its twin here."""
    overlap = iou(hidden.seen.boxes[[row]], shown.seen.boxes[[suppressor]])[0, 0]
    ahead = shown.seen.scores[suppressor] - hidden.seen.scores[row]
    return bool(overlap > limit and ahead <= margin)


def beaten(
    shown: Side,
    row: int,
    hidden: Side,
    within: NDArray[np.bool_],
    limit: float,
    tolerance: Tolerance,
    scale: Scale,
) -> bool:
    """Whether what the hidden side kept explains that it removed this row of the other side.

    ``within`` (shown, hidden): which kept detections are the same in every limit.
    """
    score, margin = shown.seen.scores[row], tolerance.max_score_diff
    overlaps = iou(shown.seen.boxes[[row]], hidden.seen.boxes)[0]
    rivals = np.flatnonzero((overlaps > limit) & (hidden.seen.scores >= score - margin))
    for rival in rivals.tolist():
        twins = np.flatnonzero(within[:, rival])
        twins = twins[(twins != row) & (shown.seen.classes[twins] == shown.seen.classes[row])]
        apart = iou(shown.seen.boxes[[row]], shown.seen.boxes[twins])
        if twins.size and bool((apart <= limit + ROUNDING).any()):
            return True
        gone = shown.removed.detections.take(shown.removed.suppressor == row)
        if closeness(hidden.seen.take([rival]), gone, tolerance, scale).within.any():
            return True
    full = bool(np.isnan(shown.removed.overlap).any())
    if not full or len(hidden.seen) != len(shown.seen):
        return False
    return bool(score - hidden.seen.scores.min() <= margin)
