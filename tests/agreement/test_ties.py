"""Ties: NMS, top-k and thresholds choose otherwise among proposals that agree within every limit.

Boxes are 100 pixels wide and high, at a given x: 36 apart they have IoU 64 / 136 = 0.4706, above
the limit of 0.45, and 38 apart 62 / 138 = 0.4493, below it.
"""

from __future__ import annotations

import numpy as np
import pytest
from agreeing import FLOAT16, FLOAT32, INT8, agree, codes, hidden, kinds, limits, suppressed, total

from parity.agreement import ImageAgreement
from parity.agreement.ties import NONE, exchange

HERE = (1.0, 1.0)
BOTH_TIED = [("lost", "tie"), ("extra", "tie")]


def box(x: float, score: float, label: int = 0) -> tuple[float, ...]:
    """A box of 100 pixels at x."""
    return (x, 0, x + 100, 100, score, label)


def swap(first: float = 0.90, second: float = 0.89, other: float = 0.88) -> ImageAgreement:
    """Two boxes of which the reference keeps the first and the candidate the second."""
    reference = suppressed(box(0, first), box(36, second))
    return agree(reference, suppressed(box(0, other), box(36, second)), INT8)


def test_a_winner_of_nms_that_swaps_is_a_tie_on_both_sides() -> None:
    """The same two proposals, of which the other one scores higher by a hair."""
    assert kinds(swap()) == BOTH_TIED


def test_ties_never_fail_strict_tolerances_included() -> None:
    """They are counted and shown. 0.4108 and 0.4096 in a sound float16 model are such a swap."""
    low = {"threshold": 0.4, "floor": 0.39}
    reference = suppressed(box(0, 0.4108), box(36, 0.4096), **low)
    judged = agree(
        reference,
        suppressed(box(0, 0.4092), box(36, 0.4101), **low),
        limits(FLOAT32, max_score_diff=0.01, band=0.01),
    )
    assert kinds(judged) == BOTH_TIED
    assert judged.findings == ()
    assert codes(total([judged], FLOAT32)) == []


def test_a_row_that_is_a_tie_tells_how_far_its_twin_is() -> None:
    """The reference's own proposal is there, removed: its score is 0.02 lower."""
    (lost, _) = swap().rows
    assert lost.twin is not None
    assert lost.twin.shift == (0, 0, 0, 0)
    assert lost.twin.score_diff == pytest.approx(-0.02)


def test_a_winner_that_swaps_by_more_than_the_score_limit_is_no_tie() -> None:
    """0.90 against 0.80 is another score: the reference's proposal has no twin."""
    assert kinds(swap(0.90, 0.85, 0.80))[0] == ("lost", "")


def test_a_lead_that_turns_around_within_the_limits_is_a_tie() -> None:
    """0.03 ahead in the reference, 0.06 behind in the candidate, no score more than 0.05 off."""
    reference = suppressed(box(0, 0.90), box(36, 0.87))
    candidate = suppressed(box(0, 0.855), box(36, 0.915))
    assert kinds(agree(reference, candidate, INT8)) == BOTH_TIED


def test_an_overlap_on_the_other_side_of_the_limit_is_a_tie() -> None:
    """A box that moved by two pixels overlaps its neighbour by 0.47 in the place of 0.449."""
    reference = suppressed(box(0, 0.9), box(38, 0.8))
    candidate = suppressed(box(0, 0.9), box(36, 0.8))
    assert kinds(agree(reference, candidate, INT8)) == [("pair", ""), ("lost", "tie")]
    assert kinds(agree(candidate, reference, INT8)) == [("pair", ""), ("extra", "tie")]


def test_an_overlap_within_a_millionth_of_the_limit_is_a_tie() -> None:
    """Rounding alone decides, and a strict tolerance holds."""
    shift = 100 * (1 - 0.45) / (1 + 0.45)  # IoU 0.45
    reference = suppressed(box(0, 0.9), box(shift + 1e-5, 0.8))
    candidate = suppressed(box(0, 0.9), box(shift - 1e-5, 0.8))
    judged = agree(reference, candidate, FLOAT32)
    assert (kinds(judged), judged.findings) == ([("pair", ""), ("lost", "tie")], ())


