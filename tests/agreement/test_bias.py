"""What boxes or scores are off by together: no budget covers it, and no limit need be reached.

The limit of a side of the box is the corner limit, 1 pixel in int8, or what min_box_iou = 0.88
leaves of its width w: w (1 - 0.88) / (1 + 0.88) = 0.0638 w, 19 pixels of 300. A quarter may be
shared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreeing import FLOAT32, INT8, Box, agree, codes, image, limits, lost, suppressed, total

from parity.agreement import ImageAgreement, Row
from parity.agreement.bias import allowance
from parity.agreement.pairing import closeness_of_rows
from parity.boxes import Floats
from parity.detections import Detections
from parity.suite.tolerance import Tolerance

SPAN = 2000.0  # pixels of the input over which boxes are strewn
NOISE = 0.3  # of the limit, normal: as a good int8 export scatters
BIASES = ("bias", "score-bias")


def boxes_of(rng: np.random.Generator, count: int, size: float = 300.0) -> Floats:
    """Boxes of one size anywhere, (count, 4)."""
    corner = rng.uniform(0, SPAN - size, (count, 2))
    return np.concatenate([corner, corner + size], axis=1)


def pairs(
    boxes: Floats,
    shifts: Any = 0.0,
    labels: Any = 0,
    scores: Any = 0.9,
    diffs: Any = 0.0,
    tolerance: Tolerance = INT8,
) -> ImageAgreement:
    """One image of pairs: boxes (n, 4) moved by ``shifts``, scores moved by ``diffs``."""
    count = len(boxes)
    classes = np.broadcast_to(np.asarray(labels), (count,)).astype(np.int64)
    first = np.broadcast_to(np.asarray(scores, dtype=np.float64), (count,))
    ours = Detections(boxes, first, classes)
    theirs = Detections(boxes + np.broadcast_to(shifts, (count, 4)), first + diffs, classes)
    close = closeness_of_rows(ours, theirs, tolerance, (1.0, 1.0))
    return image(*(_row(ours, theirs, i, close.box[i], close.score[i]) for i in range(count)))


def _row(ours: Detections, theirs: Detections, i: int, box: bool, score: bool) -> Row:
    first, second = (tuple(one.boxes[i].tolist()) for one in (ours, theirs))
    deployed = [one.scores[i] >= 0.5 for one in (ours, theirs)]
    return Row(
        kind="pair" if all(deployed) else "borderline",
        reference_class=int(ours.classes[i]),
        candidate_class=int(theirs.classes[i]),
        reference_score=float(ours.scores[i]),
        candidate_score=float(theirs.scores[i]),
        reference_box=first,
        candidate_box=second,
        shift=tuple((theirs.boxes[i] - ours.boxes[i]).tolist()),
        box_within=bool(box),
        score_within=bool(score),
    )


def noise(rng: np.random.Generator, boxes: Floats, tolerance: Tolerance = INT8) -> Floats:
    """Shifts that scatter about zero."""
    return rng.normal(0, NOISE, boxes.shape) * allowance(boxes, tolerance)


def sides(found: Any) -> set[str]:
    """The sides of the box that are off."""
    return {one.facts["side"] for one in found.findings if one.code == "bias"}


def test_the_allowance_is_the_corner_limit_or_what_the_iou_leaves() -> None:
    """A box of 300 pixels that moves by its allowance has IoU 0.88; small ones move by a pixel."""
    boxes = np.array([[0.0, 0, 300, 100], [0, 0, 10, 12]])
    (wide, small) = allowance(boxes, INT8).tolist()
    assert wide == pytest.approx([300 * 0.12 / 1.88, 100 * 0.12 / 1.88] * 2)
    assert small == [1.0] * 4
    moved = boxes[:1] + np.array([wide[0], 0, wide[0], 0])
    (iou,) = closeness_of_rows(found(boxes[:1]), found(moved), INT8, (1.0, 1.0)).iou
    assert iou == pytest.approx(0.88)


def found(boxes: Floats) -> Detections:
    """Detections of these boxes."""
    return Detections(boxes, np.full(len(boxes), 0.9), np.zeros(len(boxes), dtype=np.int64))


@pytest.mark.parametrize(("count", "fails"), [(3, False), (4, True), (5, True), (19, True)])
def test_large_boxes_all_shifted_by_twelve_pixels_are_a_bias(count: int, fails: bool) -> None:
    """300 pixels moved by 12 have IoU 0.92, within 0.88, and fail: one image tells from 4 on."""
    boxes = boxes_of(np.random.default_rng(count), count)
    judged = pairs(boxes, [12.0, 0, 12, 0])
    assert all(row.box_within for row in judged.rows)
    assert sides(total([judged])) == ({"x1", "x2"} if fails else set())


def test_a_bias_of_all_is_told_by_its_median_its_limit_and_its_number() -> None:
    """Fewer than 20 objects make no line; spread over images no one image tells."""
    boxes = boxes_of(np.random.default_rng(0), 9)
    suite = [pairs(boxes[i : i + 3], [12.0, 0, 0, 0]) for i in (0, 3, 6)]
    (finding,) = total(suite).findings
    allowed = pytest.approx(300 * 0.12 / 1.88 / 4)
    assert finding.code == "bias"
    assert finding.facts == {
        "side": "x1", "allowed": allowed, "median": pytest.approx(12.0), "pairs": 9, "more": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("part", "fails"), [(0.24, False), (0.26, True)])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("count", [6, 40])
def test_a_quarter_of_the_limit_may_be_shared(
    part: float, fails: bool, sign: int, count: int
) -> None:
    """Either way, by a median or by a line; without noise the limit is sharp."""
    boxes = boxes_of(np.random.default_rng(count), count)
    shifts = np.zeros_like(boxes)
    shifts[:, 3] = sign * part * allowance(boxes, INT8)[:, 3]
    assert sides(total([pairs(boxes, shifts)])) == ({"y2"} if fails else set())


@pytest.mark.parametrize(("images", "suites"), [(4, 40), (16, 10), (64, 3)])
def test_noise_within_the_limits_is_no_bias(images: int, suites: int) -> None:
    """Boxes of all sizes and scores that scatter about zero, strict and under a budget."""
    for seed in range(suites):
        rng = np.random.default_rng([images, seed])
        for tolerance in (INT8, FLOAT32):
            suite = [_healthy(rng, tolerance) for _ in range(images)]
            assert not set(codes(total(suite, tolerance))) & set(BIASES), seed


def _healthy(rng: np.random.Generator, tolerance: Tolerance, drift: float = 0.0) -> ImageAgreement:
    count = int(rng.integers(1, 12))
    boxes = boxes_of(rng, count, float(rng.choice([8.0, 40.0, 300.0])))
    diffs = rng.normal(drift, NOISE, count) * tolerance.max_score_diff
    scores, labels = rng.uniform(0.5, 0.9, count), rng.integers(0, 5, count)
    return pairs(boxes, noise(rng, boxes, tolerance), labels, scores, diffs, tolerance)


def test_boxes_scaled_about_the_centre_are_found_by_a_line() -> None:
    """By 1.02: nothing in the middle, 20 pixels at the edges, and a median of nothing."""
    rng = np.random.default_rng(1)
    boxes = boxes_of(rng, 60, 120.0)
    grown = 0.02 * (boxes - SPAN / 2)
    assert abs(float(np.median(grown))) < 2
    judged = pairs(boxes, grown + noise(rng, boxes) / 3)
    assert {"x1", "y1", "x2", "y2"} == sides(total([judged]))
    finding = next(one for one in total([judged]).findings if one.code == "bias")
    at, shift = finding.facts["at"], finding.facts["shift"]
    assert shift == pytest.approx(0.02 * (at - SPAN / 2), abs=1)


@pytest.mark.parametrize("count", [9, 40])
def test_a_shift_beyond_every_limit_is_told_as_it_is(count: int) -> None:
    """Boxes of many sizes, all off by exactly 30 pixels: by a median and by a line."""
    rng = np.random.default_rng(2)
    boxes = np.concatenate([boxes_of(rng, 1, float(size)) for size in rng.uniform(20, 300, count)])
    (finding,) = [
        one for one in total([pairs(boxes, [30.0, 0, 0, 0])]).findings if one.code == "bias"
    ]
    assert finding.facts.get("shift", finding.facts.get("median")) == pytest.approx(30)


@pytest.mark.parametrize(("count", "fails"), [(19, False), (20, True)])
def test_a_line_needs_twenty_objects(count: int, fails: bool) -> None:
    """Below, only what all are off by can be told."""
    boxes = boxes_of(np.random.default_rng(3), count, 60.0)
    suite = [pairs(one[None], 0.02 * (one - SPAN / 2)) for one in boxes]
    assert bool(sides(total(suite))) is fails


@pytest.mark.parametrize("outlier", [-60.0, 60.0])
def test_a_bias_is_found_beside_outliers_and_not_made_by_them(outlier: float) -> None:
    """Three of 40 that are far off either way hide nothing and carry nothing."""
    rng = np.random.default_rng(4)
    boxes = boxes_of(rng, 40)
    for shift, fails in ((12.0, True), (0.0, False)):
        shifts = np.tile([shift, 0.0, shift, 0.0], (40, 1)) + noise(rng, boxes) / 10
        shifts[:3, ::2] = outlier
        assert sides(total([pairs(boxes, shifts)])) == ({"x1", "x2"} if fails else set())


def test_one_class_that_is_always_off_is_found() -> None:
    """12 pixels to the right in one class of six; scattered over the classes it is noise."""
    rng = np.random.default_rng(5)
    boxes, labels = boxes_of(rng, 60), np.arange(60) % 6
    shifts = noise(rng, boxes) / 4
    for off, expected in ((labels == 2, [2, 2]), (np.arange(60) < 10, [])):
        moved = shifts + np.where(off[:, None], [12.0, 0, 12, 0], 0.0)
        result = total([pairs(boxes[i : i + 3], moved[i : i + 3], labels[i : i + 3])
                        for i in range(0, 60, 3)])  # fmt: skip
        assert [one.facts.get("class") for one in result.findings] == expected


@pytest.mark.parametrize(("count", "fails"), [(4, False), (5, True)])
def test_a_class_needs_five_objects(count: int, fails: bool) -> None:
    """One an image, beside ten sound ones of another class."""
    boxes = boxes_of(np.random.default_rng(6), 50)
    suite = [pairs(boxes[10 * i : 10 * i + 10]) for i in range(4)]
    suite += [pairs(one[None], [0, 12.0, 0, 12], labels=1) for one in boxes[:count]]
    assert bool(sides(total(suite))) is fails


def test_images_shifted_in_turn_are_found() -> None:
    """By 3 pixels right and left: nothing in all, much in each, of which the worst is named."""
    rng = np.random.default_rng(7)
    suite = []
    for i in range(8):
        boxes = boxes_of(rng, 6, 60.0)
        shift = (3.0 if i % 2 else -3.0) + 0.3 * (i == 5)
        suite.append(pairs(boxes, noise(rng, boxes) / 20 + [shift, 0, shift, 0]))
    found = [one.facts for one in total(suite).findings]
    assert [(one["side"], one["image"], one["more"]) for one in found] == [
        ("x1", "5", 7),
        ("x2", "5", 7),
    ]


def test_boxes_of_many_sizes_shifted_in_turn_are_found_in_four_images() -> None:
    """3.5 pixels are .9 of the limit of a box of 60 pixels, and .27 of one of 200.

    As shares of their limits ten such boxes scatter as noise does; in pixels they do not.
    """
    for seed in range(12):
        rng = np.random.default_rng(seed)
        images = []
        for turn in (1, -1, 1, -1):
            sizes = rng.uniform(60, 200, 10)
            corner = rng.uniform(0, 600, (10, 2))
            boxes = np.concatenate([corner, corner + sizes[:, None]], axis=1)
            noise = rng.normal(0, 0.5, (10, 4))
            images.append((boxes, noise, turn * np.array([3.5, 0, 3.5, 0])))
        healthy = [pairs(boxes, noise) for boxes, noise, _ in images]
        assert not [one for one in codes(total(healthy)) if one in BIASES]
        shifted = [pairs(boxes, noise + shift) for boxes, noise, shift in images]
        assert "bias" in codes(total(shifted))


def test_boxes_of_many_sizes_in_one_class_that_is_always_off_are_found() -> None:
    """As in an image: ten boxes, all off by one distance, and by unequal shares of their limits."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = rng.uniform(60, 200, 40)
        corner = rng.uniform(0, 600, (40, 2))
        boxes = np.concatenate([corner, corner + sizes[:, None]], axis=1)
        noise, labels = rng.normal(0, 0.5, (40, 4)), np.arange(40) % 4
        assert not [one for one in codes(total([pairs(boxes, noise, labels)])) if one in BIASES]
        moved = noise + (labels == 2)[:, None] * np.array([5, 0, 5, 0])
        found = total([pairs(boxes, moved, labels)]).findings
        assert {one.facts.get("class") for one in found if one.code == "bias"} == {2}


