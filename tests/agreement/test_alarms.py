"""What no budget excuses: a class that vanishes, a side that sees nothing, a bias."""

from __future__ import annotations

import numpy as np
import pytest
from agreeing import INT8, agree, codes, extra, good, image, lost, side, total

from parity.agreement import ImageAgreement, Row
from parity.detections import Detections, Removed, Side

MANY = [good(label=0) for _ in range(2000)]  # so that no share is used up


def shifted(shifts: np.ndarray, size: float = 300.0) -> ImageAgreement:
    """Boxes in a row, each moved by its row of ``shifts``, judged as int8."""
    count = len(shifts)
    boxes = np.tile([0.0, 0.0, size, size], (count, 1))
    boxes[:, ::2] += 2 * size * np.arange(count)[:, None]
    scores, classes = np.full(count, 0.9), np.arange(count)
    first, second = (
        Side(Detections(one, scores, classes), 0.5, 0.4, Removed.none(), "")
        for one in (boxes, boxes + shifts)
    )
    return agree(first, second, INT8)


@pytest.mark.parametrize(("gone", "fails"), [(2, False), (3, True)])
def test_a_class_that_loses_half_of_its_five_fails_inside_a_budget(gone: int, fails: bool) -> None:
    """Three of five lost among two thousand are 0.15 %, and yet the class is as good as gone."""
    rows = [*MANY, *[lost(label=1)] * gone, *[good(label=1)] * (5 - gone)]
    found = total([image(*rows)]).findings
    expected = {"class": 1, "lost": gone, "total": 5}
    assert [(one.code, one.facts) for one in found] == (
        [("class-vanished", expected)] if fails else []
    )


def test_exactly_half_is_enough() -> None:
    """Three of six are half."""
    rows = [*MANY, *[lost(label=1)] * 3, *[good(label=1)] * 3]
    assert codes(total([image(*rows)])) == ["class-vanished"]


def test_a_class_of_four_is_too_small_to_vanish() -> None:
    """Of four detections all may be lost, as far as the budget goes."""
    assert codes(total([image(*MANY, *[lost(label=1)] * 4)])) == []


def test_a_class_vanishes_by_flips_too() -> None:
    """Detections that are called something else are lost to their class."""
    rows = [*MANY, *[good(label=1, candidate_class=0)] * 3, *[good(label=1)] * 2]
    assert codes(total([image(*rows)])) == ["class-vanished"]


def test_a_class_vanishes_over_all_images_together() -> None:
    """Images with one of its detections each add up."""
    images = [image(*MANY), *[image(lost(label=1))] * 5]
    assert codes(total(images)) == ["class-vanished"]


def test_an_image_in_which_a_class_vanishes_fails_on_its_own() -> None:
    """The image's own verdict needs no suite."""
    reference = side(*((50 * i, 0, 50 * i + 20, 20, 0.9, 4) for i in range(5)))
    judged = agree(reference, side((0, 0, 20, 20, 0.9, 4)), INT8)
    assert [(one.code, one.facts) for one in judged.findings] == [
        ("class-vanished", {"class": 4, "lost": 4, "total": 5})
    ]


def test_what_the_reference_does_not_deploy_cannot_make_up_for_a_vanished_class() -> None:
    """Only deployed detections count; borderline ones of the candidate are none of them."""
    below = good(label=1, kind="borderline", reference_score=0.48, candidate_score=0.52)
    rows = [*MANY, *[lost(label=1)] * 3, *[good(label=1)] * 2, *[below] * 10]
    found = total([image(*rows)]).findings
    assert [one.facts for one in found] == [{"class": 1, "lost": 3, "total": 5}]


def test_a_class_whose_scores_collapse_below_the_threshold_vanishes() -> None:
    """From 0.9 to 0.41 a detection is still in sight, and no longer deployed."""
    fallen = good(
        label=1, kind="borderline", reference_score=0.9, candidate_score=0.41, score_within=False
    )
    assert codes(total([image(*MANY, *[fallen] * 5)])) == ["class-vanished"]


def test_a_class_that_wavers_at_the_threshold_does_not_vanish() -> None:
    """From 0.51 to 0.49 only the threshold parts the two sides."""
    wavering = good(label=1, kind="borderline", reference_score=0.51, candidate_score=0.49)
    assert codes(total([image(*MANY, *[wavering] * 5)])) == []


def test_excused_and_unjudgeable_losses_count_for_a_class() -> None:
    """No excuse lets a whole class disappear from what is deployed."""
    rows = [*MANY, *[lost(label=1, reason="excused")] * 3, *[good(label=1)] * 2]
    assert codes(total([image(*rows)])) == ["class-vanished"]


def test_a_class_that_only_the_candidate_has_does_not_vanish() -> None:
    """Extra detections are counted by their own share."""
    assert codes(total([image(*MANY, *[extra(label=1)] * 5)])) == []


@pytest.mark.parametrize(("score", "fails"), [(0.6, True), (0.599, False)])
def test_an_image_with_a_sure_detection_and_no_candidate_seen_fails(
    score: float, fails: bool
) -> None:
    """From threshold + band on, an empty answer is no accident of the threshold."""
    judged = agree(side((0, 0, 9, 9, score), (50, 0, 59, 9, 0.55)), side(), INT8)
    facts = {"empty": "candidate", "count": 2, "best": score}
    assert [(one.code, one.facts) for one in judged.findings] == (
        [("empty", facts)] if fails else []
    )


