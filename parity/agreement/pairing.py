"""Which detection of one side is which of the other: optimal, class-agnostic, one-to-one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Floats, corner_distance, corner_distance_of_rows, iou, iou_of_rows
from parity.detections import Detections, Side
from parity.nms import Ints
from parity.suite.tolerance import Tolerance

Scale = tuple[float, float]
Bools = NDArray[np.bool_]

_TIE = 1e-6  # IoU that the order of the detections may outweigh: what differs by less is a tie


@dataclass(frozen=True, eq=False)
class Closeness:
    """How close every box of one set is to every box of another, (N, M) each; or row to row, (N,).

    ``iou``; ``corners``, the largest corner difference in pixels of the network's input;
    ``box``, ``score`` and ``label``: whether that limit is met.
    """

    iou: Floats
    corners: Floats
    box: Bools
    score: Bools
    label: Bools

    @property
    def within(self) -> Bools:
        """Whether every limit is met."""
        return self.box & self.score & self.label

    def admissible(self, tolerance: Tolerance) -> Bools:
        """Whether two boxes may be the same object at all."""
        return (self.iou >= tolerance.match_iou) | (self.corners <= tolerance.max_corner_px)


def closeness(a: Detections, b: Detections, tolerance: Tolerance, scale: Scale) -> Closeness:
    """Compare two sets; ``scale`` turns image pixels (x, y) into pixels of the network's input."""
    return _closeness(
        iou(a.boxes, b.boxes),
        corner_distance(a.boxes, b.boxes, scale),
        np.abs(a.scores[:, None] - b.scores[None, :]),
        a.classes[:, None] == b.classes[None, :],
        tolerance,
    )


def closeness_of_rows(
    a: Detections, b: Detections, tolerance: Tolerance, scale: Scale
) -> Closeness:
    """Compare each row of one set with the same row of another, of equal length."""
    return _closeness(
        iou_of_rows(a.boxes, b.boxes),
        corner_distance_of_rows(a.boxes, b.boxes, scale),
        np.abs(a.scores - b.scores),
        a.classes == b.classes,
        tolerance,
    )