def test_objects_that_are_off_to_either_side_in_one_image_are_noise() -> None:
    """The same 3 pixels, in turn within each image."""
    rng = np.random.default_rng(7)
    suite = []
    for _ in range(8):
        boxes = boxes_of(rng, 6, 60.0)
        turns = np.array([3.0, -3, 3, -3, 3, -3])[:, None]
        suite.append(pairs(boxes, noise(rng, boxes) / 20 + turns * [1, 0, 1, 0]))
    assert codes(total(suite)) == []


@pytest.mark.parametrize(("count", "fails"), [(3, False), (4, True)])
def test_an_image_needs_four_objects(count: int, fails: bool) -> None:
    """Beside images whose objects are where they should be."""
    rng = np.random.default_rng(8)
    sound = [pairs(boxes, noise(rng, boxes) / 8) for boxes in (boxes_of(rng, 8) for _ in range(6))]
    off = pairs(boxes_of(rng, count), [12.0, 0, 12, 0], labels=np.arange(count) + 1)
    assert bool(sides(total([*sound, off]))) is fails


def test_four_objects_that_scatter_as_all_others_do_are_no_shifted_image() -> None:
    """How much noise there is, all images tell; in one, four may well agree by chance."""
    rng = np.random.default_rng(9)
    suite = [pairs(boxes, noise(rng, boxes)) for boxes in (boxes_of(rng, 8) for _ in range(10))]
    four = pairs(boxes_of(rng, 4), [6.0, 0, 6, 0])
    assert sides(total([*suite, four])) == set()
    assert sides(total([four])) == {"x1", "x2"}


