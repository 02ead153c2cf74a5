"""Ties where one side suppresses inside the network: what can be excused by what is seen.

Boxes are 100 pixels wide and high, at a given x: 36 apart they have IoU 0.4706, above the limit of
0.45, and 38 apart 0.4493, below it.
"""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, hidden, kinds, side, suppressed

from parity.agreement import ImageAgreement
from parity.detections import Side

BOTH_EXCUSED = [("lost", "excused"), ("extra", "excused")]


def box(x: float, score: float, label: int = 0) -> tuple[float, ...]:
    """A box of 100 pixels at x."""
    return (x, 0, x + 100, 100, score, label)


def both_ways(shown: Side, inside: Side) -> list[ImageAgreement]:
    """Each side as the reference."""
    return [agree(shown, inside, INT8), agree(inside, shown, INT8)]


def test_a_winner_that_swaps_is_excused_on_both_sides() -> None:
    """What it kept shows what it removed: no NMS keeps both boxes."""
    shown = suppressed(box(0, 0.90), box(36, 0.89))
    inside = hidden(suppressed(box(0, 0.88), box(36, 0.89)))
    for judged in both_ways(shown, inside):
        assert kinds(judged) == BOTH_EXCUSED


def test_a_winner_that_leads_by_more_than_the_limit_is_no_tie() -> None:
    """The scores of the two sides do not agree then."""
    shown = suppressed(box(0, 0.96), box(36, 0.89))
    inside = side(box(36, 0.89))
    for judged in both_ways(shown, inside):
        assert kinds(judged) == [("lost", ""), ("extra", "")]


def test_a_winner_that_is_gone_without_a_rival_is_lost() -> None:
    """The box that is kept overlaps it by less than the limit: both could have been."""
    shown = suppressed(box(0, 0.90), box(36, 0.89))
    inside = side(box(38, 0.89))
    for judged in both_ways(shown, inside):
        assert kinds(judged) == [("lost", ""), ("extra", "")]


@pytest.mark.parametrize("kept_by", ["shown", "inside"])
def test_an_overlap_on_the_limit_is_excused(kept_by: str) -> None:
    """One side sees 0.4493 and keeps both, the other 0.4706 and keeps one."""
    two, one = (box(0, 0.90), box(38, 0.80)), (box(0, 0.90), box(36, 0.80))
    if kept_by == "shown":
        shown, inside = suppressed(*two), hidden(suppressed(box(2.5, 0.90), box(38, 0.80)))
    else:
        shown, inside = suppressed(*one), hidden(suppressed(*two))
    for judged in both_ways(shown, inside):
        assert sorted(reason for _, reason in kinds(judged)) == ["", "excused"]


def test_a_box_far_from_every_other_is_lost() -> None:
    """Nothing that the hidden side kept can have removed it."""
    judged = agree(suppressed(box(0, 0.9), box(300, 0.8)), (side(box(0, 0.9))), INT8)
    assert ("lost", "") in kinds(judged)


def test_duplicates_that_the_limit_forbids_are_extra() -> None:
    """NMS inside with another limit: both boxes are there, and the other side removed one."""
    shown = suppressed(box(0, 0.9), box(20, 0.8))
    judged = agree(shown, (side(box(0, 0.9), box(20, 0.8))), INT8)
    assert ("extra", "") in kinds(judged)


def test_a_box_of_another_class_explains_nothing() -> None:
    """It overlaps, but NMS goes by class."""
    shown = suppressed(box(0, 0.9, 1), box(36, 0.8, 0))
    judged = agree(shown, (side(box(0, 0.9, 1))), INT8)
    assert ("lost", "") in kinds(judged)


def test_the_last_place_is_a_tie_where_both_are_full() -> None:
    """max_detections here, as many rows there, and scores that differ by a hair."""
    boxes = [box(0, 0.90), box(200, 0.700), box(400, 0.699)]
    shown = suppressed(*boxes, most=2)
    inside = side(box(0, 0.90), box(400, 0.70))
    for judged in both_ways(shown, inside):
        assert sorted(reason for _, reason in kinds(judged)) == ["", "excused", "excused"]


def test_the_last_place_is_no_tie_where_the_hidden_side_has_room() -> None:
    """It keeps fewer."""
    boxes = [box(0, 0.90), box(200, 0.700), box(400, 0.699)]
    judged = agree(suppressed(*boxes, most=2), (side(box(0, 0.90))), INT8)
    assert ("lost", "") in kinds(judged)


def test_a_strict_tolerance_fails_on_what_is_excused() -> None:
    """It is likely, and not proven."""
    shown = suppressed(box(0, 0.9001), box(36, 0.9000))
    judged = agree(shown, hidden(suppressed(box(0, 0.8999), box(36, 0.9000))), FLOAT32)
    assert [one.code for one in judged.findings] == ["excused"]


def test_two_hidden_sides_excuse_nothing() -> None:
    """Nobody shows what was removed."""
    first, second = side(box(0, 0.90)), side(box(36, 0.89))
    judged = agree(first, second, INT8)
    assert set(kinds(judged)) == {("lost", ""), ("extra", "")}


def test_nothing_is_excused_by_an_nms_that_the_shown_side_never_ran() -> None:
    """Two boxes that overlap stand side by side there: no limit parted them."""
    shown = suppressed(box(0, 0.90), box(10, 0.89), mode="none")
    judged = agree(shown, side(box(0, 0.90)), INT8)
    assert [(row.kind, row.reason) for row in judged.rows if not row.paired] == [("lost", "")]


def test_the_last_place_is_no_tie_where_the_hidden_side_has_more_places() -> None:
    """Another limit is a difference of settings."""
    boxes = [box(0, 0.90), box(400, 0.80), box(800, 0.79)]
    inside = side(box(0, 0.90), box(1200, 0.80), box(1600, 0.79))
    judged = agree(suppressed(*boxes, most=2), inside, INT8)
    assert [row.reason for row in judged.rows if row.kind == "lost"] == [""]