def test_what_follows_from_a_tie_is_one() -> None:
    """The box that the other winner removes in turn, however much lower it scores."""
    reference = suppressed(box(0, 0.90), box(36, 0.89), box(72, 0.70))
    candidate = suppressed(box(0, 0.88), box(36, 0.89), box(72, 0.70))
    expected = [("lost", "tie"), ("lost", "tie"), ("extra", "tie")]
    assert kinds(agree(reference, candidate, INT8)) == expected


def test_a_cascade_may_be_long() -> None:
    """One swap at the end of a row of 300 boxes decides which half of them is kept."""
    tolerance = limits(max_score_diff=0.0008)
    scores = [0.9 - 0.001 * i for i in range(300)]
    rows = [box(36.0 * i, score) for i, score in enumerate(scores)]
    other = [box(0, 0.8988), box(36, 0.8992), *rows[2:]]
    reference = suppressed(box(0, 0.8994), box(36, 0.899), *rows[2:], most=300)
    judged = agree(reference, suppressed(*other, most=300), tolerance)
    assert kinds(judged) == [("lost", "tie")] * 150 + [("extra", "tie")] * 150


def test_places_of_max_detections_are_ties_among_equal_scores() -> None:
    """150 objects of 0.999 give or take a millionth, of which 100 are kept: any hundred."""
    rng = np.random.default_rng(0)
    places = [(200.0 * i, 0, 200.0 * i + 50, 50) for i in range(150)]
    first, second = (
        suppressed(*((*one, 0.999 + rng.uniform(-1e-6, 1e-6)) for one in places)) for _ in range(2)
    )
    judged = agree(first, second, FLOAT32)
    assert judged.findings == ()
    assert sum(row.tie for row in judged.rows) > 10


def test_what_max_detections_cuts_off_because_of_another_score_is_lost() -> None:
    """A box that only the candidate is sure of takes the place."""
    reference = suppressed(box(500, 0.55), box(0, 0.90), most=1)
    candidate = suppressed(box(500, 0.99), box(0, 0.89), most=1)
    assert kinds(agree(reference, candidate, INT8)) == [("lost", ""), ("extra", "")]


def test_agnostic_nms_ties_across_classes() -> None:
    """The winner that swaps may be of another class."""
    reference = suppressed(box(0, 0.90, 1), box(36, 0.89, 2), mode="agnostic")
    candidate = suppressed(box(0, 0.88, 1), box(36, 0.89, 2), mode="agnostic")
    assert kinds(agree(reference, candidate, INT8)) == BOTH_TIED


def test_a_tie_does_not_excuse_another_threshold() -> None:
    """The candidate would not have deployed the reference's winner, had it kept it."""
    reference = suppressed(box(0, 0.55), box(36, 0.54))
    candidate = suppressed(box(0, 0.53), box(36, 0.54), threshold=0.6, floor=0.5)
    judged = agree(reference, candidate, INT8)
    assert kinds(judged) == [("lost", "threshold")]
    assert "settings" in codes(judged)


def test_a_proposal_that_is_taken_out_is_lost_although_its_neighbour_is_kept() -> None:
    """The row that made the reference's detection says nothing any more: no noise does that."""
    rows = [box(0, 0.90), box(20, 0.80)]
    judged = agree(suppressed(*rows), suppressed(box(0, 0.1), rows[1]), FLOAT32)
    assert "tie" not in {reason for _, reason in kinds(judged)}
    assert judged.findings


def test_a_proposal_that_moved_or_was_rescored_keeps_its_fault_beside_a_tie() -> None:
    """One swap is a tie, one box is off by 5 pixels, one score by 0.1: only the first is noise."""
    rows = [box(0, 0.90), box(36, 0.89), box(500, 0.8), box(1000, 0.7)]
    other = [box(0, 0.88), box(36, 0.89), box(505, 0.8), box(1000, 0.6)]
    judged = agree(suppressed(*rows), suppressed(*other), limits(INT8, min_box_iou=0.95))
    assert [(row.reason, row.box_within, row.score_within) for row in judged.rows] == [
        ("", False, True),
        ("", True, False),
        ("tie", False, False),
        ("tie", False, False),
    ]