def test_a_bias_of_large_images_is_one_although_its_share_of_a_box_is_small() -> None:
    """12.7 pixels on boxes of 600 in 4,096: IoU 0.96, and a third of what 0.88 leaves."""
    rng = np.random.default_rng(10)
    corner = rng.uniform(0, 3400, (12, 2))
    boxes = np.concatenate([corner, corner + 600], axis=1)
    assert sides(total([pairs(boxes, 12.7 + noise(rng, boxes) / 30)])) == {"x1", "y1", "x2", "y2"}
    assert sides(total([pairs(boxes, 8.0 + noise(rng, boxes) / 30)])) == set()


def test_a_strict_tolerance_looks_for_a_bias_too() -> None:
    """Each box is within 0.1 pixels, and all are off by 0.08 the same way."""
    boxes = boxes_of(np.random.default_rng(11), 30, 20.0)
    judged = pairs(boxes, [0.08, 0, 0.08, 0], tolerance=FLOAT32)
    assert all(row.within for row in judged.rows)
    assert sides(total([judged], FLOAT32)) == {"x1", "x2"}


def test_leftovers_have_no_shift_and_flipped_pairs_do_not_count() -> None:
    """They neither make nor hide a bias."""
    boxes = boxes_of(np.random.default_rng(12), 30)
    off = pairs(boxes, [12.0, 0, 12, 0])
    assert sides(total([image(*off.rows, *[lost(label=0)] * 60)])) == {"x1", "x2"}
    flipped = [Row(**(vars(row) | {"candidate_class": 7})) for row in off.rows]
    assert sides(total([image(*flipped)])) == set()


