"""Sides whose networks see the image in other places or sizes, or cut boxes at its edges.

Boxes are 100 pixels wide and high, at a given x, in an image of 1000 x 100 pixels: 36 apart they
have IoU 0.4706, above the limit of 0.45.
"""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, codes, kinds, limits, suppressed

from parity.agreement import changed_by_settings
from parity.boxes import Placement

IMAGE = (100, 1000)
FULL = Placement()
LETTERBOX = Placement(0.32, 0.32, 0.0, 144.0)
STRETCH = Placement(0.32, 3.2)
BOTH_TIED = [("lost", "tie"), ("extra", "tie")]


def box(x: float, score: float, label: int = 0) -> tuple[float, ...]:
    """A box of 100 pixels at x."""
    return (x, 0, x + 100, 100, score, label)


@pytest.mark.parametrize("placement", [LETTERBOX, STRETCH], ids=["letterbox", "stretch"])
@pytest.mark.parametrize("rows", [None, 900], ids=["as many rows", "other rows"])
def test_a_tie_is_proven_between_other_inputs(placement: Placement, rows: int | None) -> None:
    """Twins are compared in the image; NMS runs in the candidate's own input."""
    reference = suppressed(box(0, 0.90), box(36, 0.89), box(500, 0.8))
    candidate = suppressed(
        box(0.3, 0.88), box(36, 0.89), box(500.2, 0.81), placement=placement, row_count=rows
    )
    assert kinds(agree(reference, candidate, INT8)) == [("pair", ""), *BOTH_TIED]


def test_a_fault_between_other_inputs_is_none() -> None:
    """The winner's rival is not proposed at all."""
    reference = suppressed(box(0, 0.90), box(36, 0.89))
    candidate = suppressed(box(36, 0.89), placement=LETTERBOX)
    assert kinds(agree(reference, candidate, INT8)) == [("lost", ""), ("extra", "")]


def test_a_tie_at_the_edge_is_proven_where_both_cut_boxes_before_nms() -> None:
    """Two winners that swap, and that overlap enough for it only once they are cut."""
    tolerance = limits(INT8, max_score_diff=0.02)
    rows = [box(-50, 0.90), box(-23.5, 0.89), box(500, 0.8)]  # cut: 50 and 76.5 wide, IoU 0.65
    other = [box(-50, 0.885), box(-23.5, 0.895), box(500, 0.8)]
    sides = [suppressed(*one, nms_iou=0.6, cut_before=IMAGE) for one in (rows, other)]
    assert kinds(agree(sides[0], sides[1], tolerance)) == [("pair", "tie"), ("pair", "")]


def test_cutting_boxes_before_nms_is_a_setting() -> None:
    """IoU 0.58 as decoded and 0.65 as cut: one side removes the second box, the other keeps it."""
    rows = [box(-50, 0.90), box(-23.5, 0.89)]
    before, whole = suppressed(*rows, nms_iou=0.6, cut_before=IMAGE), suppressed(*rows, nms_iou=0.6)
    assert (len(before.seen), len(whole.seen)) == (1, 2)
    assert changed_by_settings(before, whole) == changed_by_settings(whole, before) == 1
    judged = agree(before, whole, limits(FLOAT32, max_corner_px=100))
    assert "settings" in codes(judged)
    assert "tie" not in {reason for _, reason in kinds(judged)}


def test_where_boxes_are_cut_is_no_setting_without_nms_or_effect() -> None:
    """Nothing lies near the edge, or nothing is removed."""
    inside = [box(100, 0.90), box(136, 0.89)]
    assert changed_by_settings(suppressed(*inside, cut_before=IMAGE), suppressed(*inside)) == 0
    rows = [box(-50, 0.90), box(-23.5, 0.89)]
    sides = suppressed(*rows, mode="none", cut_before=IMAGE), suppressed(*rows, mode="none")
    assert changed_by_settings(*sides) == 0


def test_another_input_alone_changes_nothing_that_settings_decide() -> None:
    """The overlap of two boxes is the same in every input."""
    rows = [box(0, 0.90), box(36, 0.89), box(72, 0.88)]
    assert changed_by_settings(suppressed(*rows), suppressed(*rows, placement=STRETCH)) == 0
    assert agree(suppressed(*rows), suppressed(*rows, placement=STRETCH), FLOAT32).findings == ()
