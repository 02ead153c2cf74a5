"""Overlap, corner distances, formats and placement of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.boxes import Placement, corner_distance, iou, to_xyxy

numbers = st.floats(-1e4, 1e4, allow_nan=False, width=32)
anything = st.floats(allow_nan=True, allow_infinity=True)


def boxes_of(values: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    row = st.tuples(values, values, values, values)
    return st.lists(row, max_size=6).map(lambda rows: np.array(rows, dtype=float).reshape(-1, 4))


def test_iou_of_a_half_covered_box_is_a_third() -> None:
    """Two squares of 4 x 4 that share 4 x 2 have 8 of 24 in common."""
    assert iou([[0, 0, 4, 4]], [[0, 2, 4, 6]]).tolist() == [[8 / 24]]


def test_iou_has_one_row_for_each_box_of_the_first_and_one_column_for_each_of_the_second() -> None:
    """The result is (N, M), in the order of the arguments."""
    found = iou([[0, 0, 1, 1], [5, 5, 6, 6]], [[5, 5, 6, 6], [0, 0, 1, 1], [0, 0, 2, 1]])
    assert found.tolist() == [[0.0, 1.0, 0.5], [1.0, 0.0, 0.0]]


def test_touching_boxes_share_nothing() -> None:
    """A common edge has no area."""
    assert iou([[0, 0, 1, 1]], [[1, 0, 2, 1]]).tolist() == [[0.0]]


@pytest.mark.parametrize("box", [[3, 3, 3, 3], [0, 1, 5, 1], [2, 0, 2, 9], [0.1, 0.2, 0.3, 0.7]])
def test_identical_boxes_have_iou_1_even_without_area(box: list[float]) -> None:
    """A point, a horizontal and a vertical line are as equal to themselves as a box with area."""
    assert iou([box], [box]).tolist() == [[1.0]]


def test_different_boxes_without_area_have_iou_0() -> None:
    """Two different points share nothing, nor does a point with the box around it."""
    assert iou([[1, 1, 1, 1]], [[2, 2, 2, 2], [0, 0, 4, 4]]).tolist() == [[0.0, 0.0]]


def test_a_box_with_swapped_corners_has_no_area() -> None:
    """x1 > x2 does not make a negative area positive again."""
    assert iou([[4, 4, 0, 0]], [[0, 0, 4, 4]]).tolist() == [[0.0]]


def test_iou_of_nothing_is_empty() -> None:
    """No boxes on either side give (0, M) and (N, 0)."""
    assert iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou([[0, 0, 1, 1]], np.zeros((0, 4))).shape == (1, 0)


def test_iou_of_huge_boxes_does_not_overflow() -> None:
    """Areas beyond the largest float still have the right ratio."""
    huge = 1.5e308
    found = iou([[-huge, -huge, huge, huge]], [[-huge, 0, huge, huge], [0, 0, 1, 1]])
    assert found[0, 0] == pytest.approx(0.5)
    assert found[0, 1] == 0.0


@given(boxes_of(anything), boxes_of(anything))
def test_iou_is_never_nan_nor_outside_0_to_1(a: np.ndarray, b: np.ndarray) -> None:
    """Whatever the numbers, infinite or none at all."""
    found = iou(a, b)
    assert ((found >= 0) & (found <= 1)).all()


@given(boxes_of(numbers), boxes_of(numbers))
def test_iou_is_symmetric(a: np.ndarray, b: np.ndarray) -> None:
    """Exchanging the arguments transposes the result."""
    np.testing.assert_allclose(iou(a, b), iou(b, a).T, rtol=1e-12)


def test_iou_refuses_other_shapes() -> None:
    """Rows of five numbers are no boxes."""
    with pytest.raises(ValueError) as caught:
        iou(np.zeros((2, 5)), np.zeros((1, 4)))
    assert str(caught.value) == "expected boxes of shape (N, 4), found (2, 5)"


def test_corner_distance_is_the_largest_of_four_scaled_differences() -> None:
    """x differs by 4 at a scale of 0.5, y by 1 at a scale of 3."""
    found = corner_distance([[0, 0, 10, 10]], [[4, 0, 10, 9], [0, 0, 10, 10]], (0.5, 3.0))
    assert found.tolist() == [[3.0, 0.0]]


@given(boxes_of(anything), boxes_of(anything))
def test_corner_distance_is_never_nan(a: np.ndarray, b: np.ndarray) -> None:
    """A coordinate that is no number is infinitely far."""
    assert not np.isnan(corner_distance(a, b, (1.0, 1.0))).any()


@pytest.mark.parametrize(
    ("box_format", "box"),
    [("xyxy", [1, 2, 5, 8]), ("yxyx", [2, 1, 8, 5]), ("cxcywh", [3, 5, 4, 6])],
)
def test_every_format_reads_the_same_box(box_format: str, box: list[float]) -> None:
    """The same box in pixels, written in three ways."""
    assert to_xyxy([box], box_format).tolist() == [[1, 2, 5, 8]]


def test_normalised_boxes_are_scaled_by_width_and_height() -> None:
    """Height comes first in a size, as everywhere."""
    assert to_xyxy([[0.5, 0.25, 1.0, 0.5]], "yxyx", (200, 400)).tolist() == [[100, 100, 200, 200]]


def test_an_unknown_format_is_named() -> None:
    """The message lists the formats."""
    with pytest.raises(ValueError) as caught:
        to_xyxy([[0, 0, 1, 1]], "xywh")
    assert str(caught.value) == "expected a box format of xyxy, yxyx, cxcywh, found 'xywh'"


def test_placement_puts_a_box_into_the_input() -> None:
    """network = original * scale + offset, on each axis."""
    placement = Placement(scale_x=0.5, scale_y=2.0, offset_x=10.0, offset_y=-1.0)
    assert placement.to_network([[0, 0, 4, 4]]).tolist() == [[10, -1, 12, 7]]
    assert placement.scale == (0.5, 2.0)


@given(
    boxes_of(numbers),
    st.floats(0.01, 100),
    st.floats(0.01, 100),
    st.floats(-1e3, 1e3),
    st.floats(-1e3, 1e3),
)
def test_placement_there_and_back_is_the_same_box(
    boxes: np.ndarray, sx: float, sy: float, ox: float, oy: float
) -> None:
    """To the network's input and back to the original image changes nothing."""
    placement = Placement(sx, sy, ox, oy)
    back = placement.to_original(placement.to_network(boxes))
    np.testing.assert_allclose(back, boxes, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_placement_refuses_a_scale_that_cannot_be_undone(scale: float) -> None:
    """Boxes could not be brought back."""
    with pytest.raises(ValueError, match=r"^expected finite numbers and scales above 0, found"):
        Placement(scale_x=scale)