def test_a_tie_is_measured_by_its_twin() -> None:
    """Winners that swap lie 36 pixels apart; the proposals themselves did not move."""
    first, second = [], []
    for i in range(8):
        near: list[Box] = [(400.0 * i + x, 0, 400.0 * i + x + 100, 100) for x in (0, 36)]
        first += [(*near[0], 0.90), (*near[1], 0.89)]
        second += [(*near[0], 0.895), (*near[1], 0.8951 + 0.001 * (i % 2))]
    judged = agree(suppressed(*first), suppressed(*second), INT8)
    assert sum(row.tie for row in judged.rows) == 16
    assert codes(total([judged])) == []
    moved = [(x1 + 5, y1, x2 + 5, y2, score) for x1, y1, x2, y2, score in second]
    assert sides(total([agree(suppressed(*first), suppressed(*moved), INT8)])) == {"x1", "x2"}


def scored(diffs: Any, scores: Any = 0.9, labels: Any = 0, count: int = 30) -> list[str]:
    """The codes of a suite whose scores are off by ``diffs``."""
    rng = np.random.default_rng(13)
    boxes = boxes_of(rng, count)
    jitter = rng.normal(0, 0.0005, count)
    return codes(total([pairs(boxes, 0.0, labels, scores, diffs + jitter)]))


