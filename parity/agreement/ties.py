"""Ties: NMS, top-k and thresholds choose otherwise among proposals that agree within every limit.

Noise that is within every limit is amplified by a greedy choice, so such a row proves nothing
against the candidate. It is shown to be a tie, not excused: the candidate's own NMS, top-k and
threshold run once more, on the candidate's proposals of which each that has a *twin* takes the
twin's box and score. What the reference deploys then, and the candidate alone did not, hung on
noise alone. A proposal that is lost, moved or rescored beyond a limit has no twin, and what
becomes of it stays a fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.agreement.pairing import (
    Bools,
    Closeness,
    Scale,
    assigned,
    closeness,
    closeness_of_rows,
)
from parity.boxes import Floats
from parity.detections import ProposalSet, Side
from parity.nms import Ints
from parity.suite.tolerance import Tolerance

NONE = -1


@dataclass(frozen=True, eq=False)
class Exchange:
    """The proposals of both sides of one image beside each other.

    Both sides must show their proposals. Positions are those of ``ProposalSet``.
    """

    reference: Side
    candidate: Side
    tolerance: Tolerance
    scale: Scale

    @cached_property
    def twin_of_reference(self) -> Ints:
        """For each proposal of the reference its twin among the candidate's, or ``NONE``."""
        ours, theirs = self._proposals
        return _twins(ours, theirs, self.reference, self.candidate, self.tolerance, self.scale)

    @cached_property
    def twin_of_candidate(self) -> Ints:
        """The inverse of ``twin_of_reference``."""
        inverse = np.full(len(self._proposals[1].rows), NONE)
        has = np.flatnonzero(self.twin_of_reference != NONE)
        inverse[self.twin_of_reference[has]] = has
        return inverse

    @cached_property
    def deployed(self) -> Bools:
        """Which of the candidate's proposals it would deploy if twins were equal."""
        ours, theirs = self._proposals
        has = np.flatnonzero(self.twin_of_candidate != NONE)
        boxes, scores = theirs.boxes.copy(), theirs.found.scores.copy()
        twins = self.twin_of_candidate[has]
        boxes[has] = theirs.boxes_of(ours, twins)
        scores[has] = ours.found.scores[twins]
        kept = self.candidate.suppression.keeps(boxes, scores, theirs.found.classes).kept
        found = np.zeros(len(scores), dtype=np.bool_)
        found[kept] = scores[kept] >= self.candidate.threshold
        return found

    @property
    def twins(self) -> Bools:
        """Which of what the reference sees is the twin of which of what the candidate sees."""
        ours, theirs = self._kept
        return np.asarray(self.twin_of_reference[ours][:, None] == theirs)

    def tie(self, i: int | None, j: int | None) -> bool:
        """Whether noise alone explains both members of a row that misses a limit.

        ``i`` and ``j``: its rows of what the reference and the candidate see, None for none. Where
        each member has its own twin deployed on the other side, the two are merely not each other.
        """
        return self._returns(i) and self._leaves(j)

    def _returns(self, i: int | None) -> bool:
        """The candidate would deploy the reference's detection, if twins were equal."""
        if i is None or not self.reference.deployed[i]:
            return True
        twin = self.twin_of_reference[self._position(self.reference, i)]
        return bool(twin != NONE and self.deployed[twin])

    def _leaves(self, j: int | None) -> bool:
        """The candidate would not deploy its own one, if twins were equal, or it has its twin."""
        if j is None or not self.candidate.deployed[j]:
            return True
        here = self._position(self.candidate, j)
        twin = self.twin_of_candidate[here]
        return bool(twin != NONE and (self._reference_deploys[twin] or not self.deployed[here]))

    def other_twin(self, i: int, j: int | None) -> int | None:
        """The twin of a row that the reference sees, where it is another than its partner."""
        twin = int(self.twin_of_reference[self._position(self.reference, i)])
        partner = NONE if j is None else self._position(self.candidate, j)
        return None if twin in (NONE, partner) else twin

    def _position(self, side: Side, seen: int) -> int:
        assert side.result is not None
        return int(side.result.kept[seen])

    @cached_property
    def _reference_deploys(self) -> Bools:
        return self.reference.deployed_proposals

    @property
    def _kept(self) -> tuple[Ints, Ints]:
        assert self.reference.result is not None
        assert self.candidate.result is not None
        return self.reference.result.kept, self.candidate.result.kept

    @property
    def _proposals(self) -> tuple[ProposalSet, ProposalSet]:
        assert self.reference.proposals is not None
        assert self.candidate.proposals is not None
        return self.reference.proposals, self.candidate.proposals


def exchange(
    reference: Side, candidate: Side, tolerance: Tolerance, scale: Scale
) -> Exchange | None:
    """The exchange of two sides; None where one does not show its proposals."""
    if reference.proposals is None or candidate.proposals is None:
        return None
    return Exchange(reference, candidate, tolerance, scale)


def _twins(
    ours: ProposalSet,
    theirs: ProposalSet,
    reference: Side,
    candidate: Side,
    tolerance: Tolerance,
    scale: Scale,
) -> Ints:
    """By rows of the heads where those correspond, else one to one within every limit.

    Rows correspond (anchors, grid cells, queries of one network) where both sides have as many and
    most proposals that the reference deploys agree with what stands in their row.
    """
    deployed = ours.found.scores >= reference.threshold
    if ours.row_count == theirs.row_count:
        found = _by_rows(ours, theirs, tolerance, scale)
        if 2 * int((found[deployed] != NONE).sum()) >= int(deployed.sum()):
            return found
    margin = tolerance.max_score_diff
    near_ours = np.flatnonzero(ours.found.scores >= reference.threshold - margin)
    near_theirs = np.flatnonzero(theirs.found.scores >= candidate.threshold - margin)
    found = np.full(len(ours.rows), NONE)
    if not len(near_ours) or not len(near_theirs):
        return found
    close = closeness(ours.found.take(near_ours), theirs.found.take(near_theirs), tolerance, scale)
    i, j = assigned(_alikeness(close), close.within)
    found[near_ours[i]] = near_theirs[j]
    return found


def _by_rows(ours: ProposalSet, theirs: ProposalSet, tolerance: Tolerance, scale: Scale) -> Ints:
    found = np.full(len(ours.rows), NONE)
    labels = 1 + max(int(one.found.classes.max(initial=0)) for one in (ours, theirs))
    here, there = (one.rows * labels + one.found.classes for one in (ours, theirs))
    _, i, j = np.intersect1d(here, there, assume_unique=True, return_indices=True)
    if len(i):
        close = closeness_of_rows(ours.found.take(i), theirs.found.take(j), tolerance, scale)
        found[i[close.within]] = j[close.within]
    return found


def _alikeness(close: Closeness) -> Floats:
    """More for each pair than all that any overlap can add up to, so that most find a twin."""
    most = 1 + min(close.iou.shape)
    return np.where(close.within, most + close.iou, 0.0)
