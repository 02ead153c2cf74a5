"""What a pair is measured by, and the verdict of one image."""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, codes, kinds, limits, side, total


def test_identical_detections_agree() -> None:
    """Nothing is found, and the row says so in numbers."""
    judged = agree(side((10, 20, 50, 60, 0.9, 3)), side((10, 20, 50, 60, 0.9, 3)))
    (row,) = judged.rows
    assert judged.findings == ()
    assert row.within
    assert (row.iou, row.corner, row.score_diff, row.shift) == (1.0, 0.0, 0.0, (0, 0, 0, 0))


def test_a_row_holds_both_sides_and_their_distances() -> None:
    """Shift is candidate - reference, corner its largest part, both in the network's pixels."""
    judged = agree(
        side((10, 20, 50, 60, 0.9, 3)), side((10, 20, 54, 58, 0.7, 4)), INT8, scale=(0.5, 2.0)
    )
    (row,) = judged.rows
    assert row.reference_box == (10, 20, 50, 60)
    assert row.candidate_box == (10, 20, 54, 58)
    assert row.iou == 40 * 38 / (40 * 40 + 44 * 38 - 40 * 38)
    assert row.shift == (0, 0, 2, -4)
    assert row.corner == 4
    assert row.score_diff == pytest.approx(-0.2)
    assert row.flipped


def test_a_small_box_moved_by_a_pixel_is_within_the_corner_limit() -> None:
    """4 x 4 pixels moved by one have IoU 0.6, far below 0.88, and are within one pixel."""
    judged = agree(side((0, 0, 4, 4, 0.9)), side((1, 0, 5, 4, 0.9)), INT8)
    assert judged.rows[0].iou == 0.6
    assert judged.rows[0].box_within


def test_the_corner_limit_is_in_pixels_of_the_networks_input() -> None:
    """The same pixel of an image that is enlarged by 1.5 is more than the limit."""
    judged = agree(side((0, 0, 4, 4, 0.9)), side((1, 0, 5, 4, 0.9)), INT8, scale=(1.5, 1.0))
    assert judged.rows[0].corner == 1.5
    assert not judged.rows[0].box_within


def test_the_scale_of_one_axis_does_not_touch_the_other() -> None:
    """A move along y is measured by the scale of y."""
    moved = side((0, 1, 4, 5, 0.9))
    judged = agree(side((0, 0, 4, 4, 0.9)), moved, INT8, scale=(9.0, 1.0))
    assert judged.rows[0].box_within


def test_boxes_too_small_to_overlap_are_paired_by_their_corners() -> None:
    """Half-pixel boxes one pixel apart share nothing and may still be one object."""
    judged = agree(side((0, 0, 0.5, 0.5, 0.9)), side((1, 0, 1.5, 0.5, 0.9)), INT8)
    assert kinds(judged) == [("pair", "")]
    assert judged.rows[0].iou == 0


def test_a_large_box_is_within_by_iou_alone() -> None:
    """100 pixels moved by four have IoU 96 / 104, above 0.88, and corners four pixels apart."""
    judged = agree(side((0, 0, 100, 100, 0.9)), side((4, 0, 104, 100, 0.9)), INT8)
    assert judged.rows[0].iou == 96 / 104
    assert judged.rows[0].box_within


@pytest.mark.parametrize(("width", "within"), [(88.0, True), (87.9, False)])
def test_the_box_limit_itself_is_within(width: float, within: bool) -> None:
    """IoU 0.88 meets a limit of 0.88."""
    judged = agree(side((0, 0, 100, 100, 0.9)), side((0, 0, width, 100, 0.9)), INT8)
    assert judged.rows[0].box_within is within


@pytest.mark.parametrize(("score", "within"), [(0.75, True), (0.7499, False), (1.0, True)])
def test_the_score_limit_itself_is_within(score: float, within: bool) -> None:
    """|0.875 - 0.75| meets a limit of 0.125, in both directions."""
    tolerance = limits(max_score_diff=0.125, band=0.2)
    judged = agree(side((0, 0, 9, 9, 0.875)), side((0, 0, 9, 9, score)), tolerance)
    assert judged.rows[0].score_within is within


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((0, 0, 95, 100, 0.9, 0), "box"),
        ((0, 0, 100, 100, 0.89, 0), "score"),
        ((0, 0, 100, 100, 0.9, 1), "class"),
    ],
)
def test_a_strict_tolerance_fails_an_image_for_one_miss(row: tuple[float, ...], code: str) -> None:
    """Each limit has a finding of its own, with its count."""
    judged = agree(side((0, 0, 100, 100, 0.9, 0)), side(row))
    assert [(one.code, one.facts) for one in judged.findings] == [(code, {"count": 1})]


def test_a_strict_tolerance_counts_every_miss_of_an_image() -> None:
    """Lost, extra, class, box and score each count on their own."""
    reference = side((0, 0, 9, 9, 0.9), (100, 0, 120, 20, 0.8, 1), (200, 0, 220, 20, 0.7))
    candidate = side((50, 0, 59, 9, 0.9), (100, 0, 120, 15, 0.75, 2), (200, 0, 220, 20, 0.6))
    judged = agree(reference, candidate)
    assert {one.code: one.facts["count"] for one in judged.findings} == {
        "lost": 1,
        "extra": 1,
        "class": 1,
        "box": 1,
        "score": 2,
    }


def test_a_budget_leaves_single_misses_of_an_image_to_the_suite() -> None:
    """Under int8 an image with one box lost of two is not yet a failure of its own."""
    judged = agree(side((0, 0, 9, 9, 0.9), (50, 0, 59, 9, 0.55)), side((0, 0, 9, 9, 0.9)), INT8)
    assert kinds(judged) == [("pair", ""), ("lost", "")]
    assert codes(judged) == []
    assert codes(total([judged])) == ["lost"]


def test_pairs_come_first_then_lost_then_extra_by_falling_score() -> None:
    """Rows have one order, whatever order the detections came in."""
    reference = side((200, 0, 209, 9, 0.6), (0, 0, 9, 9, 0.7), (100, 0, 109, 9, 0.9))
    candidate = side((300, 0, 309, 9, 0.6), (400, 0, 409, 9, 0.8), (0, 0, 9, 9, 0.7))
    judged = agree(reference, candidate)
    assert [(row.kind, row.reference_score, row.candidate_score) for row in judged.rows] == [
        ("pair", 0.7, 0.7),
        ("lost", 0.9, None),
        ("lost", 0.6, None),
        ("extra", None, 0.8),
        ("extra", None, 0.6),
    ]


@pytest.mark.parametrize("tolerance", [FLOAT32, INT8])
def test_nothing_on_either_side_of_an_image_is_fine(tolerance) -> None:
    """An image without objects agrees."""
    judged = agree(side(), side(), tolerance)
    assert (judged.rows, judged.findings) == ((), ())


def test_rows_can_be_selected_by_kind_and_reason() -> None:
    """None stands for any reason, "" for none."""
    judged = agree(side((0, 0, 9, 9, 0.55), (50, 0, 59, 9, 0.9)), side(floor=0.5), INT8)
    assert len(judged.select("lost")) == 2
    assert len(judged.select("lost", "unjudgeable")) == 1
    assert len(judged.select("lost", "")) == 1