@pytest.mark.parametrize(("shift", "fails"), [(0.010, False), (0.016, True), (-0.016, True)])
def test_scores_that_are_all_off_are_a_bias(shift: float, fails: bool) -> None:
    """A quarter of 0.05 may be shared, either way."""
    found = scored(shift)
    assert ("score-bias" in found) is fails


def test_every_score_a_little_lower_and_nothing_deployed_is_found() -> None:
    """0.049 lower, within the limit; 30 objects from 0.505 to 0.545 fall below the threshold."""
    low = np.linspace(0.505, 0.545, 30)
    found = scored(-0.049, low)
    assert "score-bias" in found
    assert "vanished" in found
    assert scored(0.0, low) == []


@pytest.mark.parametrize(("count", "fails"), [(4, False), (5, True)])
def test_a_score_bias_needs_five_objects(count: int, fails: bool) -> None:
    """The same from five on for all and for a class."""
    assert ("score-bias" in scored(-0.03, count=count)) is fails


def test_scores_of_one_class_that_are_off_are_found() -> None:
    """One class of six."""
    labels = np.arange(60) % 6
    diffs = np.where(labels == 4, -0.04, 0.0)
    boxes = boxes_of(np.random.default_rng(14), 60)
    result = total([pairs(boxes, 0.0, labels, 0.9, diffs)])
    assert [one.facts.get("class") for one in result.findings] == [4]
    assert scored(np.where(np.arange(60) < 10, -0.04, 0.0), labels=labels, count=60) == []


def test_scores_that_are_off_along_the_score_are_found() -> None:
    """Compressed about their middle: high ones lower, low ones higher, and a median of nothing."""
    scores = np.linspace(0.55, 0.95, 60)
    found = scored(-0.15 * (scores - 0.75), scores, count=60)
    assert found == ["score-bias"]
    assert scored(-0.03 * (scores - 0.75), scores, count=60) == []


def test_scores_are_chosen_by_what_the_reference_deploys() -> None:
    """Of pairs that only the candidate deploys all have risen: that is how they were chosen."""
    rng = np.random.default_rng(15)
    boxes = boxes_of(rng, 60)
    scores = np.r_[np.full(30, 0.7), np.full(30, 0.48)]
    diffs = np.r_[rng.normal(0, 0.01, 30), np.full(30, 0.04)]
    assert codes(total([pairs(boxes, 0.0, 0, scores, diffs)])) == []


def test_scores_of_a_strict_tolerance_are_looked_at_too() -> None:
    """Every one is 0.0009 lower, within 0.001."""
    boxes = boxes_of(np.random.default_rng(16), 30)
    judged = pairs(boxes, 0.0, 0, 0.9, -0.0009, FLOAT32)
    assert all(row.within for row in judged.rows)
    assert "score-bias" in codes(total([judged], FLOAT32))


def test_six_objects_that_noise_puts_close_together_are_no_class_that_is_off() -> None:
    """Even noise does so once in 200,000 times: too often for a test that is made so often."""
    rng = np.random.default_rng(0)
    boxes = np.concatenate([boxes_of(rng, 15), boxes_of(rng, 6)])
    shifts = rng.uniform(-0.09, 0.09, (21, 4))
    shifts[15:, 2] = 0.0779, 0.0834, 0.0788, 0.0755, 0.0794, 0.0723
    labels = np.array([0] * 15 + [1] * 6)
    tolerance = limits(FLOAT32, min_box_iou=0.9999)
    assert codes(total([pairs(boxes, shifts, labels, tolerance=tolerance)], tolerance)) == []


def test_six_objects_that_are_off_alike_are_a_class_that_is_off() -> None:
    """Noise does not put six so close together, nor beyond the limit."""
    rng = np.random.default_rng(0)
    boxes = np.concatenate([boxes_of(rng, 15), boxes_of(rng, 6)])
    shifts = rng.uniform(-0.09, 0.09, (21, 4))
    shifts[15:, 2] = 0.08 + rng.uniform(-0.002, 0.002, 6)
    labels = np.array([0] * 15 + [1] * 6)
    tolerance = limits(FLOAT32, min_box_iou=0.9999)
    assert codes(total([pairs(boxes, shifts, labels, tolerance=tolerance)], tolerance)) == ["bias"]
