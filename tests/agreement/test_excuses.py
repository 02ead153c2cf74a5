"""Ties of NMS and of max_detections: what is excused, and what is not.

Boxes are 100 pixels wide and high, at a given x: 36 apart they have IoU 64 / 136 = 0.4706, above
the limit of 0.45, and 38 apart 62 / 138 = 0.4493, below it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from agreeing import (
    FLOAT32,
    INT8,
    agree,
    codes,
    found,
    good,
    image,
    kinds,
    limits,
    removed,
    side,
    suppressed,
    total,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.agreement import ImageAgreement

BOTH_EXCUSED = [("lost", "excused"), ("extra", "excused")]


def box(x: float, score: float, label: int = 0) -> tuple[float, ...]:
    """A box of 100 pixels at x."""
    return (x, 0, x + 100, 100, score, label)


def swap(first: float = 0.90, second: float = 0.89, other: float = 0.88) -> ImageAgreement:
    """Two boxes of which the reference keeps the first and the candidate the second."""
    reference = suppressed(box(0, first), box(36, second))
    return agree(reference, suppressed(box(0, other), box(36, second)), INT8)


def test_a_winner_of_nms_that_swaps_is_excused_on_both_sides() -> None:
    """The same two proposals, of which the other one scores higher by a hair."""
    assert kinds(swap()) == BOTH_EXCUSED


def test_excused_ones_fail_a_strict_tolerance() -> None:
    """They are named for what they are, and counted."""
    reference = suppressed(box(0, 0.9001), box(36, 0.9000))
    judged = agree(reference, suppressed(box(0, 0.8999), box(36, 0.9000)), FLOAT32)
    assert [(one.code, one.facts) for one in judged.findings] == [("excused", {"count": 2})]


def test_excused_ones_count_against_max_excused_of_a_budget() -> None:
    """Two of 200 are 1 %, four of 202 are more; neither is lost or extra."""
    pairs = image(*(good(label=i) for i in range(99)))
    assert codes(total([pairs, swap()])) == []
    assert codes(total([pairs, swap(), swap()])) == ["excused"]


def test_a_winner_that_swaps_by_more_than_the_score_limit_is_no_tie() -> None:
    """0.90 against 0.80 and 0.85 against 0.88 are other scores, not a tie."""
    assert kinds(swap(0.90, 0.85, 0.80)) == [("lost", ""), ("extra", "")]


def test_a_tie_on_one_side_explains_the_other() -> None:
    """A lead of 0.03 in the reference that became one of 0.06 the other way round is one tie."""
    reference = suppressed(box(0, 0.90), box(36, 0.87))
    candidate = suppressed(box(0, 0.855), box(36, 0.915))
    assert kinds(agree(reference, candidate, INT8)) == BOTH_EXCUSED


def test_a_tie_does_not_excuse_another_threshold() -> None:
    """The winner swaps, but the candidate would not have deployed the other one either."""
    reference = suppressed(box(0, 0.55), box(36, 0.54))
    candidate = replace(suppressed(box(0, 0.53), box(36, 0.54)), threshold=0.6, floor=0.5)
    assert kinds(agree(reference, candidate, INT8)) == [("lost", "threshold")]


def test_an_overlap_on_the_other_side_of_the_limit_is_excused() -> None:
    """A box that moved by two pixels overlaps its neighbour by 0.47 in the place of 0.449."""
    reference = suppressed(box(0, 0.9), box(38, 0.8))
    candidate = suppressed(box(0, 0.9), box(36, 0.8))
    assert kinds(agree(reference, candidate, INT8)) == [("pair", ""), ("lost", "excused")]
    assert kinds(agree(candidate, reference, INT8)) == [("pair", ""), ("extra", "excused")]


def test_what_follows_from_a_tie_is_excused() -> None:
    """The box that the other winner removes in turn, however much lower it scores."""
    reference = suppressed(box(0, 0.90), box(36, 0.89), box(72, 0.70))
    candidate = suppressed(box(0, 0.88), box(36, 0.89), box(72, 0.70))
    expected = [("lost", "excused"), ("lost", "excused"), ("extra", "excused")]
    assert kinds(agree(reference, candidate, INT8)) == expected


def test_a_cascade_may_be_long() -> None:
    """One swap at the end of a row of 300 boxes decides which half of them is kept."""
    tolerance = limits(max_score_diff=0.0008)
    scores = [0.9 - 0.001 * i for i in range(300)]
    rows = [box(36.0 * i, score) for i, score in enumerate(scores)]
    other = [box(0, 0.8988), box(36, 0.8992), *rows[2:]]
    reference = suppressed(box(0, 0.8994), box(36, 0.899), *rows[2:], most=300)
    judged = agree(reference, suppressed(*other, most=300), tolerance)
    assert kinds(judged) == [("lost", "excused")] * 150 + [("extra", "excused")] * 150


def test_a_tie_of_max_detections_is_excused() -> None:
    """Of two boxes that score alike, one is kept and it is another one."""
    reference = suppressed(box(0, 0.90), box(500, 0.89), most=1)
    candidate = suppressed(box(0, 0.88), box(500, 0.89), most=1)
    assert kinds(agree(reference, candidate, INT8)) == BOTH_EXCUSED


def test_a_tie_of_max_detections_is_excused_where_the_last_one_kept_is_kept_on_both_sides() -> None:
    """Only the score of the last one kept matters, not who it is."""
    reference = suppressed(box(0, 0.60), box(500, 0.59), box(900, 0.58), most=2)
    candidate = suppressed(box(0, 0.57), box(500, 0.59), box(900, 0.60), most=2)
    judged = agree(reference, candidate, INT8)
    assert kinds(judged) == [("pair", ""), ("lost", "excused"), ("extra", "excused")]


def test_what_max_detections_cuts_off_far_below_is_lost() -> None:
    """A score 0.1 below the last one kept is no tie."""
    reference = suppressed(box(0, 0.90), most=1)
    candidate = suppressed(box(500, 0.99), box(0, 0.89), most=1)
    assert kinds(agree(reference, candidate, INT8)) == [("lost", ""), ("extra", "")]


def test_what_max_detections_cuts_off_because_of_a_tie_is_excused() -> None:
    """The last one kept takes a place that it has only through a tie of NMS."""
    reference = suppressed(box(0, 0.9), box(36, 0.8), box(500, 0.7), most=2)
    candidate = suppressed(box(0, 0.9), box(38, 0.8), box(500, 0.7), most=2)
    expected = [("pair", ""), ("lost", "excused"), ("extra", "excused")]
    assert kinds(agree(reference, candidate, INT8)) == expected


def test_a_smaller_max_detections_inside_the_model_is_not_excused() -> None:
    """Where one side keeps more than the other, the limit differs, whatever it is called."""
    rows = [box(500.0 * i, 0.9) for i in range(3)]
    judged = agree(suppressed(*rows), suppressed(*rows, most=2), INT8)
    assert kinds(judged) == [("pair", ""), ("pair", ""), ("lost", "")]


def test_agnostic_nms_is_excused_across_classes() -> None:
    """The winner that swaps may be of another class."""
    options = {"mode": "agnostic", "label": "agnostic"}
    reference = suppressed(box(0, 0.90, 1), box(36, 0.89, 2), **options)
    candidate = suppressed(box(0, 0.88, 1), box(36, 0.89, 2), **options)
    assert kinds(agree(reference, candidate, INT8)) == BOTH_EXCUSED


def test_other_declared_settings_of_nms_are_never_excused() -> None:
    """The same swap between sides whose settings differ is lost and extra."""
    reference = suppressed(box(0, 0.90), box(36, 0.89))
    candidate = suppressed(box(0, 0.88), box(36, 0.89), label="class at IoU 0.46, at most 100")
    assert kinds(agree(reference, candidate, INT8)) == [("lost", ""), ("extra", "")]


@pytest.mark.parametrize(("hidden", "apart"), [(0.3, 40), (0.6, 30)])
def test_another_nms_limit_inside_the_model_is_not_excused(hidden: float, apart: float) -> None:
    """The settings are called the same; overlaps of 0.43 and 0.54 show that they are not."""
    rows = [box(0, 0.9), box(apart, 0.8)]
    inside = suppressed(*rows, nms_iou=hidden)
    assert kinds(agree(suppressed(*rows), inside, INT8))[1] in (("lost", ""), ("extra", ""))


def test_another_nms_limit_is_not_excused_where_the_suppressors_scores_differ() -> None:
    """A suppressor that is kept on both sides with too different a score did not swap."""
    reference = suppressed(box(0, 0.90), box(50, 0.85))
    candidate = suppressed(box(0, 0.84), box(50, 0.82), nms_iou=0.3)
    assert kinds(agree(reference, candidate, INT8)) == [("pair", ""), ("lost", "")]


def test_a_box_that_the_other_side_never_found_is_lost() -> None:
    """A removed box of another score, place or class is no twin."""
    for twin in (box(0, 0.84), box(20, 0.9), box(0, 0.9, 1)):
        candidate = side(box(36, 0.9), removed=removed((twin, 0, 0.47)))
        reference = side(box(0, 0.9), removed=removed((box(36, 0.89), 0, 0.47)))
        assert kinds(agree(reference, candidate, INT8))[0] == ("lost", "")


def test_an_invented_suppressor_excuses_nothing() -> None:
    """A box that only the candidate found, and that removes a true one, is no tie."""
    reference = suppressed(box(0, 0.90))
    candidate = suppressed(box(0, 0.90), box(36, 0.92))
    assert kinds(agree(reference, candidate, INT8)) == [("lost", ""), ("extra", "")]


def test_suppressors_in_a_circle_explain_nothing() -> None:
    """Four that are there only because of one another, two a side, are there for no reason."""
    at = {x: box(x, 0.9) for x in (0, 200, 400, 600)}
    in_candidate = removed((at[0], 0, 0.47), (at[400], 1, 0.47))  # by 200 and by 600
    in_reference = removed((at[200], 1, 0.47), (at[600], 0, 0.47))  # by 400 and by 0
    reference = side(at[0], at[400], removed=in_reference)
    candidate = side(at[200], at[600], removed=in_candidate)
    assert kinds(agree(reference, candidate, INT8)) == [("lost", "")] * 2 + [("extra", "")] * 2


def test_a_suppressor_may_be_within_the_limits_of_the_leftover_itself() -> None:
    """Lines of two pixels, half a pixel apart: the other neighbour is the suppressor's partner."""
    reference = suppressed((10, 0, 12, 2, 0.9), (11, 0, 13, 2, 0.9))
    candidate = suppressed((10.6, 0, 12.6, 2, 0.9), (10.5, 0, 12.5, 2, 0.89))
    assert kinds(agree(reference, candidate, INT8)) == [("pair", ""), ("lost", "excused")]


