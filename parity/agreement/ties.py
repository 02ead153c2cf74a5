"""Ties: a choice goes the other way among proposals that agree within every limit.

What is deployed is chosen: the best class of a row or the peaks of a map, then NMS, top-k and the
threshold. Each amplifies noise that is within every limit, so such a row proves nothing against the
candidate. It is shown to be a tie, not excused: the candidate's own choice, NMS, top-k and
threshold run once more, on all that the candidate's heads say down to its floor, of which each that
has a *twin* takes the twin's box and score. A class that is not the best of its row, or a cell
beside a peak, is a proposal like any other there: one that was passed over. What the reference
deploys then, and the candidate alone did not, hung on noise alone. A proposal that is lost, moved
or rescored beyond a limit has no twin, and what becomes of it stays a fault. Whoever is whose twin,
the proof holds: it is one to one and within every limit, so the candidate was moved by no more than
it may be off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from parity.agreement.pairing import (
    Bools,
    Scale,
    assigned,
    canonical_order,
    closeness_of_rows,
    millionths,
    within_pairs,
)
from parity.detections import ProposalSet, Side, together
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
        """For each proposal of the reference its twin among the candidate's, or ``NONE``.

        Twins are of one class and within every limit, one to one. Those of one row of the heads
        (anchor, cell, query) are taken where that leaves nothing without a twin that a side would
        deploy. Else a proposal was changed, or rows do not correspond, and of all assignments it is
        the one with the most deployed proposals, then the most of one row, then the most overlap.
        """
        found = np.full(len(self._proposals[0].rows), NONE)
        i, j = self._of_one_row()
        ours, theirs = self._would_deploy
        if ours[i].sum() < ours.sum() or theirs[j].sum() < theirs.sum():
            i, j = self._assigned()
        found[i] = j
        return found

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
        has = np.flatnonzero(self.twin_of_reference != NONE)
        alone = np.flatnonzero(self.twin_of_candidate == NONE)
        # The reference's come first, in its order: so equal ones are chosen from as it did.
        theirs_in_order = np.concatenate([self.twin_of_reference[has], alone])
        equal = replace(
            theirs,
            found=together(ours.found.take(has), theirs.found.take(alone)),
            boxes=np.concatenate([theirs.boxes_of(ours)[has], theirs.boxes[alone]]),
            rows=theirs.rows[theirs_in_order],
        )
        suppression, threshold = self.candidate.suppression, self.candidate.threshold
        kept = Side.of(equal, threshold, self.candidate.floor, suppression).deployed_proposals
        found = np.zeros(len(theirs.rows), dtype=np.bool_)
        found[theirs_in_order] = kept
        return found

    @property
    def twins(self) -> Bools:
        """Which of what the reference sees is the twin of which of what the candidate sees."""
        assert self.reference.result is not None
        assert self.candidate.result is not None
        twins = self.twin_of_reference[self.reference.result.kept]
        return np.asarray(twins[:, None] == self.candidate.result.kept)

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
    def _proposals(self) -> tuple[ProposalSet, ProposalSet]:
        assert self.reference.proposals is not None
        assert self.candidate.proposals is not None
        return self.reference.proposals, self.candidate.proposals

    @cached_property
    def _would_deploy(self) -> tuple[Bools, Bools]:
        """What of each side is chosen and scores enough, were it not for NMS and top-k."""
        ours, theirs = self._proposals
        return (
            self.reference.chosen_proposals & (ours.found.scores >= self.reference.threshold),
            self.candidate.chosen_proposals & (theirs.found.scores >= self.candidate.threshold),
        )

    def _of_one_row(self) -> tuple[Ints, Ints]:
        ours, theirs = self._proposals
        if ours.row_count != theirs.row_count:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        labels = 1 + max(int(one.found.classes.max(initial=0)) for one in (ours, theirs))
        here, there = (one.rows * labels + one.found.classes for one in (ours, theirs))
        _, i, j = np.intersect1d(here, there, assume_unique=True, return_indices=True)
        close = closeness_of_rows(
            ours.found.take(i), theirs.found.take(j), self.tolerance, self.scale
        )
        return i[close.within], j[close.within]

    def _assigned(self) -> tuple[Ints, Ints]:
        """The best assignment one to one, of all that scores so high that it may decide."""
        (ours, rows), (theirs, columns) = map(self._reaching, (self.reference, self.candidate))
        i, j, overlap = within_pairs(ours.found, theirs.found, self.tolerance, self.scale)
        one_row = (ours.rows[i] == theirs.rows[j]) & (ours.row_count == theirs.row_count)
        here, there = self._would_deploy
        deployed = here[rows[i]].astype(np.int64) + there[columns[j]]
        once = np.ones(len(i), dtype=np.int64)
        i, j = assigned(i, j, (deployed, one_row, millionths(overlap)), once)
        return rows[i], columns[j]

    def _reaching(self, side: Side) -> tuple[ProposalSet, Ints]:
        """Proposals, in canonical order, that may be deployed or whose twin may; and which."""
        assert side.proposals is not None
        order = canonical_order(side.proposals.found)
        least = side.threshold - self.tolerance.max_score_diff
        order = order[side.proposals.found.scores[order] >= least]
        return side.proposals.take(order), order


def exchange(
    reference: Side, candidate: Side, tolerance: Tolerance, scale: Scale
) -> Exchange | None:
    """The exchange of two sides; None where one does not show its proposals."""
    if reference.proposals is None or candidate.proposals is None:
        return None
    return Exchange(reference, candidate, tolerance, scale)
