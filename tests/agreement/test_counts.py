"""Groups that are gone, come from nowhere, or miss a limit together: no budget covers them.

Boxes of ``good``, ``lost`` and ``extra`` are of COCO's medium size. Chances: an object that scores
within ``max_score_diff`` (0.05) of the threshold (0.5) is gone every other time, others one time in
a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreeing import BOX, FLOAT32, INT8, agree, codes, extra, good, image, lost, suppressed, total

from parity.agreement import Budget, ImageAgreement, Row

MANY = [good(label=0) for _ in range(2000)]  # so that no share is used up
SMALL = (0.0, 0.0, 12.0, 12.0)
GROUPS = ("vanished", "appeared", "concentrated")


def groups(found: Budget, code: str) -> list[tuple[str, Any]]:
    """The groups that a code is found of."""
    return [(one.facts["group"], one.facts["value"]) for one in found.findings if one.code == code]


def fallen(label: int = 1, before: float = 0.9, after: float = 0.45) -> Row:
    """A detection of the reference whose partner is seen, and not deployed."""
    return good(label=label, kind="borderline", reference_score=before, candidate_score=after)


def risen(label: int = 1, before: float = 0.45, after: float = 0.9) -> Row:
    """A detection of the candidate whose partner is seen, and not deployed."""
    return good(label=label, kind="borderline", reference_score=before, candidate_score=after)


@pytest.mark.parametrize(("gone", "fails"), [(2, False), (3, True)])
def test_a_class_that_loses_more_than_half_fails_inside_a_budget(gone: int, fails: bool) -> None:
    """Three of five lost among two thousand are 0.15 %, and yet the class is as good as gone."""
    rows = [*MANY, *[lost(label=1)] * gone, *[good(label=1)] * (5 - gone)]
    found = total([image(*rows)]).findings
    expected = {"group": "class", "value": 1, "count": gone, "total": 5, "more": 0}
    assert [(one.code, one.facts) for one in found] == ([("vanished", expected)] if fails else [])


def test_half_is_not_more_than_half() -> None:
    """Three of six may be lost, as far as the budget goes."""
    rows = [*MANY, *[lost(label=1)] * 3, *[good(label=1)] * 3]
    assert codes(total([image(*rows)])) == []


def test_one_lost_object_of_a_class_of_one_is_chance() -> None:
    """One time in a hundred is no surprise among several groups; two of two are one."""
    assert codes(total([image(*MANY, lost(label=1))])) == []
    assert groups(total([image(*MANY, *[lost(label=1)] * 2)]), "vanished") == [("class", 1)]


def test_the_more_groups_there_are_the_less_a_small_one_says() -> None:
    """Two lost of two: one in ten thousand, and with twenty images not rare enough."""
    images = [image(*[good(label=0)] * 100) for _ in range(20)]
    images[7] = image(*[good(label=0)] * 98, *[lost(label=1)] * 2)
    assert codes(total(images)) == []
    images[8] = image(*[good(label=0)] * 98, *[lost(label=1)] * 2)
    assert groups(total(images), "vanished") == [("class", 1)]


def test_a_class_that_is_never_deployed_has_vanished() -> None:
    """0 of 40: every one is seen, below the threshold."""
    assert groups(total([image(*MANY, *[fallen()] * 40)]), "vanished") == [("class", 1)]


def test_a_class_of_four_that_vanishes_and_a_phantom_class_of_four_are_found() -> None:
    """Among 480 each is 0.8 %, which the budget of 1 % would cover."""
    rest = [good(label=0)] * 480
    assert groups(total([image(*rest, *[lost(label=1)] * 4)]), "vanished") == [("class", 1)]
    assert groups(total([image(*rest, *[extra(label=1)] * 4)]), "appeared") == [("class", 1)]
    assert codes(total([image(*rest, *[good(label=1)] * 4)])) == []


def test_a_class_vanishes_by_flips_too_and_another_appears() -> None:
    """Detections that are called something else are lost to their class, and new to the other."""
    rows = [*MANY, *[good(label=1, candidate_class=2)] * 3, *[good(label=1)] * 2]
    found = total([image(*rows)])
    assert groups(found, "vanished") == [("class", 1)]
    assert groups(found, "appeared") == [("class", 2)]


def test_a_class_vanishes_over_all_images_together() -> None:
    """Images with one of its detections each add up."""
    images = [image(*MANY), *[image(lost(label=1), *MANY[:50])] * 5]
    assert groups(total(images), "vanished") == [("class", 1)]


def test_an_image_that_loses_all_beside_a_junk_box_is_found() -> None:
    """Eight objects of eight classes, one box from nowhere: the image is not empty, and is gone."""
    rows = [lost(label=i) for i in range(8)]
    images = [image(*[good(label=i % 8) for i in range(64)]) for _ in range(15)]
    found = total([*images, image(*rows, extra(label=3))])
    assert groups(found, "vanished") == [("image", "15")]
    assert groups(total([*images, image(*[good(label=i) for i in range(8)])]), "vanished") == []


def test_a_suite_that_loses_most_objects_is_told_as_a_whole() -> None:
    """Spread over classes and images that are too small to tell."""
    images = [image(lost(label=i)) for i in range(12)]
    assert groups(total(images), "vanished") == [("all", None)]


def test_the_worst_of_several_groups_is_named_and_the_others_are_counted() -> None:
    """Three classes of 3, 5 and 4: a hundred images that are off would be a hundred lines."""
    rows = [lost(label=label) for label, count in ((1, 3), (2, 5), (3, 4)) for _ in range(count)]
    (finding,) = total([image(*MANY, *rows)]).findings
    assert finding.facts == {"group": "class", "value": 2, "count": 5, "total": 5, "more": 2}


def test_a_size_of_objects_that_vanishes_is_found() -> None:
    """Half of all objects may be of another class, and yet all small ones are gone."""
    gone = [lost(label=i % 4, box=SMALL) for i in range(4)]
    rest = [good(label=i % 4) for i in range(600)]
    assert groups(total([image(*rest, *gone)]), "vanished") == [("size", "small")]
    others = [lost(label=i % 4) for i in range(4)]
    assert groups(total([image(*rest, *others)]), "vanished") == []


@pytest.mark.parametrize(
    ("side", "size"),
    [(31.9, "small"), (32.0, "medium"), (95.9, "medium"), (96.0, "large")],
)
def test_sizes_are_those_of_coco(side: float, size: str) -> None:
    """Small below 32 x 32 pixels of the image, large from 96 x 96."""
    other = BOX if size == "large" else (0, 0, 500, 500)
    rows = [good(label=i, reference_box=other) for i in range(600)]
    gone = [lost(label=i, box=(0, 0, side, side)) for i in range(6)]
    assert ("size", size) in groups(total([image(*rows, *gone)]), "vanished")


@pytest.mark.parametrize(("count", "fails"), [(12, False), (13, True)])
def test_near_the_threshold_an_object_is_gone_every_other_time(count: int, fails: bool) -> None:
    """All of 12 is one in 4,096, and five groups share one in a thousand: 13 are too many."""
    rows = [*MANY, *[fallen(before=0.54, after=0.49)] * count]
    assert bool(groups(total([image(*rows)]), "vanished")) is fails


@pytest.mark.parametrize(("before", "fails"), [(0.549, False), (0.55, True)])
def test_near_the_threshold_means_within_the_score_limit(before: float, fails: bool) -> None:
    """Three of three from 0.55 on would each be one in a hundred."""
    rows = [*MANY, *[fallen(before=before, after=0.49)] * 3]
    assert bool(groups(total([image(*rows)]), "vanished")) is fails


def test_the_other_direction_goes_by_the_candidates_scores() -> None:
    """What rises from 0.45 to 0.9 came from nowhere; what wavers at 0.51 did not."""
    assert groups(total([image(*MANY, *[risen()] * 5)]), "appeared") == [("class", 1)]
    assert groups(total([image(*MANY, *[risen(after=0.51)] * 5)]), "appeared") == []


def test_what_the_reference_does_not_deploy_cannot_make_up_for_a_vanished_class() -> None:
    """Only deployed detections count; borderline ones of the candidate are none of them."""
    rows = [*MANY, *[lost(label=1)] * 3, *[good(label=1)] * 2, *[risen(after=0.52)] * 10]
    (finding,) = [one for one in total([image(*rows)]).findings if one.code == "vanished"]
    assert (finding.facts["count"], finding.facts["total"]) == (3, 5)


def test_ties_are_not_gone() -> None:
    """Another choice of NMS took their place: that is noise."""
    rows = [*MANY, *[lost(label=1, reason="tie")] * 5, *[extra(label=2, reason="tie")] * 5]
    assert codes(total([image(*rows)])) == []


def test_excused_and_unjudgeable_losses_count_for_a_class() -> None:
    """What is only likely lets no whole class disappear from what is deployed."""
    for reason in ("excused", "unjudgeable"):
        rows = [*MANY, *[lost(label=1, reason=reason)] * 3, *[good(label=1)] * 2]
        assert groups(total([image(*rows)]), "vanished") == [("class", 1)]


def test_strict_tolerances_check_groups_too() -> None:
    """A chance of nothing would make one lost object a group: one in a thousand at least."""
    assert groups(total([image(*MANY, lost(label=1))], FLOAT32), "vanished") == []
    assert groups(total([image(*MANY, *[lost(label=1)] * 2)], FLOAT32), "vanished") == [
        ("class", 1)
    ]


@pytest.mark.parametrize(("images", "suites"), [(4, 100), (16, 50), (64, 15)])
def test_losses_as_frequent_as_the_budget_allows_are_no_group(images: int, suites: int) -> None:
    """One in a hundred lost, one in a hundred extra, anywhere: no alarm."""
    for seed in range(suites):
        rng = np.random.default_rng([images, seed])
        found = total([_chancy(rng) for _ in range(images)])
        assert not set(codes(found)) & set(GROUPS), seed


def _chancy(rng: np.random.Generator) -> ImageAgreement:
    rows = []
    for _ in range(rng.integers(1, 12)):
        label, chance = int(rng.integers(6)), rng.random()
        box = [BOX, SMALL, (0.0, 0.0, 200.0, 200.0)][rng.integers(3)]
        if chance < 0.02:
            rows.append(lost(label, box=box) if chance < 0.01 else extra(label, box=box))
            continue
        within = {f"{limit}_within": rng.random() > 0.04 for limit in ("box", "score")}
        rows.append(good(label, reference_box=box, candidate_box=box, **within))
    return image(*rows)


def test_half_of_the_small_objects_boxed_wrongly_are_found_inside_a_budget() -> None:
    """20 of 40 among 500 are 4 % of all pairs, which min_within covers, and half of a size."""
    rest = [good(label=i % 5) for i in range(460)]
    small = [
        good(label=i % 5, reference_box=SMALL, candidate_box=SMALL, box_within=i % 2 == 0)
        for i in range(40)
    ]
    found = total([image(*rest, *small)])
    assert groups(found, "concentrated") == [("size", "small")]
    (finding,) = found.findings
    assert finding.facts["limit"] == "box"


def test_as_many_wrong_boxes_of_any_size_are_within_the_budget() -> None:
    """4 % of each."""
    rest = [good(label=i % 7, box_within=i % 25 > 0) for i in range(460)]
    small = [
        good(label=i % 7, reference_box=SMALL, candidate_box=SMALL, box_within=i % 25 > 0)
        for i in range(40)
    ]
    assert codes(total([image(*rest, *small)])) == []


def test_scores_of_a_class_that_miss_together_are_found() -> None:
    """The same for the other limit, on what the reference deploys."""
    rows = [*[good(label=0)] * 400, *[good(label=1, score_within=i % 2 == 0) for i in range(20)]]
    assert groups(total([image(*rows)]), "concentrated") == [("class", 1)]
    below = {"reference_score": 0.45, "kind": "borderline"}
    rows[400:] = [good(label=1, score_within=i % 2 == 0, **below) for i in range(20)]
    assert groups(total([image(*rows)]), "concentrated") == []


def test_groups_are_not_told_where_the_budget_of_all_is_spent() -> None:
    """Half of everything is wrong: that small ones are too says nothing more."""
    rows = [good(label=i % 7, box_within=i % 2 == 0) for i in range(100)]
    assert codes(total([image(*rows)])) == ["box"]


def test_a_strict_tolerance_needs_no_groups_of_misses() -> None:
    """One miss fails it anyway."""
    rows = [good(label=0)] * 400 + [good(label=1, box_within=False)] * 20
    assert codes(total([image(*rows)], FLOAT32)) == ["box"]


def test_a_healthy_image_of_ties_only_raises_no_group() -> None:
    """Six winners that all swap: from sides that show their proposals."""
    first, second = [], []
    for i in range(6):
        boxes = [(400.0 * i, 0, 400.0 * i + 100, 100), (400.0 * i + 36, 0, 400.0 * i + 136, 100)]
        first += [(*boxes[0], 0.90), (*boxes[1], 0.89)]
        scores = (0.88, 0.89) if i % 2 else (0.90, 0.91)
        second += [(*one, score) for one, score in zip(boxes, scores, strict=True)]
    judged = agree(suppressed(*first), suppressed(*second), INT8)
    assert [row.reason for row in judged.rows] == ["tie"] * 12
    assert codes(total([judged])) == []
