"""Rectangular letterboxes and images that are not enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from parity.preprocess import prepare
from parity.preprocess.placing import place
from parity.suite.recipe import Recipe


def letterbox(size: tuple[int, int], **keys: Any) -> Recipe:
    return Recipe(size=size, resize="letterbox", pad_value=0, **keys)


def white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def part(recipe: Recipe, height: int, width: int) -> tuple[tuple[int, ...], list[int]]:
    """The shape of the input, and where in it the image is: x1, y1, x2, y2."""
    found = prepare(white(height, width), recipe)
    assert found.pixels is not None
    y, x = np.nonzero(found.pixels[:, :, 0])
    return found.canvas.shape, [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


def test_a_rectangular_letterbox_pads_to_the_next_multiple() -> None:
    """810 x 1080 in 640 x 640 is 480 x 640: no padding; a row more needs a stride more."""
    recipe = letterbox((640, 640), stride=32)
    assert part(recipe, 810, 1080) == ((480, 640, 3), [0, 0, 640, 480])
    assert part(recipe, 820, 1080) == ((512, 640, 3), [0, 13, 640, 499])


def test_a_rectangular_letterbox_may_stand_in_the_corner() -> None:
    """All padding is then below and to the right."""
    recipe = letterbox((640, 640), stride=32, pad="corner")
    assert part(recipe, 820, 1080) == ((512, 640, 3), [0, 0, 640, 486])


def test_the_size_of_the_input_is_that_of_the_image() -> None:
    """Decoding is told the size that was fed, not the recipe's."""
    found = prepare(white(810, 1080), letterbox((640, 640), stride=32))
    assert (found.size, found.image_size) == ((480, 640), (810, 1080))


def test_an_image_that_may_not_be_enlarged_keeps_its_pixels() -> None:
    """A large one is still scaled down."""
    recipe = letterbox((64, 64), scale_up=False)
    assert part(recipe, 20, 30) == ((64, 64, 3), [17, 22, 47, 42])
    assert part(recipe, 128, 128) == ((64, 64, 3), [0, 0, 64, 64])


def test_an_image_that_is_not_enlarged_has_the_smallest_rectangle() -> None:
    """The multiple of the stride is that of the scaled image."""
    recipe = letterbox((64, 64), scale_up=False, stride=16)
    assert part(recipe, 20, 30) == ((32, 32, 3), [1, 6, 31, 26])


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Letterboxes of every kind."""
    stride = draw(st.sampled_from([None, 1, 8, 32]))
    edge = st.integers(1, 12).map(lambda n: n * (stride or draw(st.integers(1, 32))))
    return letterbox(
        (draw(edge), draw(edge)),
        stride=stride,
        pad=draw(st.sampled_from(["center", "corner"])),
        scale_up=draw(st.booleans()),
    )


edges = st.integers(1, 500)


@settings(deadline=None)
@given(recipes(), edges, edges)
def test_every_letterbox_maps_the_image_onto_exactly_its_part(
    recipe: Recipe, height: int, width: int
) -> None:
    """What is not padding is the whole image, and the way back is its inverse."""
    found = prepare(white(height, width), recipe)
    assert found.pixels is not None
    y, x = np.nonzero(found.pixels[:, :, 0])
    seen = [[x.min(), y.min(), x.max() + 1, y.max() + 1]]
    whole = [[0, 0, width, height]]
    np.testing.assert_allclose(found.placement.to_original(seen), whole, atol=1e-6)
    np.testing.assert_allclose(found.placement.to_network(whole), seen, atol=1e-6)


@settings(deadline=None)
@given(recipes(), edges, edges, st.lists(st.floats(-600, 600), min_size=4, max_size=4))
def test_a_box_comes_back_from_every_letterbox(
    recipe: Recipe, height: int, width: int, box: list[float]
) -> None:
    """To the network and back is where it was."""
    placement = place((height, width), recipe).placement
    np.testing.assert_allclose(
        placement.to_original(placement.to_network([box])), [box], atol=1e-9 * 600 * 500
    )


@given(recipes(), edges, edges)
def test_the_input_is_the_smallest_that_is_allowed(recipe: Recipe, height: int, width: int) -> None:
    """Sides are multiples of the stride, hold the image, and waste less than a stride."""
    assert recipe.size is not None
    found = place((height, width), recipe)
    if recipe.stride is None:
        assert found.size == recipe.size
        return
    for side, inner, most in zip(found.size, found.inner, recipe.size, strict=True):
        assert side % recipe.stride == 0
        assert inner <= side < inner + recipe.stride
        assert side <= most


@given(recipes(), edges, edges)
def test_a_centred_image_has_equal_padding_but_for_one_pixel(
    recipe: Recipe, height: int, width: int
) -> None:
    """The odd one is at the bottom and right; in the corner there is none before it."""
    found = place((height, width), recipe)
    after = [side - inner for side, inner in zip(found.size, found.inner, strict=True)]
    before = [found.top, found.left]
    rest = [total - first for total, first in zip(after, before, strict=True)]
    if recipe.padding == "corner":
        assert before == [0, 0]
    else:
        assert all(second - first in (0, 1) for first, second in zip(before, rest, strict=True))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"resize": "letterbox", "stride": 32, "size": (650, 640)},
            "size: expected multiples of stride = 32, found [650, 640]",
        ),
        (
            {"stride": 32, "size": (640, 640)},
            "stride: expected only with resize = 'letterbox', found without",
        ),
        (
            {"scale_up": False, "size": (640, 640)},
            "scale_up: expected only with resize = 'letterbox', found without",
        ),
    ],
)
def test_what_a_letterbox_alone_knows_is_told(keys: dict[str, Any], message: str) -> None:
    """Settings that would do nothing are refused."""
    with pytest.raises(ValidationError) as caught:
        Recipe(**keys)
    assert str(caught.value.errors()[0]["ctx"]["error"]) == message
