"""All images of a suite together: each share at its edge, and what is not judged at all."""

from __future__ import annotations

import pytest
from agreeing import (
    FLOAT32,
    INT8,
    agree,
    codes,
    extra,
    good,
    image,
    limits,
    lost,
    side,
    total,
)

from parity.agreement import Row, Share, budget

MISSES = {
    "box": good(box_within=False),
    "score": good(score_within=False),
    "class": good(candidate_class=7),
    "lost": lost(),
    "extra": extra(),
    "excused": lost(reason="excused"),
    "unjudgeable": extra(reason="unjudgeable"),
}


def suite(code: str, misses: int, of: int) -> list[Row]:
    """Rows of which some miss one limit, each of a class of its own; ``of`` is its denominator."""
    rows = [good(label=i) for i in range(of - misses)]
    return rows + [MISSES[code]] * misses


@pytest.mark.parametrize("code", ["box", "score", "class", "lost", "extra"])
@pytest.mark.parametrize(("share", "of"), [(0.1, 100), (0.01, 300), (0.29, 100), (0.5, 8)])
def test_a_share_holds_at_its_limit_and_fails_with_one_more(
    code: str, share: float, of: int
) -> None:
    """Also where floats fall short of the limit, as 1 - 0.9 does of 0.1."""
    tolerance = limits(min_within=1 - share, max_lost=share, max_extra=share, max_class_flips=share)
    allowed = round(share * of)
    rows = suite(code, allowed, of)
    assert code not in codes(total([image(*rows)], tolerance))
    rows = suite(code, allowed + 1, of)
    assert code in codes(total([image(*rows)], tolerance))


@pytest.mark.parametrize("code", ["excused", "unjudgeable"])
def test_excused_and_unjudgeable_ones_share_all_deployed_detections(code: str) -> None:
    """Two of 200 of both sides are 1 %, three are more; each of the two has the whole share."""
    rows = [good(label=i) for i in range(99)]
    both = [
        lost(1, "excused"),
        extra(2, "excused"),
        lost(3, "unjudgeable"),
        extra(4, "unjudgeable"),
    ]
    assert codes(total([image(*rows, *both, reference=100, candidate=100)])) == []
    more = [*both, MISSES[code]]
    assert codes(total([image(*rows, *more, reference=100, candidate=100)])) == [code]


def test_every_share_names_its_limit_its_count_and_its_total() -> None:
    """What is shown of a budget are these numbers."""
    rows = [
        *[good(label=i) for i in range(7)],
        good(box_within=False),
        *[lost(), extra(), extra()],
        good(kind="borderline", reference_score=0.45, candidate_score=0.55, score_within=False),
    ]
    outside = 1 - 0.95
    assert total([image(*rows)]).shares == (
        Share("box", "min_within", 1, 9, outside),
        Share("score", "min_within", 0, 8, outside),
        Share("risen", "min_within", 1, 11, outside),
        Share("lost", "max_lost", 1, 10, 0.01),
        Share("extra", "max_extra", 2, 11, 0.01),
        Share("class", "max_class_flips", 0, 9, 0.01),
        Share("excused", "max_excused", 0, 21, 0.01),
        Share("unjudgeable", "max_excused", 0, 21, 0.01),
    )


def test_images_are_judged_together() -> None:
    """Two boxes lost of 100 are too many, and are not once other images have another 100."""
    worse = image(*[good(label=i) for i in range(98)], lost(), lost())
    assert codes(total([worse])) == ["lost"]
    assert codes(total([worse, image(*[good(label=i) for i in range(100)])])) == []


def test_another_threshold_counts_as_lost_and_as_extra() -> None:
    """A declared difference of settings is a disagreement, never an excuse."""
    rows = [good(label=i) for i in range(50)]
    assert codes(total([image(*rows, *[lost(reason="threshold")] * 2)])) == ["lost"]
    assert codes(total([image(*rows, *[extra(reason="threshold")] * 2)])) == ["extra"]


def test_ties_are_in_no_share() -> None:
    """They prove nothing against the candidate, and nothing for it."""
    ties = [lost(reason="tie"), extra(reason="tie"), good(reason="tie", box_within=False)]
    rows = [good(label=i) for i in range(3)]
    found = total([image(*rows, *ties, reference=5, candidate=5)])
    assert codes(found) == []
    assert [(share.count, share.total) for share in found.shares[:2]] == [(0, 3), (0, 3)]


def test_scores_are_budgeted_on_what_the_reference_deploys() -> None:
    """Choosing by what the candidate deploys would choose what its noise has raised.

    16 of 27 pairs that only the candidate deploys are beyond the limit in a healthy network of 620
    others with 19: a share of their own, of all that the candidate deploys.
    """
    below = {"kind": "borderline", "reference_score": 0.45, "candidate_score": 0.52}
    rows = [
        *[good(label=i % 40) for i in range(601)],
        *[good(label=i, score_within=False) for i in range(19)],
        *[good(label=i, score_within=i >= 16, **below) for i in range(27)],
    ]
    found = total([image(*rows)])
    assert codes(found) == []
    assert [(share.code, share.count, share.total) for share in found.shares[1:3]] == [
        ("score", 19, 620),
        ("risen", 16, 647),
    ]


