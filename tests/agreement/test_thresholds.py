"""From which score a detection counts, how far below it partners are looked for, what is hidden."""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, codes, kinds, limits, side, suppressed, total

from parity.detections import Side

BOX = (0, 0, 50, 50)


def at(*scores: float, **settings: float) -> Side:
    """Boxes far apart, one for each score."""
    return side(
        *((100 * i, 0, 100 * i + 50, 50, score) for i, score in enumerate(scores)), **settings
    )


def test_a_detection_at_the_threshold_is_deployed() -> None:
    """The threshold itself belongs to what is deployed."""
    judged = agree(at(0.5), at(0.5))
    assert kinds(judged) == [("pair", "")]
    assert (judged.reference_deployed, judged.candidate_deployed) == (1, 1)


def test_what_neither_side_deploys_is_not_judged() -> None:
    """Two detections below the threshold make no row, however far apart their scores are."""
    judged = agree(at(0.49), at(0.41), INT8)
    assert judged.rows == ()
    assert (judged.reference_seen, judged.candidate_seen) == (1, 1)


@pytest.mark.parametrize(("ours", "theirs"), [(0.52, 0.48), (0.48, 0.52)])
def test_a_flip_across_the_same_threshold_within_the_band_is_borderline(
    ours: float, theirs: float
) -> None:
    """One side deploys it and the other nearly did: shown apart, and no loss."""
    judged = agree(at(ours), at(theirs), INT8)
    assert kinds(judged) == [("borderline", "")]
    assert judged.rows[0].within
    assert codes(judged) == []


def test_a_borderline_pair_must_meet_the_score_limit() -> None:
    """Being within the band is no excuse for a score that is further off than allowed."""
    judged = agree(at(0.55), at(0.45), limits(INT8, max_score_diff=0.09))
    assert kinds(judged) == [("borderline", "")]
    assert not judged.rows[0].score_within


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"), [(0.99, 0.401, "lost"), (0.401, 0.99, "extra")]
)
def test_a_partner_whose_score_is_beyond_the_band_is_lost_or_extra(
    ours: float, theirs: float, kind: str
) -> None:
    """From 0.99 to 0.401 an object is still in sight, and nobody deploys it."""
    judged = agree(at(ours), at(theirs), INT8)
    (row,) = judged.rows
    assert (row.kind, row.reason, row.unexplained) == (kind, "beyond-band", True)
    assert (row.reference_score, row.candidate_score) == (ours, theirs)


def test_a_partner_at_the_end_of_the_band_is_borderline() -> None:
    """The band itself belongs to what is looked at."""
    assert kinds(agree(at(0.55), at(0.45), INT8)) == [("borderline", "")]


def test_below_the_band_there_is_no_partner() -> None:
    """A detection just below the floor is not seen: its partner is lost."""
    judged = agree(at(0.52), at(0.39, floor=0.0), INT8)
    assert kinds(judged) == [("lost", "")]
    assert judged.candidate_seen == 0
    assert judged.candidate_floor == 0.4


def test_the_reference_is_not_looked_at_below_the_band_either() -> None:
    """A detection of the candidate finds no partner below the reference's band."""
    judged = agree(at(0.39, floor=0.0), at(0.52), INT8)
    assert kinds(judged) == [("extra", "")]
    assert (judged.reference_seen, judged.reference_floor) == (0, 0.4)


@pytest.mark.parametrize("base", [FLOAT32, INT8])
def test_another_declared_threshold_of_the_candidate_loses_what_lies_between(base) -> None:
    """Seen with the same score but deployed from a higher threshold: lost, for that reason."""
    judged = agree(at(0.55), at(0.55, threshold=0.6, floor=0.5), base)  # float32 sees it not
    assert kinds(judged) == [("lost", "threshold")]
    assert "lost" in codes(total([judged], base))


@pytest.mark.parametrize("base", [FLOAT32, INT8])
def test_another_declared_threshold_of_the_reference_makes_extras(base) -> None:
    """Seen with the same score but deployed from a lower threshold: extra, for that reason."""
    judged = agree(at(0.55, threshold=0.6, floor=0.5), at(0.55), base)
    assert kinds(judged) == [("extra", "threshold")]
    assert "extra" in codes(total([judged], base))


def test_a_lower_threshold_is_still_borderline_within_its_own_band() -> None:
    """Where the other's score lies below this side's threshold too, only the band decides."""
    judged = agree(at(0.55, threshold=0.54), at(0.52, threshold=0.53), INT8)
    assert kinds(judged) == [("borderline", "")]


