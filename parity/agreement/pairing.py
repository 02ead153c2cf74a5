"""Which detection of one side is which of the other: optimal, class-agnostic, one-to-one."""

from __future__ import annotations

from collections.abc import Sequence
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

_ROWS = 512  # that are compared with all of the other side at once
_SLACK = 1.0 + 1e-6  # of what is worth a closer look: rounding must not hide a pair
_EXACT = 2**51  # whole numbers up to here, and their sums of two, are exact in float64


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
    detections paired; those of them in pairs of one class; those in pairs of twins, where these are
    known; their total IoU, in millionths; what comes first in the canonical order of both sides.
    Every deployed detection counts, so that two borderline pairs are worth no more than one pair of
    both.
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
    i, j = np.nonzero(admissible[np.ix_(rows_r, rows_c)])
    at = rows_r[i], rows_c[j]
    one = np.ones(len(i), dtype=np.int64)
    known = 0 * one if twins is None else twins[at]
    gains = close.within[at], one, close.label[at], known, millionths(close.iou[at])
    # What is left of ties must not depend on which side is the reference.
    if _content(candidate, rows_c) < _content(reference, rows_r):
        second, first = assigned(j, i, gains, deployed[at])
    else:
        first, second = assigned(i, j, gains, deployed[at])
    order = np.argsort(first)
    return Pairs(reference=rows_r[first[order]], candidate=rows_c[second[order]])


def within_pairs(
    a: Detections, b: Detections, tolerance: Tolerance, scale: Scale
) -> tuple[Ints, Ints, Floats]:
    """All pairs (row of ``a``, row of ``b``) within every limit, and their IoU.

    As ``closeness`` finds them, in memory that thousands of proposals do not exhaust.
    """
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))]
    for start in range(0, len(a), _ROWS):
        part = a.take(slice(start, start + _ROWS))
        i, j = np.nonzero(_may_be_within(part, b, tolerance, scale))
        close = closeness_of_rows(part.take(i), b.take(j), tolerance, scale)
        met = close.within
        found.append((start + i[met], j[met], close.iou[met]))
    i, j, overlap = (np.concatenate(one) for one in zip(*found, strict=True))
    return i, j, overlap


def _may_be_within(a: Detections, b: Detections, tolerance: Tolerance, scale: Scale) -> Bools:
    """What a closer look is worth: by class, by score, by how far x1 and y1 are apart.

    Where boxes have IoU q, an edge is off by at most 1 - q of the longer of their two sides, and
    the longer side is at most 1 / q of the other.
    """
    may: Bools = a.classes[:, None] == b.classes
    may &= np.abs(a.scores[:, None] - b.scores) <= tolerance.max_score_diff
    q = tolerance.min_box_iou
    for axis in (0, 1):
        side = a.boxes[:, axis + 2] - a.boxes[:, axis]
        reach = np.maximum(side * (1 - q) / q, tolerance.max_corner_px / scale[axis])
        gap = np.abs(a.boxes[:, axis, None] - b.boxes[:, axis])
        may &= gap <= reach[:, None] * _SLACK
    return may


def millionths(overlap: Floats) -> Ints:
    """IoU as a whole number, so that sums are exact: what differs by less is a tie."""
    return np.rint(overlap * 1e6).astype(np.int64)


def assigned(i: Ints, j: Ints, criteria: Sequence[Ints | Bools], times: Ints) -> tuple[Ints, Ints]:
    """Of pairs (row, column), those of the best assignment one to one.

    ``criteria`` (P,) of each pair, most important first, are whole numbers from 0 and count
    ``times`` (P,), 1 or 2; what is left of ties goes to what comes first on both sides. Any more of
    one criterion outweighs all of the next, however many pairs there are. The assignment is that of
    Jonker and Volgenant (``scipy.optimize.linear_sum_assignment``), for each connected group by
    itself.
    """
    lonely, crowds = _groups(i, j)
    found = [lonely]
    for crowd in crowds:
        worth = [one[crowd] for one in criteria]
        found.append(crowd[_assigned(i[crowd], j[crowd], worth, times[crowd])])
    chosen = np.concatenate(found)
    return i[chosen], j[chosen]