def test_one_removed_box_explains_one_leftover() -> None:
    """Two neighbours of a pixel's distance share a twin; one of them is truly lost."""
    reference = suppressed((10, 0, 12, 2, 0.90), (11, 0, 13, 2, 0.89), (9.9, 0, 14.2, 2, 0.88))
    candidate = suppressed((10.5, 0, 12.5, 2, 0.89), (9.9, 0, 14.2, 2, 0.90))
    judged = agree(reference, candidate, INT8)
    assert kinds(judged) == [("lost", "excused"), ("lost", ""), ("extra", "excused")]


def test_nothing_is_excused_where_nothing_is_known_of_nms() -> None:
    """A model with NMS inside does not say what it removed."""
    judged = agree(side(box(0, 0.9), nms="none"), side(box(36, 0.91), nms="none"), INT8)
    assert kinds(judged) == [("lost", ""), ("extra", "")]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=12, unique=True),
    st.sampled_from([0.2, 0.3, 0.4, 0.5, 0.6]),
    st.randoms(use_true_random=False),
)
def test_another_limit_on_equal_proposals_is_never_excused(places, hidden, random) -> None:
    """Nothing moved and no two proposals are alike, so no tie can explain what differs."""
    scores = [0.95 - 0.04 * i for i in range(len(places))]
    random.shuffle(scores)
    tolerance = limits(max_score_diff=0.03, max_corner_px=0.5)
    rows = [box(13.0 * x, score) for x, score in zip(places, scores, strict=True)]
    judged = agree(suppressed(*rows), suppressed(*rows, nms_iou=hidden), tolerance)
    assert "excused" not in {reason for _, reason in kinds(judged)}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=12, unique=True),
    st.randoms(use_true_random=False),
)
def test_what_was_taken_out_of_the_proposals_is_never_excused(places, random) -> None:
    """A candidate that does not find an object at all cannot call it a tie."""
    rows = [box(13.0 * x, 0.9 - 0.001 * random.randrange(40)) for x in places]
    tolerance = limits(max_corner_px=1.0)
    gone = random.choice(rows)
    moved = [(x + 0.2, *rest) for x, *rest in rows if (x, *rest) != gone]
    judged = agree(suppressed(*rows), suppressed(*moved), tolerance)  # 13 pixels are no twin
    for row in judged.select("lost", "excused"):
        assert row.reference_box != tuple(found(gone).boxes[0])