def test_too_many_that_have_risen_fail() -> None:
    """The share of their own has a limit too."""
    below = {"kind": "borderline", "reference_score": 0.45, "candidate_score": 0.55}
    rows = [good(label=i, score_within=i < 90, **(below if i >= 90 else {})) for i in range(100)]
    assert codes(total([image(*rows)])) == ["risen"]


def test_one_of_few_is_no_share_and_holds() -> None:
    """1 of 51 is 1.96 %, and 51 cannot lose less than one."""
    rows = [good(label=i) for i in range(50)]
    for miss in (lost(), lost(reason="excused")):
        found = total([image(*rows, miss)])
        assert codes(found) == []
        assert found.more_images > 0


@pytest.mark.parametrize(("total_", "holds"), [(1, False), (5, False), (6, True)])
def test_one_of_five_or_fewer_is_surely_more_than_one_percent(total_: int, holds: bool) -> None:
    """The 95 % interval of 1 of 5 starts at 1.02 %, that of 1 of 6 at 0.85 %."""
    assert Share("lost", "max_lost", 1, total_, 0.01).holds is holds


@pytest.mark.parametrize(("total_", "holds"), [(1, False), (2, True)])
def test_one_of_one_is_surely_more_than_five_percent(total_: int, holds: bool) -> None:
    """One time in twenty by chance, which is no longer chance."""
    assert Share("box", "min_within", 1, total_, 1 - 0.95).holds is holds


def test_a_budget_is_proven_where_the_interval_lies_within() -> None:
    """0 of 299 prove 1 % with 95 % confidence, 0 of 298 do not; nor is nothing ever proven by 0."""
    assert Share("lost", "max_lost", 0, 299, 0.01).proven
    assert not Share("lost", "max_lost", 0, 298, 0.01).proven
    assert not Share("lost", "max_lost", 0, 0, 0.01).proven
    assert [Share("lost", "max_lost", 0, n, 0.01).needed for n in (0, 20, 298, 299, 400)] == [
        *[299] * 4,
        400,
    ]
    assert Share("lost", "max_lost", 1, 20, 0.01).needed == 473


def test_the_images_that_would_prove_a_budget_are_counted() -> None:
    """Ten images with ten objects each: thirty prove 1 % of 299, twenty more than there are."""
    images = [image(*[good(label=i) for i in range(10)]) for _ in range(10)]
    assert total(images).more_images == 20
    assert total(images * 3).more_images == 0
    assert total(images, FLOAT32).more_images == 0


def test_borderline_pairs_are_judged_pairs() -> None:
    """Their misses and their number count as those of other pairs."""
    below = good(kind="borderline", candidate_score=0.48, score_within=False)
    rows = [good(label=i) for i in range(10)] + [below]
    share = total([image(*rows)]).shares[1]
    assert (share.count, share.total) == (1, 11)


def test_something_found_among_nothing_uses_all_of_its_budget() -> None:
    """An extra detection where the candidate deploys none cannot be a small share."""
    share = Share("extra", "max_extra", 1, 0, 0.5)
    assert (share.used, share.holds) == (1.0, False)
    assert Share("extra", "max_extra", 0, 0, 0.0).holds
    assert Share("extra", "max_extra", 0, 0, 0.0).used == 0.0


@pytest.mark.parametrize("code", sorted(MISSES))
def test_a_strict_tolerance_has_budgets_of_nothing(code: str) -> None:
    """One miss of any kind among a thousand fails."""
    rows = [good(label=i) for i in range(1000)]
    assert code in codes(total([image(*rows, MISSES[code])], FLOAT32))
    assert codes(total([image(*rows)], FLOAT32)) == []


@pytest.mark.parametrize("tolerance", [FLOAT32, INT8])
def test_no_image_compared_is_a_failure(tolerance) -> None:
    """Nothing was judged, so nothing holds."""
    assert codes(budget({}, tolerance)) == ["no-image"]


@pytest.mark.parametrize("tolerance", [FLOAT32, INT8])
def test_nothing_detected_anywhere_is_a_failure(tolerance) -> None:
    """Two detectors that see nothing in the whole suite agree on nothing."""
    blind = agree(side(), side((0, 0, 9, 9, 0.45)), tolerance)
    found = total([blind, blind], tolerance).findings
    assert [(one.code, one.facts) for one in found] == [("nothing-detected", {"images": 2})]


def test_one_detection_on_one_side_is_not_nothing() -> None:
    """Then it is lost or extra, and named so."""
    judged = agree(side((0, 0, 9, 9, 0.55)), side(), INT8)
    assert codes(total([judged])) == ["lost"]


@pytest.mark.parametrize("tolerance", [FLOAT32, INT8])
def test_an_image_without_objects_beside_one_with_is_fine(tolerance) -> None:
    """Only a suite in which nothing at all is detected fails for it."""
    seen = agree(side((0, 0, 9, 9, 0.9)), side((0, 0, 9, 9, 0.9)), tolerance)
    assert codes(total([agree(side(), side(), tolerance), seen], tolerance)) == []