def _assigned(i: Ints, j: Ints, criteria: Sequence[Ints | Bools], times: Ints) -> Ints:
    """Which pairs of one connected group are chosen.

    The product of reversed ranks in the group adds up to most where those that come first are
    paired and no two pairs cross (the rearrangement inequality).
    """
    from scipy.optimize import linear_sum_assignment

    rows, i = np.unique(i, return_inverse=True)
    columns, j = np.unique(j, return_inverse=True)
    size = max(len(rows), len(columns))
    stages = _stages([one * times for one in (*criteria, (size - i) * (size - j))], i, size)
    shape = (size, size) if len(stages) > 1 else (len(rows), len(columns))
    pair = np.full(shape, -1)
    pair[i, j] = np.arange(len(i))
    best, excluded = (i, j), np.zeros(shape, dtype=np.bool_)
    for at, worth in enumerate(stages):
        weight = np.zeros(shape)
        weight[i, j] = worth
        weight[excluded] = -_most(worth, i) - 1
        best = linear_sum_assignment(weight, maximize=True)
        if at < len(stages) - 1:
            excluded |= ~_of_some_best(weight, best[1])
    chosen = pair[best]
    return chosen[chosen >= 0]


def _stages(criteria: Sequence[Ints], i: Ints, size: int) -> list[Floats]:
    """The criteria of pairs with rows ``i``, folded into as few exact ones as possible.

    Within a stage each criterion outweighs all that those after it can add up to. A stage is full
    where a sum over the whole assignment, excluded pairs included, were no longer exact.
    """
    stages: list[Floats] = []
    reach = float(_EXACT)
    for criterion in criteria:
        values = 1 + _most(criterion, i)
        if not stages or reach * values * size >= _EXACT:
            stages.append(np.zeros(len(i)))
            reach = 1.0
        stages[-1] = stages[-1] * values + criterion
        reach *= values
    return stages


def _most(worth: Floats | Ints, i: Ints) -> float:
    """What no assignment of pairs with rows ``i`` exceeds: the best of each row."""
    best = np.zeros(int(i.max()) + 1)
    np.maximum.at(best, i, worth)
    return float(best.sum())


def _of_some_best(weight: Floats, columns: Ints) -> Bools:
    """Which entries (n, n) may stand in a best assignment, as in the one of ``columns`` (n,).

    Those without reduced cost, by the prices of columns that Bellman and Ford's shortest paths from
    that assignment yield (complementary slackness).
    """
    loss = np.take_along_axis(weight, columns[:, None], axis=1) - weight
    prices = np.zeros(len(weight))
    for _ in range(len(weight)):
        cheaper = (prices[columns, None] + loss).min(axis=0)
        if (cheaper == prices).all():
            break
        prices = cheaper
    tight: Bools = prices[columns, None] + loss == prices
    return tight


def _groups(i: Ints, j: Ints) -> tuple[Ints, list[Ints]]:
    """Of pairs (row, column): those that can only be each other's, then the connected others.

    Both as positions among the pairs. Small groups keep an assignment exact and quick.
    """
    if not len(i):
        return np.zeros(0, dtype=np.int64), []
    lonely = (np.bincount(i)[i] == 1) & (np.bincount(j)[j] == 1)
    crowded = np.flatnonzero(~lonely)
    return np.flatnonzero(lonely), _connected(i[crowded], j[crowded], crowded)


def _connected(i: Ints, j: Ints, pairs: Ints) -> list[Ints]:
    """The pairs by the connected group of their rows and columns.

    The lowest row of a group spreads through its pairs until none changes. (A graph of
    ``scipy.sparse`` costs ten times as much for the few pairs of an image.)
    """
    if not len(pairs):
        return []
    lowest = np.arange(int(i.max()) + 1)
    while True:
        of_column = np.full(int(j.max()) + 1, len(lowest))
        np.minimum.at(of_column, j, lowest[i])
        of_row = lowest.copy()
        np.minimum.at(of_row, i, of_column[j])
        if (of_row == lowest).all():
            break
        lowest = of_row
    order = np.argsort(lowest[i], kind="stable")
    return np.split(pairs[order], np.flatnonzero(np.diff(lowest[i][order])) + 1)


def _content(side: Side, rows: Ints) -> Any:
    seen = side.seen
    columns = (-seen.scores, seen.classes, seen.boxes, ~side.deployed)
    return np.column_stack(columns)[rows].tolist()