def test_a_reference_that_sees_nothing_fails_as_well() -> None:
    """Empty against non-empty is a failure whichever side is empty."""
    judged = agree(side(), side((0, 0, 9, 9, 0.95)), INT8)
    assert judged.findings[0].facts == {"empty": "reference", "count": 1, "best": 0.95}


def test_a_strict_tolerance_names_the_empty_side_too() -> None:
    """Beside the count of what is lost."""
    assert codes(agree(side((0, 0, 9, 9, 0.9)), side())) == ["lost", "empty"]


def test_one_candidate_seen_somewhere_is_not_empty() -> None:
    """Then what is lost counts against the budget."""
    judged = agree(side((0, 0, 9, 9, 0.9)), side((50, 0, 59, 9, 0.41)), INT8)
    assert codes(judged) == []


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 10, 100])
def test_large_boxes_all_shifted_by_twelve_pixels_are_a_bias(count: int) -> None:
    """300 pixels moved by 12 have IoU 0.92, within 0.88, and the suite fails from one pair on."""
    judged = shifted(np.tile([12.0, 0.0, 12.0, 0.0], (count, 1)))
    assert all(row.box_within for row in judged.rows)
    facts = {"median": 12.0, "pairs": count, "allowed": 1.0}
    assert [(one.code, one.facts) for one in total([judged]).findings] == [
        ("bias", {"side": "x1"} | facts),
        ("bias", {"side": "x2"} | facts),
    ]


@pytest.mark.parametrize(("count", "fails"), [(4, False), (5, True)])
def test_an_image_is_judged_for_bias_from_five_pairs_on(count: int, fails: bool) -> None:
    """Fewer are left to the suite."""
    judged = shifted(np.tile([0.0, -12.0, 0.0, -12.0], (count, 1)))
    assert codes(judged) == (["bias", "bias"] if fails else [])


@pytest.mark.parametrize(
    ("move", "fails"), [(1.0, False), (-1.0, False), (1.5, True), (-1.5, True)]
)
def test_a_bias_is_more_than_the_corner_limit(move: float, fails: bool) -> None:
    """One pixel is allowed either way."""
    judged = shifted(np.tile([0.0, 0.0, 0.0, move], (20, 1)))
    assert codes(total([judged])) == (["bias"] if fails else [])


@pytest.mark.parametrize("outlier", [-60.0, 60.0])
def test_a_bias_is_found_beside_outliers(outlier: float) -> None:
    """Three pairs of 40 that are far off either way hide nothing."""
    shifts = np.tile([3.0, 0.0, 3.0, 0.0], (40, 1))
    shifts[:3, ::2] = outlier
    assert codes(total([shifted(shifts)])) == ["box", "bias", "bias"]


def test_a_bias_is_found_in_noise() -> None:
    """Twelve pixels stand out of the noise of an int8 export from twenty pairs on."""
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(0, 5.7, (20, 4))
        assert "bias" in codes(total([shifted(noise + np.array([12, 0, 12, 0]))]))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 50])
def test_the_noise_of_an_int8_export_is_no_bias(count: int) -> None:
    """Corners that scatter evenly, up to 1 - IoU of 0.1, raise no alarm on 300 draws."""
    for seed in range(300):
        noise = np.random.default_rng([count, seed]).normal(0, 5.7, (count, 4))
        judged = shifted(noise)
        assert "bias" not in codes(judged) + codes(total([judged]))


def test_a_few_boxes_on_a_coarse_grid_are_no_bias() -> None:
    """Two boxes that a quantised head puts one step of 2.5 pixels further prove nothing."""
    assert codes(total([shifted(np.tile([2.5, 0.0, 2.5, 0.0], (2, 1)))])) == []


def test_one_box_that_grew_is_no_bias() -> None:
    """With one pair, only what moves both opposite sides alike can be told from noise."""
    assert codes(total([shifted(np.array([[-12.0, 0.0, 12.0, 0.0]]))])) == []


def test_leftovers_have_no_shift() -> None:
    """They neither make nor hide a bias."""
    rows = [Row("pair", shift=(12.0, 0.0, 12.0, 0.0))] * 30 + [lost(label=0)] * 60
    assert codes(total([image(*rows)])).count("bias") == 2


@pytest.mark.parametrize(("size", "found"), [(0.2, ["below-a-pixel"]), (8.0, [])])
def test_boxes_below_a_pixel_that_lie_apart_do_not_agree(size: float, found: list[str]) -> None:
    """Every corner is within the limit, as all of the image would be; small real boxes may move."""
    count = 4
    boxes = np.array([[one, one, one + size, one + size] for one in 20.0 * np.arange(count)])
    scores, classes = np.full(count, 0.9), np.arange(count)
    first, second = (
        Side(Detections(one, scores, classes), 0.5, 0.4, Removed.none(), "")
        for one in (boxes, boxes + 0.4)
    )
    assert [one.code for one in agree(first, second, INT8).findings] == found