def _closeness(
    overlaps: Floats, corners: Floats, score_diff: Floats, label: Bools, tolerance: Tolerance
) -> Closeness:
    return Closeness(
        iou=overlaps,
        corners=corners,
        box=(overlaps >= tolerance.min_box_iou) | (corners <= tolerance.max_corner_px),
        score=score_diff <= tolerance.max_score_diff,
        label=label,
    )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows of the reference's and the candidate's seen detections that are the same object."""

    reference: Ints
    candidate: Ints


def canonical_order(detections: Detections) -> Ints:
    """Rows by score (highest first), class, then box: the same for every order they came in."""
    x1, y1, x2, y2 = detections.boxes.T
    return np.lexsort((y2, x2, y1, x1, detections.classes, -detections.scores)).astype(np.int64)


def pair(reference: Side, candidate: Side, tolerance: Tolerance, scale: Scale) -> Pairs:
    """The optimal pairing of what both sides see; only pairs with a deployed member are made.

    Maximises, in this order: deployed detections in pairs that meet every limit; deployed
    detections paired; those of them in pairs of one class; their total IoU, where twins count one
    more (less than a millionth of a difference is a tie); what comes first in the canonical order
    of both sides. Every
    deployed detection counts, so that two borderline pairs are worth no more than one pair of
    both. The assignment is that of Jonker and Volgenant (``scipy.optimize.linear_sum_assignment``).
    """
    close = closeness(reference.seen, candidate.seen, tolerance, scale)
    return match(reference, candidate, close, tolerance)


def match(
    reference: Side,
    candidate: Side,
    close: Closeness,
    tolerance: Tolerance,
    twins: Bools | None = None,
) -> Pairs:
    """``pair`` where the closeness of what both sides see is known already.

    ``twins`` (N, M): which two are known to come from one proposal. Where several could be
    partners, what is left over must be the one that came from elsewhere.
    """
    rows_r, rows_c = canonical_order(reference.seen), canonical_order(candidate.seen)
    deployed = reference.deployed.astype(np.int64)[:, None] + candidate.deployed
    admissible = close.admissible(tolerance) & (deployed > 0)
    i, j, crowds = _components(admissible[np.ix_(rows_r, rows_c)])
    found = [(rows_r[i], rows_c[j])]
    if crowds:
        # What is left of ties must not depend on which side is the reference.
        turned = _content(candidate, rows_c) < _content(reference, rows_r)
        for rows, columns in ((rows_r[one], rows_c[other]) for one, other in crowds):
            block = np.ix_(rows, columns)
            gains = _gains(close, block, twins) * deployed[block]
            if turned:
                second, first = _assign(gains.transpose(0, 2, 1), admissible[block].T)
            else:
                first, second = _assign(gains, admissible[block])
            found.append((rows[first], columns[second]))
    ours = np.concatenate([one for one, _ in found])
    theirs = np.concatenate([one for _, one in found])
    order = np.argsort(np.argsort(rows_r)[ours])
    return Pairs(reference=ours[order], candidate=theirs[order])


def assigned(weight: Floats, admissible: Bools) -> tuple[Ints, Ints]:
    """The admissible pairs, one to one, whose weights above 0 (N, M) add up to most."""
    from scipy.optimize import linear_sum_assignment

    i, j, crowds = _components(admissible)
    found = [(i, j)]
    for rows, columns in crowds:
        block = np.ix_(rows, columns)
        first, second = linear_sum_assignment(weight[block], maximize=True)
        real = admissible[block][first, second]
        found.append((rows[first[real]], columns[second[real]]))
    return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])


def _gains(close: Closeness, block: Any, twins: Bools | None) -> Floats:
    """What a pair is worth by each criterion in turn, for each of its deployed detections."""
    overlap = close.iou[block]
    if twins is not None:
        overlap = overlap + twins[block]
    worth = (close.within[block], np.ones_like(overlap), close.label[block], overlap)
    return np.stack(worth).astype(np.float64)


def _content(side: Side, rows: Ints) -> Any:
    seen = side.seen
    columns = (-seen.scores, seen.classes, seen.boxes, ~side.deployed)
    return np.column_stack(columns)[rows].tolist()


def _components(admissible: Bools) -> tuple[Ints, Ints, list[tuple[Ints, Ints]]]:
    """Rows and columns that can only be each other's; then the connected groups of the others.

    Small groups keep the weights of an assignment exact.
    """
    by_row, by_column = admissible.sum(axis=1), admissible.sum(axis=0)
    i, j = np.nonzero(admissible)
    lonely = (by_row[i] == 1) & (by_column[j] == 1)
    if lonely.all():
        return i, j, []
    crowded = admissible.copy()
    crowded[i[lonely], j[lonely]] = False
    return i[lonely], j[lonely], _crowds(crowded)


def _crowds(crowded: Bools) -> list[tuple[Ints, Ints]]:
    """The connected groups of rows and columns, each grown from its first row."""
    left = np.asarray(crowded.any(axis=1))
    groups = []
    while left.any():
        rows = np.zeros_like(left)
        rows[np.argmax(left)] = True
        while True:
            columns = crowded[rows].any(axis=0)
            grown = np.asarray(crowded[:, columns].any(axis=1))
            if np.array_equal(grown, rows):
                break
            rows = grown
        groups.append((np.flatnonzero(rows), np.flatnonzero(columns)))
        left &= ~rows
    return groups


def _assign(gains: Floats, admissible: Bools) -> tuple[Ints, Ints]:
    """The best pairs of one group. Each criterion outweighs all that those after it can add up to.

    The product of reversed ranks in the group adds up to most where those that come first are
    paired and no two pairs cross (the rearrangement inequality).
    """
    from scipy.optimize import linear_sum_assignment

    within, deployed, label, overlap = gains
    rows, columns = admissible.shape
    most = 4 * min(rows, columns) + 1  # more than any one criterion adds up to
    size = max(rows, columns)
    first = np.outer(size - np.arange(rows), size - np.arange(columns)) / size**2
    weight = overlap + _TIE * first * deployed
    weight += most * (label + most * (deployed + most * within))
    weight = np.where(admissible, weight, 0.0)
    i, j = linear_sum_assignment(weight, maximize=True)
    real = admissible[i, j]
    return i[real], j[real]
