"""Boxes that the network decoded, scores, and the way to one side of a comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.boxes import Placement
from parity.decode import Candidates, DecodeError, bind, decode, roles, to_side
from parity.decode.families.boxes_scores import BoxesScores
from parity.decode.settings import Decode
from parity.detections import Side

BOX = [0.25, 0.5, 0.75, 1.0]


def settings(threshold: float = 0.5, **how: Any) -> Decode:
    own = {"nms_iou", "nms", "max_detections", "clip"}
    outer = {key: value for key, value in how.items() if key in own}
    inner = {"box_format": "xyxy", "normalized": True}
    inner.update({key: value for key, value in how.items() if key not in own})
    table = BoxesScores(**inner)  # type: ignore[arg-type]
    return Decode(family="boxes-scores", score_threshold=threshold, boxes_scores=table, **outer)


def heads(scores: Any, boxes: Any = None) -> dict[str, np.ndarray]:
    values = np.array([scores], dtype=np.float32)
    rows = [BOX] * values.shape[1] if boxes is None else boxes
    return {"boxes": np.array([rows], dtype=np.float32), "scores": values}


def run(scores: Any, boxes: Any = None, classes: int = 2, **how: Any) -> Candidates:
    return decode(heads(scores, boxes), settings(**how), classes, (100, 200))


def message(scores: Any, boxes: Any = None, classes: int = 2, **how: Any) -> str:
    with pytest.raises(DecodeError) as caught:
        run(scores, boxes, classes, **how)
    return str(caught.value)


@pytest.mark.parametrize(
    ("box_format", "box"),
    [
        ("xyxy", [0.25, 0.5, 0.75, 1.0]),
        ("yxyx", [0.5, 0.25, 1.0, 0.75]),
        ("cxcywh", [0.5, 0.75, 0.5, 0.5]),
    ],
)
def test_every_format_gives_pixels_of_the_input(box_format: str, box: list[float]) -> None:
    """Relative boxes are scaled by width 200 and height 100."""
    found = run([[0.5, 0.5]], [box], box_format=box_format)
    assert found.boxes.tolist() == [[50, 50, 150, 100]]
    assert found.boxes.dtype == found.scores.dtype == np.float64


def test_boxes_in_pixels_are_taken_as_they_are() -> None:
    """normalized = false."""
    assert run([[0.5, 0.5]], [[1, 2, 3, 4]], normalized=False).boxes.tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(("background", "left"), [(0, [0.25, 0.5]), (2, [0.125, 0.25])])
def test_the_background_column_is_left_out(background: int, left: list[float]) -> None:
    """Wherever it stands; classes are counted without it."""
    found = run([[0.125, 0.25, 0.5]], background=background)
    assert found.scores.tolist() == [left]


def test_softmax_runs_over_all_columns_before_the_background_goes() -> None:
    """Equal logits share evenly; large ones do not overflow."""
    found = run([[0, 0, 0], [1000, 0, 0]], activation="softmax", background=0)
    np.testing.assert_allclose(found.scores, [[1 / 3, 1 / 3], [0, 0]])


def test_sigmoid_treats_each_column_for_itself() -> None:
    """Also far out."""
    found = run([[0, 1000], [-1000, np.log(3)]], activation="sigmoid")
    np.testing.assert_allclose(found.scores, [[0.5, 1], [0, 0.75]], rtol=1e-7)


def test_a_single_class_may_have_no_column() -> None:
    """(1, A) is (1, A, 1)."""
    assert run([0.25, 0.5], classes=1).scores.tolist() == [[0.25], [0.5]]


def test_scores_a_few_ulps_above_1_are_scores() -> None:
    """A softmax in float32 ends there."""
    above = float(np.nextafter(np.float32(1), np.float32(2)))
    assert run([[above, 0]]).scores[0, 0] == above


def test_logits_are_recognised() -> None:
    """The range found, and what to say."""
    assert message([[-2.5, 4.0]]) == (
        "scores: expected values within 0..1 with activation = 'none', found -2.5..4; "
        "logits? say activation = 'softmax' or 'sigmoid'"
    )


def test_a_background_that_is_not_declared_is_recognised() -> None:
    """One column too many."""
    assert message([[0.5, 0.2, 0.3]]) == (
        "scores: expected shape (1, 1, 2), found (1, 1, 3); "
        "found 3 columns for 2 classes: is column 0 a background? say background = 0"
    )


def test_a_background_that_is_not_there_is_recognised() -> None:
    """One column too few."""
    assert message([[0.5, 0.2]], background=0) == (
        "scores: expected shape (1, 1, 3), found (1, 1, 2); found 2 columns for 2 classes and "
        "a background: if there is no background column, leave background out"
    )


@pytest.mark.parametrize(
    ("scores", "boxes", "line"),
    [
        ([[0.5] * 9], None, "scores: expected shape (1, 1, 2), found (1, 1, 9)"),
        (
            [[0.5] * 2],
            [BOX] * 2,
            "scores: expected one row for each of 2 boxes, found shape (1, 1, 2)",
        ),
        ([[0.5] * 2], [[1, 2, 3]], "boxes: expected shape (1, A, 4), found (1, 1, 3)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(scores: Any, boxes: Any, line: str) -> None:
    """Against the classes and against one another; nothing is broadcast."""
    assert message(scores, boxes) == line


def test_a_batch_of_two_is_refused() -> None:
    """Images are decoded one at a time."""
    two = {"boxes": np.zeros((2, 3, 4)), "scores": np.zeros((2, 3, 2))}
    with pytest.raises(DecodeError) as caught:
        decode(two, settings(), 2, (100, 200))
    assert str(caught.value) == (
        "boxes: expected a batch of one image, (1, ...), found shape (2, 3, 4)"
    )


def test_a_missing_head_is_named() -> None:
    """By its role."""
    with pytest.raises(DecodeError) as caught:
        decode({"boxes": np.zeros((1, 3, 4))}, settings(), 2, (100, 200))
    assert str(caught.value) == "expected a head 'scores', found boxes"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
def test_heads_that_are_not_finite_pass_through(activation: str) -> None:
    """They are judged elsewhere; decoding neither raises nor warns."""
    bad = [np.nan, np.inf, -np.inf, 0.5]
    scores = [[np.nan, 0.5], [0.5, np.nan]] if activation == "none" else [bad[:2], bad[1:3]]
    found = run(scores, [bad, bad[::-1]], activation=activation)
    assert np.isnan(found.scores).any()


def test_the_roles_bind_the_outputs() -> None:
    """What the family needs, for two classes."""
    found = bind([("s", (1, 5, 2)), ("b", (1, 5, 4))], {}, roles(settings(), 2))
    assert found == {"boxes": "b", "scores": "s"}


# --------------------------------------------------------------------------------------- to_side


def side(
    boxes: Any, scores: Any, floor: float = 0.25, image: tuple[int, int] | None = None, **how: Any
) -> Side:
    found = Candidates(np.array(boxes, dtype=float), np.array(scores, dtype=float))
    placement = Placement(scale_x=0.5, scale_y=0.25, offset_x=0.0, offset_y=10.0)
    return to_side(found, settings(**how), floor, placement, image)


def test_every_class_at_or_above_the_floor_is_a_proposal() -> None:
    """One box can be two detections; just below the floor is nothing."""
    found = side([[0, 10, 10, 20]], [[0.25, 0.75, 0.2499]])
    assert (found.seen.scores.tolist(), found.seen.classes.tolist()) == ([0.75, 0.25], [1, 0])
    assert (found.threshold, found.floor) == (0.5, 0.25)
    assert found.deployed.tolist() == [True, False]


def test_boxes_are_brought_to_the_original_image() -> None:
    """Kept and removed ones alike."""
    found = side([[0, 10, 10, 20], [0, 10, 10, 19]], [[0.9], [0.8]])
    assert found.seen.boxes.tolist() == [[0, 0, 20, 40]]
    assert found.removed.detections.boxes.tolist() == [[0, 0, 20, 36]]
    assert found.removed.suppressor.tolist() == [0]
    assert found.removed.overlap.tolist() == [0.9]


def test_the_settings_of_nms_are_recorded() -> None:
    """As other settings are a finding of their own."""
    found = side([[0, 0, 1, 1]], [[0.9]])
    assert found.suppression.label == "class at IoU 0.45, at most 100"
    cut = side([[0, 0, 1, 1]], [[0.9]], clip="before-nms", image=(40, 30)).suppression
    assert cut.label == "class at IoU 0.45, boxes cut at the image's edges before, at most 100"
    assert side([[0, 0, 1, 1]], [[0.9]], clip="after-nms", image=(40, 30)).suppression.edges is None


def test_every_proposal_says_from_which_row_it_comes() -> None:
    """Of how many rows there are; in pixels of the input as decoded, and of the image as cut."""
    found = side(
        [[0, 10, 10, 20], [5, 0, 9, 15], [-4, 12, 6, 14]],
        [[0.9, 0.3], [0.1, 0.0], [0.0, 0.8]],
        clip="before-nms",
        image=(40, 30),
    )
    assert found.proposals is not None
    assert (found.proposals.rows.tolist(), found.proposals.row_count) == ([0, 0, 2], 3)
    assert found.proposals.found.classes.tolist() == [0, 1, 1]
    assert found.proposals.boxes[2].tolist() == [-4, 12, 6, 14]
    assert found.proposals.found.boxes[2].tolist() == [0, 8, 12, 16]


def test_a_side_without_nms_of_its_own_hides_its_proposals() -> None:
    """Whatever the network suppressed by itself is unknown."""
    found = side([[0, 0, 1, 1]], [[0.9]], nms="none", max_detections=None)
    assert (found.proposals, len(found.seen)) == (None, 1)


def test_nothing_above_the_floor_is_an_empty_side() -> None:
    """Not an error here: the suite judges it."""
    found = side([[0, 0, 1, 1]], [[0.1]])
    assert (len(found.seen), len(found.removed.detections)) == (0, 0)


def test_crossed_corners_above_the_floor_are_an_error_that_names_the_setting() -> None:
    """Most probably the boxes are written in another format."""
    with pytest.raises(DecodeError) as caught:
        side([[0, 0, 1, 1], [5, 5, 4, 6], [9, 9, 1, 1]], [[0.9], [0.8], [0.1]])
    assert str(caught.value) == (
        "boxes: expected x1 <= x2 and y1 <= y2, found 1 of 2 boxes that are not; the first has "
        "score 0.8: [5.0, 5.0, 4.0, 6.0]; box_format = 'xyxy' is declared: is it yxyx or cxcywh?"
    )


def test_an_infinite_box_above_the_floor_is_an_error() -> None:
    """An offset so wild that its exponential overflows."""
    with pytest.raises(DecodeError) as caught:
        side([[0, 0, np.inf, 1]], [[0.875]])
    assert str(caught.value) == (
        "boxes: expected finite boxes, found 1 that are not once decoded; "
        "the first has score 0.875: [0.0, 0.0, inf, 1.0]"
    )


def test_a_score_that_is_nan_is_an_error() -> None:
    """It would otherwise fall below every floor in silence."""
    with pytest.raises(DecodeError) as caught:
        side([[0, 0, 1, 1]], [[np.nan]])
    assert str(caught.value) == "scores: expected numbers, found 1 NaN"


@pytest.mark.parametrize(
    ("clip", "box"),
    [
        ("before-nms", [0.0, 0.0, 50.0, 30.0]),
        ("after-nms", [0.0, 0.0, 50.0, 30.0]),
        (None, [-20.0, 0.0, 80.0, 40.0]),
    ],
)
def test_boxes_are_clipped_to_the_original_image_where_that_is_said(clip: Any, box: Any) -> None:
    """Back in the image, whose height is 30 and whose width is 50."""
    found = Candidates(np.array([[-10.0, 0.0, 40.0, 20.0]]), np.array([[0.9]]))
    how = settings().model_copy(update={"clip": clip})
    side = to_side(found, how, 0.25, Placement(0.5, 0.5), (30, 50))
    assert side.seen.boxes.tolist() == [box]


@pytest.mark.parametrize(("clip", "kept"), [("before-nms", 1), ("after-nms", 2)])
def test_what_is_clipped_before_nms_may_be_suppressed(clip: str, kept: int) -> None:
    """Two boxes that are one within the image: IoU 0.4, then 1."""
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 25.0, 10.0]])
    found = Candidates(boxes, np.array([[0.9], [0.8]]))
    how = settings(nms_iou=0.45).model_copy(update={"clip": clip})
    side = to_side(found, how, 0.25, Placement(), (10, 10))
    assert side.seen.boxes.tolist() == [[0.0, 0.0, 10.0, 10.0]] * kept