def test_an_invented_box_ties_with_nothing() -> None:
    """A box that only the candidate found, and that removes a true one."""
    reference = suppressed(box(0, 0.90), box(36, 0.1))
    candidate = suppressed(box(0, 0.90), box(36, 0.92))
    assert ("extra", "") in kinds(agree(reference, candidate, INT8))


def test_a_duplicate_is_extra_although_it_lies_nearer_than_the_twin() -> None:
    """Of two within every limit the one from the reference's own row is its partner."""
    reference = suppressed(box(0, 0.9), box(0, 0.1), mode="none")
    candidate = suppressed(box(0.3, 0.9), box(0.1, 0.9), mode="none")
    judged = agree(reference, candidate, INT8)
    (pair, extra) = judged.rows
    assert (pair.kind, pair.candidate_box) == ("pair", (0.3, 0, 100.3, 100))
    assert (extra.kind, extra.reason) == ("extra", "")


def test_partners_that_are_not_each_other_tie_where_each_has_its_own_twin() -> None:
    """Three boxes of two pixels in a crowd of four: more are paired so than twin by twin.

    The last pair, of a box that noise alone keeps below the threshold and one whose twin stands in
    another pair, is off by 0.6 pixels, and neither of the two is.
    """
    reference = [
        (0.0, 0.0, 2.0, 1.6, 0.501),
        (0.5, 0.0, 2.1, 2.0, 0.4985),
        (0.0, 0.5, 1.6, 2.5, 0.500),
        (0.5, 0.0, 2.7, 2.0, 0.499),
    ]
    candidate = [
        (*reference[1][:4], 0.5059),
        (*reference[0][:4], 0.5036),
        (*reference[2][:4], 0.5069),
        (*reference[3][:4], 0.5056),
    ]
    choice = {"nms_iou": 0.7, "most": 3, "floor": 0.49}
    judged = agree(suppressed(*reference, **choice), suppressed(*candidate, **choice), FLOAT16)
    assert [(row.within, row.tie) for row in judged.rows].count((False, True)) == 1
    assert judged.findings == ()


def test_of_equal_proposals_the_reference_chooses_first() -> None:
    """Two that are the same in all but their row: which of them is kept is nobody's fault."""
    choice = {"mode": "none", "most": 1}
    reference = suppressed(box(0, 0.9), box(0, 0.9), box(500, 0.8998), **choice)
    candidate = suppressed(box(0, 0.8996), box(0, 0.8996), box(500, 0.9), **choice)
    judged = agree(reference, candidate, FLOAT32)
    assert (kinds(judged), judged.findings) == (BOTH_TIED, ())


def test_a_side_that_hides_its_proposals_proves_no_tie() -> None:
    """What it removed is unknown: see the likely ties of ``test_hidden.py``."""
    shown = suppressed(box(0, 0.9), box(36, 0.89))
    assert exchange(shown, hidden(shown), INT8, HERE) is None


def test_rows_that_correspond_make_twins_row_by_row() -> None:
    """A neighbour within every limit is no twin of another row."""
    rows = [box(0, 0.9), box(1, 0.9)]
    found = exchange(suppressed(*rows), suppressed(*rows), INT8, HERE)
    assert found is not None
    assert found.twin_of_reference.tolist() == [0, 1]


def test_rows_in_another_order_make_twins_by_assignment() -> None:
    """The levels of a pyramid, joined the other way round, are the same proposals."""
    rows = [box(500.0 * i, 0.9 - 0.1 * i) for i in range(4)]
    found = exchange(suppressed(*rows), suppressed(*rows[::-1]), INT8, HERE)
    assert found is not None
    assert found.twin_of_reference.tolist() == [3, 2, 1, 0]


def test_a_row_of_another_class_is_no_twin() -> None:
    """Each class of a row is a proposal of its own."""
    found = exchange(suppressed(box(0, 0.9, 1)), suppressed(box(0, 0.9, 2)), INT8, HERE)
    assert found is not None
    assert found.twin_of_reference.tolist() == [NONE]
