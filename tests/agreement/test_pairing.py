"""Who is paired with whom: optimal, class-agnostic, one-to-one, criteria in a fixed order."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from agreeing import FLOAT32, INT8, agree, kinds, limits, side
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from parity.agreement import pair
from parity.agreement.pairing import Bools, closeness, match, millionths
from parity.detections import Side
from parity.suite.tolerance import Tolerance

HERE = (1.0, 1.0)


def paired(reference: Side, candidate: Side, tolerance: Tolerance = INT8) -> list[tuple[int, int]]:
    """Row numbers of the pairs."""
    pairs = pair(reference, candidate, tolerance, HERE)
    return list(zip(pairs.reference.tolist(), pairs.candidate.tolist(), strict=True))


def worth_of(
    reference: Side,
    candidate: Side,
    pairs: list[tuple[int, int]],
    tolerance: Tolerance,
    twins: Bools,
) -> tuple[int, ...]:
    """What a pairing is worth but for the order that is left to ties, most important first."""
    close = closeness(reference.seen, candidate.seen, tolerance, HERE)
    overlap = millionths(close.iou)
    times = [int(reference.deployed[i]) + int(candidate.deployed[j]) for i, j in pairs]

    def total(of: NDArray[Any]) -> int:
        return sum(n * int(of[one]) for n, one in zip(times, pairs, strict=True))

    return total(close.within), sum(times), total(close.label), total(twins), total(overlap)


def best_of_all(
    reference: Side, candidate: Side, tolerance: Tolerance, twins: Bools
) -> tuple[int, ...]:
    """The best worth among all one-to-one sets of admissible pairs, by trying every one."""
    n, m = len(reference.seen), len(candidate.seen)
    close = closeness(reference.seen, candidate.seen, tolerance, HERE)
    allowed = close.admissible(tolerance)
    allowed &= reference.deployed[:, None] | candidate.deployed
    worth = []
    for size in range(min(n, m) + 1):
        for rows in combinations(range(n), size):
            for columns in permutations(range(m), size):
                pairs = list(zip(rows, columns, strict=True))
                if all(allowed[one] for one in pairs):
                    worth.append(worth_of(reference, candidate, pairs, tolerance, twins))
    return max(worth)


corner = st.integers(0, 5).map(float)
edge = st.sampled_from([0.0, 1.0, 2.0, 5.0, 8.0])
score = st.sampled_from([0.42, 0.48, 0.5, 0.53, 0.9])


@st.composite
def crowd(draw: st.DrawFn, most: int = 5) -> Side:
    """A few boxes on a small grid: duplicates, no area, equal scores, everything overlaps."""
    rows = []
    for _ in range(draw(st.integers(0, most))):
        x, y = draw(corner), draw(corner)
        rows.append((x, y, x + draw(edge), y + draw(edge), draw(score), draw(st.integers(0, 1))))
    return side(*rows)


def test_pairing_is_one_to_one() -> None:
    """Two detections of one side on the same spot cannot share a partner."""
    twice = side((0, 0, 9, 9, 0.9), (0, 0, 9, 9, 0.8))
    assert paired(twice, side((0, 0, 9, 9, 0.9))) == [(0, 0)]


def test_boxes_below_match_iou_are_no_pair() -> None:
    """IoU 0.5 may be the same object, less may not."""
    box = side((0, 0, 100, 100, 0.9))
    assert paired(box, side((0, 0, 50, 100, 0.9))) == [(0, 0)]
    assert paired(box, side((0, 0, 49.9, 100, 0.9))) == []


def test_pairs_without_a_deployed_member_are_not_made() -> None:
    """What neither side deploys is not judged."""
    low = side((0, 0, 9, 9, 0.45))
    assert paired(low, low) == []


def test_a_class_flip_reads_as_a_class_flip() -> None:
    """Pairing does not look at the class first: the same box is one object with two names."""
    judged = agree(side((0, 0, 9, 9, 0.9, 1)), side((0, 0, 9, 9, 0.9, 2)))
    assert kinds(judged) == [("pair", "")]
    assert judged.rows[0].flipped


def test_a_deployed_pair_goes_before_more_overlap_of_others() -> None:
    """Boxes at {0, 29} and {0, -29}, only the first deployed: the identical two must agree."""
    reference = side((0, 0, 100, 100, 0.9), (29, 0, 129, 100, 0.45))
    candidate = side((0, 0, 100, 100, 0.9), (-29, 0, 71, 100, 0.45))
    assert paired(reference, candidate) == [(0, 0)]
    assert agree(reference, candidate, limits(FLOAT32, band=0.1)).findings == ()


def test_two_classes_half_a_pixel_apart_do_not_flip() -> None:
    """The box of the other class is nearer for the jitter, and yet classes decide."""
    reference = side((0, 0, 100, 100, 0.9, 1), (0.5, 0, 100.5, 100, 0.9, 2))
    candidate = side((0.4, 0, 100.4, 100, 0.9, 1), (0.1, 0, 100.1, 100, 0.9, 2))
    assert paired(reference, candidate) == [(0, 0), (1, 1)]
    assert not any(row.flipped for row in agree(reference, candidate, INT8).rows)


def test_crowded_boxes_do_not_trade_partners() -> None:
    """Twenty boxes three pixels apart, moved by 0.3, are each paired with themselves."""
    rows = [(3.0 * i, 0, 3.0 * i + 40, 40, 0.9 - 0.01 * i) for i in range(20)]
    moved = [(x1 + 0.3, y1, x2 + 0.3, y2, score) for x1, y1, x2, y2, score in rows]
    assert paired(side(*rows), side(*moved)) == [(i, i) for i in range(20)]


def test_one_box_missing_from_a_crowd_does_not_shift_the_others() -> None:
    """The one that is gone is lost; its neighbours keep their partners."""
    rows = [(3.0 * i, 0, 3.0 * i + 40, 40, 0.9) for i in range(10)]
    judged = agree(side(*rows), side(*rows[:4], *rows[5:]))
    assert kinds(judged) == [("pair", "")] * 9 + [("lost", "")]
    assert judged.rows[-1].reference_box == (12, 0, 52, 40)


def test_first_come_pairs_within_every_limit() -> None:
    """One pair within every limit goes before two deployed pairs that are not."""
    reference = side((0, 0, 100, 100, 0.9), (29, 0, 129, 100, 0.9))
    candidate = side((0, 0, 100, 100, 0.9), (-29, 0, 71, 100, 0.9))
    assert paired(reference, candidate) == [(0, 0)]


def test_then_come_deployed_detections_that_are_paired() -> None:
    """Where no pair is within its limits, two go before one of one class and more overlap."""
    reference = side((0, 0, 100, 100, 0.9, 1), (25, 0, 125, 100, 0.9, 2))
    candidate = side((0, 0, 100, 87, 0.9, 1), (-25, 0, 75, 100, 0.9, 3))
    assert paired(reference, candidate) == [(0, 1), (1, 0)]


def test_a_deployed_partner_goes_before_one_that_is_not() -> None:
    """Two deployed detections in one pair are two, however much the other overlaps."""
    reference = side((0, 0, 100, 100, 0.9))
    candidate = side((0, 0, 86, 100, 0.45), (0, 0, 70, 100, 0.9))
    assert paired(reference, candidate) == [(0, 1)]


def test_then_come_equal_classes() -> None:
    """Of two partners outside the limits, the one of the same class and less overlap."""
    reference = side((0, 0, 100, 100, 0.9, 1))
    candidate = side((0, 0, 100, 100, 0.9, 2), (0, 0, 60, 100, 0.9, 1))
    assert paired(reference, candidate) == [(0, 1)]


def test_then_comes_total_overlap() -> None:
    """All else equal, boxes are paired as they overlap most in sum."""
    reference = side((0, 0, 100, 100, 0.9), (0, 30, 100, 130, 0.9))
    candidate = side((0, 25, 100, 120, 0.6), (0, 0, 100, 80, 0.6))
    assert paired(reference, candidate) == [(0, 1), (1, 0)]


def test_one_pair_goes_before_two_that_cross_the_threshold() -> None:
    """Of three equal boxes a side, one deployed, the deployed ones are paired."""
    thrice = side((0, 0, 9, 9, 0.5), (0, 0, 9, 9, 0.48), (0, 0, 9, 9, 0.46))
    assert kinds(agree(thrice, thrice, INT8)) == [("pair", "")]


def test_ties_go_to_the_canonical_order() -> None:
    """Equal boxes and classes are paired by their rank of scores, never crosswise."""
    reference = side(*((0, 0, 50, 50, score) for score in (0.87, 0.9, 0.88, 0.89)))
    candidate = side(*((0, 0, 50, 50, score) for score in (0.9, 0.89, 0.88, 0.87)))
    assert paired(reference, candidate) == [(1, 0), (3, 1), (2, 2), (0, 3)]


def test_ties_do_not_cross_where_only_boxes_tell_the_order() -> None:
    """Either partner would do for both: the surer one gets what comes first."""
    candidate = side((2, 0, 52, 50, 0.9), (0, 0, 50, 50, 0.9))
    surest = side((0, 0, 50, 50, 0.80), (0, 0, 50, 50, 0.88))
    assert paired(surest, candidate) == [(1, 1), (0, 0)]
    assert paired(candidate, surest) == [(1, 1), (0, 0)]


@pytest.mark.parametrize("box", [(3, 3, 3, 3), (0, 1, 5, 1), (2, 0, 2, 9)])
@pytest.mark.parametrize("tolerance", [limits(FLOAT32, max_corner_px=0), INT8])
def test_boxes_without_area_are_equal_to_themselves(
    box: tuple[float, ...], tolerance: Tolerance
) -> None:
    """A point and a line agree with themselves even where corners may not differ at all."""
    judged = agree(side((*box, 0.9)), side((*box, 0.9)), tolerance)
    assert kinds(judged) == [("pair", "")]
    assert judged.findings == ()


@settings(max_examples=300, deadline=None)
@given(crowd(), crowd(), st.integers(0, 999))
def test_no_pairing_is_worth_more(reference: Side, candidate: Side, seed: int) -> None:
    """Against every possible pairing of up to five boxes a side, criterion by criterion, exactly.

    Some are twins, one to one; ``seed`` says which.
    """
    shuffled = np.random.default_rng(seed).permutation(5)
    twins = (shuffled[:, None] == np.arange(5))[: len(reference.seen), : len(candidate.seen)]
    for tolerance in (INT8, limits(INT8, max_corner_px=0.5, max_score_diff=0.02, match_iou=0.3)):
        close = closeness(reference.seen, candidate.seen, tolerance, HERE)
        pairs = match(reference, candidate, close, tolerance, twins)
        chosen = list(zip(pairs.reference.tolist(), pairs.candidate.tolist(), strict=True))
        worth = worth_of(reference, candidate, chosen, tolerance, twins)
        assert worth == best_of_all(reference, candidate, tolerance, twins)


@settings(max_examples=100, deadline=None)
@given(crowd(12), crowd(12))
def test_pairs_are_admissible_and_one_to_one(reference: Side, candidate: Side) -> None:
    """No row twice, no pair below match_iou and beyond the corner limit, none below threshold."""
    found = paired(reference, candidate)
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found)
    close = closeness(reference.seen, candidate.seen, INT8, HERE)
    for one in found:
        assert close.iou[one] >= 0.5 or close.corners[one] <= 1
        assert reference.deployed[one[0]] or candidate.deployed[one[1]]


CROWD = 1000


def crowded(step: float, scores: NDArray[Any], kinds_of: int = 1) -> Side:
    """A thousand boxes that all overlap, ``step`` pixels apart, of so many classes in turn."""
    rows = [
        (step * i, 0, step * i + 100, 100, score, i % kinds_of) for i, score in enumerate(scores)
    ]
    return side(*rows)


RISING, FALLING = np.linspace(0.9, 0.91, CROWD), np.linspace(0.91, 0.9, CROWD)


def test_in_a_crowd_of_a_thousand_equal_boxes_ranks_are_paired() -> None:
    """The last criterion is as exact in a large group as in a small one."""
    pairs = pair(crowded(0, RISING), crowded(0, FALLING), INT8, HERE)
    assert (pairs.candidate == CROWD - 1 - pairs.reference).all()
    assert len(pairs.candidate) == CROWD


def test_in_a_crowd_of_a_thousand_overlap_goes_before_ranks() -> None:
    """Each box lies on its own partner, which is last in rank where the box is first."""
    pairs = pair(crowded(0.01, RISING), crowded(0.01, FALLING), INT8, HERE)
    assert (pairs.candidate == pairs.reference).all()
    assert len(pairs.candidate) == CROWD


def test_in_a_crowd_of_a_thousand_twins_go_before_overlap() -> None:
    """The twin of each box lies fifty places further on, in turn."""
    reference, candidate = crowded(0.001, RISING), crowded(0.001, FALLING)
    close = closeness(reference.seen, candidate.seen, INT8, HERE)
    twin = np.roll(np.arange(CROWD), -50)
    pairs = match(reference, candidate, close, INT8, twin[:, None] == np.arange(CROWD))
    assert (pairs.candidate == twin[pairs.reference]).all()
    assert len(pairs.candidate) == CROWD


def test_in_a_crowd_of_a_thousand_a_single_class_goes_before_all_overlap() -> None:
    """Only one box of a thousand has its class elsewhere: all between them move by one place."""
    reference, candidate = crowded(0.01, RISING), crowded(0.01, RISING)
    first, last = np.zeros((2, CROWD), dtype=np.int64)
    first[0], last[-1] = 1, 1
    reference = replace(reference, seen=replace(reference.seen, classes=first))
    candidate = replace(candidate, seen=replace(candidate.seen, classes=last))
    pairs = pair(reference, candidate, INT8, HERE)
    classes = reference.seen.classes[pairs.reference], candidate.seen.classes[pairs.candidate]
    assert (classes[0] == classes[1]).all()
    assert len(pairs.reference) == CROWD


def test_a_large_crowd_is_paired_with_itself() -> None:
    """The criteria still outweigh one another in a group of 300 boxes that all overlap."""
    rng = np.random.default_rng(0)
    offset = rng.uniform(0, 20, (300, 2))
    rows = [(x, y, x + 100, y + 100, 0.9, i % 3) for i, (x, y) in enumerate(offset)]
    assert paired(side(*rows), side(*rows)) == [(i, i) for i in paired_order(rows)]


def paired_order(rows: list[tuple[float, ...]]) -> list[int]:
    """Row numbers in the canonical order: score, class, box."""
    return sorted(range(len(rows)), key=lambda i: (-rows[i][4], rows[i][5], rows[i][:4]))
