"""What fails an image under every tolerance: a side that sees nothing, boxes below a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from agreeing import INT8, UNKNOWN, agree, codes, side, suppressed

from parity.detections import Detections, Side


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


def test_a_side_that_shows_no_proposal_at_all_is_empty() -> None:
    """Nothing is a tie where there is nothing."""
    assert codes(agree(suppressed((0, 0, 9, 9, 0.9)), suppressed())) == ["lost", "empty"]


def test_one_candidate_seen_somewhere_is_not_empty() -> None:
    """Then what is lost counts against the budget."""
    judged = agree(side((0, 0, 9, 9, 0.9)), side((50, 0, 59, 9, 0.41)), INT8)
    assert codes(judged) == []


@pytest.mark.parametrize(("size", "found"), [(0.2, ["below-a-pixel"]), (8.0, [])])
def test_boxes_below_a_pixel_that_lie_apart_do_not_agree(size: float, found: list[str]) -> None:
    """Every corner is within the limit, as all of the image would be; small real boxes may move."""
    count = 4
    boxes = np.array([[one, one, one + size, one + size] for one in 20.0 * np.arange(count)])
    scores, classes = np.full(count, 0.9), np.arange(count)
    first, second = (
        Side(Detections(one, scores, classes), 0.5, 0.4, UNKNOWN) for one in (boxes, boxes + 0.4)
    )
    assert codes(agree(first, second, INT8)) == found
