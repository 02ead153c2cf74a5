"""Layout, dtype and quantisation of a runtime's input and outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.runtimes.contract import Quantization, TensorSpec
from parity.tensors import NonFinite, arrange, dequantize, nonfinite, quantize

TENTH = Quantization((0.1,), (128,))


def canvas(height: int = 4, width: int = 6) -> np.ndarray:
    return np.arange(height * width * 3, dtype=np.float32).reshape(height, width, 3)


def spec(*shape: int | None, dtype: str = "float32", q: Quantization | None = None) -> TensorSpec:
    return TensorSpec("image", shape, dtype, q)


def message(*args: object) -> str:
    with pytest.raises(ValueError) as caught:
        arrange(*args)  # type: ignore[arg-type]
    return str(caught.value)


def test_dequantising_below_the_zero_point_does_not_wrap_around() -> None:
    """uint8 5 with zero point 128 and scale 0.1 is -12.3, not 13.3."""
    found = dequantize(np.array([5], dtype=np.uint8), TENTH)
    assert found.dtype == np.float32
    assert found[0] == np.float32(-12.3)


def test_dequantising_per_channel_uses_each_channels_own_scale() -> None:
    """Along axis 1, the second column has scale 2 and zero point 1."""
    q = Quantization((1.0, 2.0), (0, 1), axis=1)
    raw = np.array([[3, 3], [-4, -4]], dtype=np.int8)
    assert dequantize(raw, q).tolist() == [[3.0, 4.0], [-4.0, -10.0]]


def test_dequantising_floats_is_refused() -> None:
    """They are real numbers already."""
    with pytest.raises(ValueError) as caught:
        dequantize(np.zeros(2, dtype=np.float32), TENTH)
    assert str(caught.value) == "expected integers to dequantise, found float32"


@pytest.mark.parametrize(("real", "raw"), [(0.5, 1), (1.5, 2), (2.5, 3), (-0.5, -1), (-1.5, -2)])
def test_halves_are_rounded_away_from_zero(real: float, raw: int) -> None:
    """As TensorFlow Lite does, where numpy would round to even."""
    q = Quantization((1.0,), (0,))
    assert quantize(np.array([real]), q, "int8").tolist() == [raw]


def test_the_float_just_below_a_half_is_rounded_down() -> None:
    """Adding a half in float32 would carry it over."""
    just_below = np.nextafter(np.float32(0.5), np.float32(0))
    assert quantize([just_below], Quantization((1.0,), (0,)), "int8").tolist() == [0]


def test_values_out_of_range_saturate() -> None:
    """They stop at the ends of the dtype instead of wrapping around."""
    q = Quantization((1.0,), (0,))
    assert quantize([300.0, -300.0, 1e30], q, "int8").tolist() == [127, -128, 127]
    assert quantize([300.0, -300.0, 1e30], q, "uint8").tolist() == [255, 0, 255]


def test_nan_cannot_be_quantised() -> None:
    """There is no integer for it, and 0 would hide it."""
    with pytest.raises(ValueError) as caught:
        quantize([1.0, np.nan, np.inf], TENTH, "uint8")
    assert str(caught.value) == "expected finite numbers to quantise, found 1 NaN and 1 infinite"


@given(
    st.lists(st.integers(-128, 127), min_size=1, max_size=20),
    st.floats(2**-12, 10, width=32),
    st.integers(-128, 127),
)
def test_dequantised_values_quantise_to_themselves(
    raw: list[int], scale: float, zero_point: int
) -> None:
    """Every int8 value survives the way to real numbers and back."""
    q = Quantization((scale,), (zero_point,))
    values = np.array(raw, dtype=np.int8)
    assert quantize(dequantize(values, q), q, "int8").tolist() == raw


def test_quantising_per_channel_needs_one_scale_for_each_channel() -> None:
    """Two scales along an axis of three are an error."""
    with pytest.raises(ValueError) as caught:
        quantize(np.zeros((2, 3)), Quantization((1.0, 2.0), (0, 0), axis=1), "int8")
    assert str(caught.value) == (
        "expected 2 channels along axis 1, one per scale, found shape (2, 3)"
    )


def test_a_scale_of_zero_is_refused() -> None:
    """It would divide by zero."""
    with pytest.raises(ValueError) as caught:
        dequantize(np.zeros(1, dtype=np.int8), Quantization((0.0,), (0,)))
    assert str(caught.value) == "expected scales above 0, found 0.0"


def test_nonfinite_counts_nan_and_infinity_apart() -> None:
    """Both signs of infinity count."""
    found = nonfinite(np.array([[np.nan, 1.0], [np.inf, -np.inf]]))
    assert found == NonFinite(nan=1, inf=2)
    assert found.total == 3
    assert nonfinite(np.array([1, 2])) == NonFinite(0, 0)


def test_channels_first_follows_from_the_shape() -> None:
    """(1, 3, H, W) is NCHW: the canvas is transposed, never reshaped."""
    found = arrange(canvas(), spec(1, 3, 4, 6))
    assert found.layout == "NCHW"
    assert found.array.flags.c_contiguous
    np.testing.assert_array_equal(found.array[0, 2], canvas()[:, :, 2])


def test_channels_last_follows_from_the_shape() -> None:
    """(1, H, W, 3) is NHWC."""
    found = arrange(canvas(), spec(1, 4, 6, 3))
    assert found.layout == "NHWC"
    np.testing.assert_array_equal(found.array[0], canvas())


def test_dynamic_edges_take_any_size() -> None:
    """(?, 3, ?, ?) still tells the layout."""
    found = arrange(canvas(), spec(None, 3, None, None))
    assert (found.layout, found.array.shape) == ("NCHW", (1, 3, 4, 6))


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (None, "no shape"),
        ((1, None, None, None), "(1, ?, ?, ?)"),
        ((1, 3, 4, 3), "3 channels in both places of (1, 3, 4, 3)"),
    ],
)
def test_a_shape_that_does_not_tell_the_layout_needs_it_declared(
    shape: tuple[int | None, ...] | None, found: str
) -> None:
    """The message names the remedy."""
    assert message(canvas(), TensorSpec("image", shape, "float32")) == (
        f"image: expected a shape that tells the layout, found {found}; "
        f'say layout = "NCHW" or layout = "NHWC" in the table of this runtime'
    )


def test_the_declared_layout_decides_where_the_shape_does_not() -> None:
    """The same canvas, twice."""
    anything = TensorSpec("image", None, "")
    assert arrange(canvas(), anything, "NCHW").array.shape == (1, 3, 4, 6)
    assert arrange(canvas(), anything, "NHWC").array.shape == (1, 4, 6, 3)
    assert arrange(canvas(4, 3), spec(1, 3, 4, 3), "NCHW").layout == "NCHW"


def test_a_declared_layout_cannot_contradict_the_shape() -> None:
    """The suite or the artifact is wrong, and the user must say which."""
    assert message(canvas(), spec(1, 3, 4, 6), "NHWC") == (
        'image: layout = "NHWC" is declared, but the shape (1, 3, 4, 6) of the input is NCHW'
    )


def test_swapped_height_and_width_are_named() -> None:
    """preprocess.size is [height, width], and people write it the other way round."""
    assert message(canvas(6, 4), spec(1, 3, 4, 6)) == (
        "image: expected (1, 3, 4, 6), found (1, 3, 6, 4); height and width are swapped, "
        "preprocess.size is [height, width]"
    )
    assert "height and width are swapped" in message(canvas(6, 4), spec(1, 4, 6, 3))


def test_a_wrong_size_shows_both_shapes() -> None:
    """Nothing is resized or broadcast."""
    assert message(canvas(4, 5), spec(1, 4, 6, 3)) == (
        "image: expected (1, 4, 6, 3), found (1, 4, 5, 3); see preprocess.size"
    )


def test_a_batch_other_than_one_is_refused() -> None:
    """Images are run one at a time."""
    assert message(canvas(), spec(8, 3, 4, 6)) == (
        "image: expected (8, 3, 4, 6), found (1, 3, 4, 6); images are run one at a time, "
        "export the model with a batch of 1"
    )


def test_an_input_of_other_channels_is_refused() -> None:
    """With what to say for the channels that the input has."""
    assert message(canvas(), spec(1, 1, 4, 6)) == (
        "image: expected an input of 3 channels, (1, 3, H, W) or (1, H, W, 3), found "
        '(1, 1, 4, 6); for one channel say color = "grey" in [preprocess]'
    )
    assert message(canvas()[..., :1], spec(1, 4, 6, 3)) == (
        "image: expected an input of 1 channel, (1, 1, H, W) or (1, H, W, 1), found "
        '(1, 4, 6, 3); for three channels say color = "RGB" or color = "BGR" in [preprocess]'
    )


@pytest.mark.parametrize(("shape", "layout"), [((1, 1, 4, 6), "NCHW"), ((1, 4, 6, 1), "NHWC")])
def test_the_place_of_a_single_channel_tells_the_layout(
    shape: tuple[int, ...], layout: str
) -> None:
    """As that of three does."""
    found = arrange(canvas()[..., :1], spec(*shape))
    assert (found.array.shape, found.layout) == (shape, layout)


def test_an_input_without_batch_is_refused() -> None:
    """The layout of three dimensions is not guessed."""
    assert message(canvas(), spec(3, 4, 6)) == (
        "image: expected an input of 4 dimensions, found (3, 4, 6)"
    )


def test_a_grey_canvas_is_refused() -> None:
    """Nothing is broadcast over channels."""
    assert message(np.zeros((4, 6)), spec(1, 3, 4, 6)) == (
        "image: expected an image (H, W, 3) or a batch of one, found (4, 6)"
    )


def test_a_quantised_input_is_quantised_with_its_own_scale_and_zero_point() -> None:
    """int8 with scale 1/128 and zero point 0, from -1..1."""
    q = Quantization((1 / 128,), (0,))
    image = np.zeros((1, 1, 3), dtype=np.float32)
    image[0, 0] = (-1.0, 0.5, 1.0)
    found = arrange(image, spec(1, 1, 1, 3, dtype="int8", q=q))
    assert found.array.dtype == np.int8
    assert found.array.ravel().tolist() == [-128, 64, 127]


def test_a_uint8_input_without_scale_takes_whole_pixels_as_they_are() -> None:
    """The network normalises inside."""
    found = arrange(canvas(), spec(1, 4, 6, 3, dtype="uint8"))
    assert found.array.dtype == np.uint8
    np.testing.assert_array_equal(found.array[0], canvas())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda x: x / 255, "other numbers within 0..0.278431"),
        (lambda x: x - 1, "integers within -1..70"),
        (lambda x: x * 4, "integers within 0..284"),
    ],
)
def test_a_uint8_input_without_scale_takes_nothing_else(change: object, found: str) -> None:
    """A cast would truncate fractions and wrap negative values around."""
    assert message(change(canvas()), spec(1, 4, 6, 3, dtype="uint8")) == (  # type: ignore[operator]
        "image: expected integers within 0..255, as the input is uint8 without scale and zero "
        f"point, found {found}; see preprocess.range, mean and std"
    )


def test_a_float16_input_is_cast() -> None:
    """It is what the runtime declares."""
    assert arrange(canvas(), spec(1, 3, 4, 6, dtype="float16")).array.dtype == np.float16


def test_a_value_beyond_float16_is_refused() -> None:
    """The cast would make it infinite."""
    assert message(canvas() * 1e4, spec(1, 3, 4, 6, dtype="float16")) == (
        "image: expected values within the range of float16, found 710000"
    )


def test_an_input_of_another_dtype_is_named() -> None:
    """Nothing is cast to bool or to text."""
    assert message(canvas(), spec(1, 3, 4, 6, dtype="bool")) == (
        "image: expected an input of float16, float32, float64, uint8, int8, uint16, int16, "
        "int32, int64, found bool"
    )


def test_a_functions_batch_is_taken_as_it_is() -> None:
    """(1, 3, H, W) fits an input of that shape."""
    batch = canvas().transpose(2, 0, 1)[None]
    found = arrange(batch, spec(1, 3, 4, 6))
    assert found.layout == "NCHW"
    np.testing.assert_array_equal(found.array, batch)


def test_a_functions_batch_is_turned_to_the_layout_of_the_runtime() -> None:
    """One function serves a Keras reference and an ONNX candidate."""
    found = arrange(canvas()[None], spec(1, 3, 4, 6))
    assert found.layout == "NCHW"
    np.testing.assert_array_equal(found.array[0, 1], canvas()[:, :, 1])


def test_a_functions_batch_of_one_channel_fits_an_input_of_one_channel() -> None:
    """Its shape does not tell a layout, so none is claimed."""
    found = arrange(np.zeros((1, 1, 4, 6), dtype=np.float32), spec(1, 1, 4, 6))
    assert (found.layout, found.array.shape) == ("as given", (1, 1, 4, 6))


def test_a_functions_batch_of_two_images_is_refused() -> None:
    """Images are run one at a time."""
    assert message(np.zeros((2, 4, 6, 3)), spec(1, 3, 4, 6)) == (
        "image: expected a batch of one image, found (2, 4, 6, 3)"
    )