def test_a_hidden_band_does_not_excuse_another_threshold() -> None:
    """What the candidate could not deploy even with an equal score is lost, not unjudgeable."""
    judged = agree(at(0.55, 0.65), at(threshold=0.6, floor=0.6), INT8)
    assert kinds(judged) == [("lost", "unjudgeable"), ("lost", "threshold")]


@pytest.mark.parametrize(
    ("score", "reason"),
    [(0.5, "unjudgeable"), (0.59, "unjudgeable"), (0.6, ""), (0.9, "")],
)
def test_a_floor_that_hides_the_band_makes_low_scores_unjudgeable(
    score: float, reason: str
) -> None:
    """A model that emits nothing below 0.5 says nothing of what may lie between 0.4 and 0.5."""
    assert kinds(agree(at(score), at(floor=0.5), INT8)) == [("lost", reason)]


def test_the_references_floor_can_hide_as_well() -> None:
    """A dump of the reference down to its threshold leaves the candidate's low scores open."""
    judged = agree(at(floor=0.45), at(0.54, 0.56), INT8)
    assert kinds(judged) == [("extra", ""), ("extra", "unjudgeable")]


def test_a_floor_at_the_end_of_the_band_hides_nothing() -> None:
    """0.3 - 0.1 is a little less than 0.2, yet a floor of 0.2 is the end of that band."""
    assert 0.3 - 0.1 < 0.2
    judged = agree(at(0.3, threshold=0.3, floor=0.2), at(threshold=0.3, floor=0.2), INT8)
    assert kinds(judged) == [("lost", "")]


def test_a_partner_that_is_seen_is_judged_although_the_floor_hides_others() -> None:
    """A hidden band only matters to what has no partner."""
    assert kinds(agree(at(0.55), at(0.52, floor=0.5), INT8)) == [("pair", "")]


def test_unjudgeable_fails_a_strict_tolerance_by_its_own_name() -> None:
    """It is neither passed in silence nor called lost."""
    judged = agree(at(0.9, 0.5002), at(0.9, floor=0.5))
    assert [(one.code, one.facts) for one in judged.findings] == [("unjudgeable", {"count": 1})]


def test_unjudgeable_ones_count_against_a_budget() -> None:
    """One of 100 detections of both sides is allowed by 1 %, two are not."""
    few = total([agree(at(*[0.9] * 50, 0.55), at(*[0.9] * 50, floor=0.5), INT8)])
    assert codes(few) == []
    many = total([agree(at(*[0.9] * 50, 0.55, 0.56), at(*[0.9] * 50, floor=0.5), INT8)])
    assert codes(many) == ["unjudgeable"]
    assert many.findings[0].facts == {"count": 2, "total": 102, "allowed": 0.01, "share": True}


def test_narrowing_keeps_what_is_above_and_renames_the_suppressors() -> None:
    """A side seen less far down knows the same of what is left."""
    wide = suppressed(
        (500, 0, 510, 10, 0.42), (0, 0, 10, 10, 0.9), (1, 0, 11, 10, 0.55), (20, 0, 30, 10, 0.5)
    )
    narrow = wide.narrowed(0.5)
    assert narrow.seen.scores.tolist() == [0.9, 0.5]
    assert narrow.removed.detections.scores.tolist() == [0.55]
    assert narrow.removed.suppressor.tolist() == [0]
    assert narrow.floor == 0.5
    assert narrow.proposals is not None
    assert narrow.proposals.rows.tolist() == [1, 2, 3]


def test_narrowing_gives_what_nms_would_have_given_there() -> None:
    """NMS goes from high scores to low."""
    rows = [(10.0 * i, 0, 10.0 * i + 25, 10, 0.9 - 0.07 * i) for i in range(7)]
    narrow, anew = suppressed(*rows).narrowed(0.6), suppressed(*rows, floor=0.6)
    assert narrow.seen.scores.tolist() == anew.seen.scores.tolist()
    assert narrow.removed.suppressor.tolist() == anew.removed.suppressor.tolist()


def test_narrowing_to_a_lower_floor_changes_nothing() -> None:
    """What was never seen does not come into sight."""
    wide = side((0, 0, 9, 9, 0.9), floor=0.45)
    assert wide.narrowed(0.4) is wide
