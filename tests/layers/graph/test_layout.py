"""Layouts follow from the graph; nothing is searched until numbers agree."""

from __future__ import annotations

import numpy as np
import pytest

from parity.layers.graph import layout as lay
from parity.layers.graph.layout import bring, permuted, reduced, reshaped, resized, windowed

NCHW = windowed((1, 6, 4, 5), 1)
NHWC = windowed((1, 4, 5, 6), -1)


@pytest.fixture
def image() -> np.ndarray:
    """(1, 6, 4, 5), every value different."""
    return np.arange(120.0).reshape(1, 6, 4, 5)


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        (NCHW, "NCHW"),
        (NHWC, "NHWC"),
        (windowed((2, 8, 9), 1), "NCL"),
        (windowed((1, 3, 2, 8, 9), 1), "NCDHW"),
        (reshaped(NCHW, (1, 6, 20)), "NC(HW)"),
        (reshaped(NHWC, (1, 40, 3)), "N(HWC)C"),
        (reshaped(NHWC, (1, 120)), "N(HWC)"),
    ],
    ids=lambda value: str(value),
)
def test_a_layout_is_printed_axis_by_axis(layout, text):
    """Merged axes stand in brackets."""
    assert str(layout) == text


def test_channels_first_is_brought_to_channels_last(image):
    """The reference's NCHW as the candidate's NHWC."""
    found = bring(image, NCHW, NHWC, (1, 4, 5, 6))
    assert np.array_equal(found, image.transpose(0, 2, 3, 1))


def test_a_flattened_head_is_brought_from_the_map_before_it(image):
    """A map (1, 24, 2, 5) and its (1, 60, 4): permuted, then reshaped."""
    image = image.reshape(1, 12, 2, 5)
    before = windowed(image.shape, 1)
    after = reshaped(permuted(before, (0, 2, 3, 1)), (1, 30, 4))
    found = bring(image, before, after, (1, 30, 4))
    assert np.array_equal(found, image.transpose(0, 2, 3, 1).reshape(1, 30, 4))


def test_equal_sizes_of_all_axes_do_not_hide_a_layout():
    """C = H = W: the shapes are equal and the layouts still differ."""
    cube = np.arange(64.0).reshape(1, 4, 4, 4)
    first, last = windowed(cube.shape, 1), windowed(cube.shape, -1)
    assert np.array_equal(bring(cube, first, last, cube.shape), cube.transpose(0, 2, 3, 1))
    assert bring(cube, first, first, cube.shape) is cube


def test_a_swap_of_height_and_width_is_never_undone():
    """A transpose that swaps the two leaves the layout what it is: the swap stays an error."""
    square = windowed((1, 4, 4, 6), -1)
    assert permuted(square, (0, 2, 1, 3)) == square


def test_without_a_known_layout_only_equal_shapes_are_compared(image):
    """What is not known is not guessed."""
    assert bring(image, None, NHWC, (1, 6, 4, 5)) is image
    assert bring(image, None, NHWC, (1, 4, 5, 6)) is None


def test_an_axis_cut_at_no_divisor_has_no_layout():
    """(6, 4, 5) as (8, 15) mixes channels and positions."""
    assert reshaped(NCHW, (1, 8, 15)) is None


def test_joined_axes_become_points():
    """Heads of several maps, concatenated, are points in one order."""
    flat = reshaped(NHWC, (1, 40, 3))
    joined = resized(flat, (1, 100, 3))
    assert str(joined) == "NPC"
    values = np.arange(300.0).reshape(1, 100, 3)
    assert bring(values, joined, joined, (1, 100, 3)) is values
    flattened = lay.Layout(((), ((lay.POINT, 300),)))
    assert np.array_equal(bring(values, joined, flattened, (1, 300)), values.reshape(1, 300))


def test_global_pooling_leaves_channels():
    """(N, C, H, W) without its positions is (N, C)."""
    assert str(reduced(NCHW, (1, 6))) == "NC"
    assert reduced(NCHW, (1, 7)) is None


def test_parts_of_channels_that_a_transpose_moved_keep_their_order():
    """Two ways to the same four by sixteen channels: what was minor stays minor."""
    channels = lay.reshaped(lay.windowed((1, 64, 8, 8), 1), (1, 4, 16, 64))
    moved = lay.permuted(channels, (0, 2, 1, 3))
    last = lay.permuted(moved, (0, 3, 2, 1))
    array = np.arange(4096).reshape(1, 4, 16, 64)
    there = array.transpose(0, 2, 1, 3)
    brought = lay.bring(there, moved, last, (1, 64, 4, 16))
    assert np.array_equal(brought, there.transpose(0, 3, 2, 1))
    assert np.array_equal(lay.bring(there, moved, channels, array.shape), array)
    assert (str(moved), str(last)) == ("NCC(HW)", "N(HW)CC")


def test_channels_that_are_merged_in_a_new_order_are_new_channels():
    """A channel shuffle: its result is compared as it is."""
    split = lay.reshaped(lay.windowed((1, 8, 4, 4), 1), (1, 2, 4, 16))
    shuffled = lay.reshaped(lay.permuted(split, (0, 2, 1, 3)), (1, 8, 4, 4))
    array = np.arange(128).reshape(1, 8, 4, 4)
    assert lay.bring(array, shuffled, lay.windowed((1, 8, 4, 4), 1), array.shape) is not None
    plain = lay.bring(array, lay.windowed((1, 8, 4, 4), 1), shuffled, array.shape)
    assert np.array_equal(plain, array)
