"""Reading images, and the recipe that makes the network's input of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from parity.errors import ImageError
from parity.preprocess import MAX_PIXELS, canvas_from_pixels, prepare, read_image
from parity.suite.recipe import KERNELS, Recipe

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def photo(height: int = 37, width: int = 53, seed: int = 0) -> np.ndarray:
    """A picture with edges, gradients and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    base = np.stack([x * 255 / width, y * 255 / height, (x // 5 + y // 7) % 2 * 255.0], axis=-1)
    return np.clip(base + rng.normal(0, 20, base.shape), 0, 255).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def problem(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(path)
    (line,) = caught.value.problems
    assert caught.value.where == str(path)
    return line


def png(width: int, height: int, bits: int, colour: int, rows: bytes = b"") -> bytes:
    """A PNG by hand, also of kinds that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


# ---------------------------------------------------------------------------------------- reading


def test_an_rgb_png_is_read_as_it_is(tmp_path: Path) -> None:
    """Every pixel, in RGB."""
    path = save(tmp_path / "a.png", Image.fromarray(photo()))
    found = read_image(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, photo())


def test_an_image_of_one_pixel_is_read(tmp_path: Path) -> None:
    """1 x 1 is an image."""
    path = save(tmp_path / "a.png", Image.new("RGB", (1, 1), BLUE))
    assert read_image(str(path)).tolist() == [[list(BLUE)]]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 77, [77, 77, 77]),
        ("1", 1, [255, 255, 255]),
        ("LA", (77, 0), [77, 77, 77]),
        ("RGBA", (10, 20, 30, 0), [10, 20, 30]),
    ],
)
def test_other_modes_become_rgb_without_transparency(
    tmp_path: Path, mode: str, colour: Any, expected: list[int]
) -> None:
    """Grey is repeated; the colour below full transparency stays what the file holds."""
    path = save(tmp_path / "a.png", Image.new(mode, (2, 2), colour))
    assert read_image(path)[1, 1].tolist() == expected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("transparency", [None, 0, b"\x00\x80"])
def test_a_palette_image_becomes_rgb(tmp_path: Path, transparency: Any) -> None:
    """By its palette, without a warning about the transparency that is dropped."""
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])
    options = {} if transparency is None else {"transparency": transparency}
    path = save(tmp_path / "a.png", image, **options)
    assert read_image(path).tolist() == [[list(RED), list(GREEN)]]


def test_a_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    """As Pillow converts it."""
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    path = save(tmp_path / "a.jpg", image, quality=100)
    red, green, blue = read_image(path)[4, 4].tolist()
    assert red > 250
    assert green < 5
    assert blue < 5


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, kind: str, orientation: int) -> None:
    """All eight, against the operation that EXIF names."""
    plain = Image.fromarray(photo())
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{kind}", plain, exif=exif)
    stored = np.asarray(Image.open(path).convert("RGB"))
    upright: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, -1),
        7: lambda x: np.rot90(x.transpose(1, 0, 2), 2),
        8: lambda x: np.rot90(x, 1),
    }
    np.testing.assert_array_equal(read_image(path), upright[orientation](stored))


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    """The others are left out."""
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    path = save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert read_image(path)[0, 0].tolist() == list(RED)


@pytest.mark.parametrize(
    ("colour", "channels", "mode"), [(0, 1, "I;16"), (2, 3, "RGB"), (4, 2, "RGBA"), (6, 4, "RGBA")]
)
def test_a_16_bit_png_is_refused(tmp_path: Path, colour: int, channels: int, mode: str) -> None:
    """Pillow shows RGB of it as if it were 8 bits, and clips grey."""
    path = tmp_path / "a.png"
    path.write_bytes(png(2, 1, 16, colour, b"\0" + b"\x12\x34" * 2 * channels))
    assert problem(path) == (
        f"expected 8 bits per channel, found 16 (mode {mode}); convert the file to 8 bits in the "
        "way in which the detector's training images were"
    )


@pytest.mark.parametrize("compression", [1, 5])
def test_a_16_bit_rgb_tiff_is_refused(tmp_path: Path, compression: int) -> None:
    """Plain and compressed; Pillow keeps the upper byte of each."""
    path = tmp_path / "a.tif"
    pixels = photo().astype(np.uint16) * 257
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    assert problem(path).startswith("expected 8 bits per channel, found 16 (mode RGB);")


@pytest.mark.parametrize(("mode", "bits"), [("I;16", "16"), ("I", "32 or 16"), ("F", "32")])
def test_deep_grey_tiffs_are_refused(tmp_path: Path, mode: str, bits: str) -> None:
    """16 bits, 32 bits and floats: their scale is not known."""
    path = save(tmp_path / "a.tif", Image.new(mode, (3, 3)))
    assert problem(path).startswith(f"expected 8 bits per channel, found {bits} (mode {mode});")


def test_a_16_bit_ppm_is_refused(tmp_path: Path) -> None:
    """Pillow divides by the largest value."""
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 1 1 65535\n" + b"\x12\x34" * 3)
    assert problem(path).startswith("expected 8 bits per channel, found 16 (mode RGB);")


@pytest.mark.skipif(not features.check("jpg_2000"), reason="Pillow without JPEG 2000")
def test_a_12_bit_jpeg_2000_is_refused(tmp_path: Path) -> None:
    """Its depth stands in the SIZ marker of the codestream; here it is written there."""
    buffer = io.BytesIO()
    Image.fromarray(photo()).save(buffer, format="JPEG2000")
    data = bytearray(buffer.getvalue())
    path = tmp_path / "a.jp2"
    path.write_bytes(data)
    assert read_image(path).shape == (37, 53, 3)
    depth = data.index(b"\xff\x4f\xff\x51") + 42
    assert data[depth] == 7
    data[depth] = 11
    path.write_bytes(data)
    assert problem(path).startswith("expected 8 bits per channel, found 12 (mode RGB);")


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
@pytest.mark.skipif(not cv2.haveImageWriter("a.avif"), reason="OpenCV without AVIF")
@pytest.mark.parametrize("depth", [10, 12])
def test_an_avif_of_more_than_8_bits_is_refused(tmp_path: Path, depth: int) -> None:
    """Its depth stands in the box av1C; Pillow shows 8 bits of it."""
    path = tmp_path / "a.avif"
    pixels = photo(64, 64).astype(np.uint16) << (depth - 8)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_AVIF_DEPTH, depth])
    assert problem(path).startswith(f"expected 8 bits per channel, found {depth} (mode RGB);")


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
def test_an_avif_of_8_bits_is_read(tmp_path: Path) -> None:
    """The check of its depth lets it pass."""
    assert read_image(save(tmp_path / "a.avif", Image.fromarray(photo()))).shape == (37, 53, 3)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    """Where it was looked for stands first."""
    path = tmp_path / "a.png"
    assert problem(path) == "expected an image file, found nothing there"


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    """Neither is what it contains."""
    assert problem(tmp_path) == "expected an image file, found a folder"


def test_an_empty_file_is_no_image(tmp_path: Path) -> None:
    """A download that failed."""
    path = tmp_path / "a.png"
    path.touch()
    assert problem(path) == "expected an image, found an empty file"


def test_a_text_file_is_no_image(tmp_path: Path) -> None:
    """An error page saved as .png, a pointer of git-lfs."""
    path = tmp_path / "a.png"
    path.write_text("version https://git-lfs.github.com/spec/v1")
    assert problem(path) == (
        "expected an image that Pillow can read (PNG, JPEG, WebP, …), found another file"
    )


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "bmp"])
def test_a_truncated_image_is_refused(tmp_path: Path, kind: str) -> None:
    """It is never filled up with grey."""
    path = save(tmp_path / f"a.{kind}", Image.fromarray(photo(200, 200)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert problem(path).startswith("expected ")


def test_a_damaged_image_says_what_pillow_says(tmp_path: Path) -> None:
    """The reason is kept."""
    path = save(tmp_path / "a.jpg", Image.fromarray(photo(200, 200)))
    path.write_bytes(path.read_bytes()[:3000])
    assert problem(path).startswith(
        "expected a complete image, found a damaged one: image file is truncated"
    )


@pytest.mark.filterwarnings("error")
def test_50_megapixels_are_read(tmp_path: Path) -> None:
    """A large photograph."""
    path = save(tmp_path / "a.png", Image.new("L", (10_000, 5_000), 9), compress_level=1)
    assert read_image(path).shape == (5_000, 10_000, 3)


@pytest.mark.filterwarnings("error")
def test_more_than_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """The file claims a size that would fill the memory."""
    path = tmp_path / "a.png"
    path.write_bytes(png(20_000, 10_001, 8, 2))
    assert problem(path) == (
        "expected at most 200 megapixels, found 20000 x 10001; scale it down first"
    )
    path.write_bytes(png(1_000_000, 1_000_000, 8, 2))
    assert problem(path).startswith("expected at most 200 megapixels")


def test_the_limit_of_pillow_stays_what_it_was(tmp_path: Path) -> None:
    """It belongs to the process."""
    before = Image.MAX_IMAGE_PIXELS
    read_image(save(tmp_path / "a.png", Image.new("L", (1, 1))))
    assert before == Image.MAX_IMAGE_PIXELS
    assert MAX_PIXELS == 200_000_000


# --------------------------------------------------------------------------------------- resizing

OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "nearest-exact": cv2.INTER_NEAREST_EXACT,
    "linear": cv2.INTER_LINEAR,
    "linear-exact": cv2.INTER_LINEAR_EXACT,
    "area": cv2.INTER_AREA,
    "cubic": cv2.INTER_CUBIC,
    "lanczos4": cv2.INTER_LANCZOS4,
}
PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("size", [(24, 32), (80, 100), (37, 53), (1, 1)])
@pytest.mark.parametrize("kernel", KERNELS["opencv"])
def test_opencv_kernels_are_opencvs_own(kernel: str, size: tuple[int, int]) -> None:
    """Pixel for pixel, up and down."""
    found = prepare(photo(), Recipe(size=size, kernel=f"opencv:{kernel}"))
    expected = cv2.resize(photo(), (size[1], size[0]), interpolation=OPENCV[kernel])
    np.testing.assert_array_equal(found.pixels, expected)
    np.testing.assert_array_equal(found.canvas, expected.astype(np.float32))


@pytest.mark.parametrize("size", [(24, 32), (80, 100), (37, 53), (1, 1)])
@pytest.mark.parametrize("kernel", KERNELS["pillow"])
def test_pillow_kernels_are_pillows_own(kernel: str, size: tuple[int, int]) -> None:
    """Pixel for pixel, up and down."""
    found = prepare(photo(), Recipe(size=size, kernel=f"pillow:{kernel}"))
    expected = Image.fromarray(photo()).resize((size[1], size[0]), PILLOW[kernel])
    np.testing.assert_array_equal(found.pixels, np.asarray(expected))


def test_stretching_scales_each_axis_for_itself() -> None:
    """The far corner of the image is the far corner of the input."""
    found = prepare(photo(100, 50), Recipe(size=(20, 40)))
    assert (found.placement.scale_x, found.placement.scale_y) == (0.8, 0.2)
    assert (found.image_size, found.size) == ((100, 50), (20, 40))
    assert found.placement.to_network([[0, 0, 50, 100]]).tolist() == [[0, 0, 40, 20]]


def test_without_resizing_the_pixels_are_the_images() -> None:
    """resize = 'none', with the size that the network wants, or any."""
    for size in (None, (37, 53)):
        found = prepare(photo(), Recipe(size=size, resize="none"))
        np.testing.assert_array_equal(found.pixels, photo())
        assert found.placement.to_original([[1, 2, 3, 4]]).tolist() == [[1, 2, 3, 4]]


def test_without_resizing_another_size_is_refused() -> None:
    """The image is named, and what to do."""
    with pytest.raises(ImageError) as caught:
        prepare(photo(), Recipe(size=(40, 60), resize="none"), where="images/a.png")
    assert str(caught.value) == (
        "images/a.png: 1 problem\n"
        "  expected 40 x 60 (height x width) as resize = 'none', found 37 x 53; "
        "say resize = 'stretch' or resize = 'letterbox'"
    )


def test_a_centred_letterbox_puts_the_odd_pixel_at_the_bottom() -> None:
    """5 rows around an image of 4 x 10: 2 above, 3 below."""
    found = prepare(np.full((8, 20, 3), 200, np.uint8), Recipe(size=(9, 10), resize="letterbox"))
    assert found.pixels is not None
    assert found.pixels[:, 0, 0].tolist() == [114] * 2 + [200] * 4 + [114] * 3
    assert (found.placement.offset_x, found.placement.offset_y) == (0.0, 2.0)
    assert found.placement.scale == (0.5, 0.5)


def test_a_corner_letterbox_puts_the_image_at_the_top_left() -> None:
    """The padding has the declared value."""
    recipe = Recipe(size=(6, 4), resize="letterbox", pad="corner", pad_value=0)
    found = prepare(np.full((4, 4, 3), 200, np.uint8), recipe)
    assert found.pixels is not None
    assert found.pixels[:, 0, 0].tolist() == [200] * 4 + [0] * 2
    assert (found.placement.offset_x, found.placement.offset_y) == (0.0, 0.0)


def test_a_letterboxed_image_is_resized_by_the_kernel() -> None:
    """The part inside the padding is the library's own result."""
    recipe = Recipe(size=(40, 40), resize="letterbox", kernel="pillow:bilinear", pad="corner")
    found = prepare(photo(100, 50), recipe)
    expected = Image.fromarray(photo(100, 50)).resize((20, 40), Image.Resampling.BILINEAR)
    assert found.pixels is not None
    np.testing.assert_array_equal(found.pixels[:, :20], np.asarray(expected))


def test_a_very_thin_image_keeps_one_pixel() -> None:
    """1 x 1000 in 100 x 100 is a line, not nothing."""
    recipe = Recipe(size=(100, 100), resize="letterbox", pad="corner")
    found = prepare(np.full((1, 1000, 3), 9, np.uint8), recipe)
    assert found.pixels is not None
    assert found.pixels[0, 0].tolist() == [9, 9, 9]
    assert found.pixels[1, 0].tolist() == [114, 114, 114]


def test_padding_that_is_no_whole_pixel_is_exact_in_the_canvas() -> None:
    """127.5 is zero once normalised; there are then no pixels to store."""
    recipe = Recipe(size=(4, 2), resize="letterbox", pad_value=127.5, range=(-1, 1), pad="corner")
    found = prepare(np.full((2, 2, 3), 255, np.uint8), recipe)
    assert found.pixels is None
    assert found.canvas[:, 0, 0].tolist() == [1, 1, 0, 0]


edges = st.integers(1, 400)


@settings(deadline=None)
@given(edges, edges, edges, edges, st.sampled_from(["center", "corner"]))
def test_a_letterbox_maps_the_image_onto_exactly_its_part_of_the_input(
    height: int, width: int, rows: int, columns: int, pad: str
) -> None:
    """The corners of the image are the corners of the part that is not padding."""
    recipe = Recipe(size=(rows, columns), resize="letterbox", pad=pad, pad_value=0)  # type: ignore[arg-type]
    found = prepare(np.full((height, width, 3), 255, np.uint8), recipe)
    assert found.pixels is not None
    y, x = np.nonzero(found.pixels[:, :, 0])
    part = [[x.min(), y.min(), x.max() + 1, y.max() + 1]]
    np.testing.assert_allclose(
        found.placement.to_original(part), [[0, 0, width, height]], atol=1e-9 * max(height, width)
    )


# ------------------------------------------------------------------------------ colour and values


def pixel(recipe: Recipe, colour: tuple[int, int, int] = (0, 51, 255)) -> list[float]:
    found = canvas_from_pixels(np.array([[colour]], dtype=np.uint8), recipe)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    return [float(value) for value in found[0, 0]]


def as_float32(*values: float) -> list[float]:
    return [float(np.float32(value)) for value in values]


def test_pixels_stay_0_to_255_by_default() -> None:
    """No range, mean or std: only the dtype changes."""
    assert pixel(Recipe(size=(1, 1))) == [0, 51, 255]


def test_bgr_reverses_the_channels() -> None:
    """The stored pixels stay RGB."""
    assert pixel(Recipe(size=(1, 1), color="BGR")) == [255, 51, 0]
    assert prepare(photo(), Recipe(size=(37, 53), color="BGR")).pixels is not None
    np.testing.assert_array_equal(
        prepare(photo(), Recipe(size=(37, 53), color="BGR")).pixels, photo()
    )


def test_a_range_of_0_to_1_divides_by_255() -> None:
    """As ``x / 255`` in float32, bit by bit, for every pixel value."""
    values = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    found = canvas_from_pixels(values, Recipe(size=(1, 1), range=(0, 1)))
    np.testing.assert_array_equal(found, values.astype(np.float32) / np.float32(255))


def test_a_range_of_minus_1_to_1_divides_by_127_5() -> None:
    """As ``x / 127.5 - 1`` in float32, bit by bit, for every pixel value."""
    values = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    found = canvas_from_pixels(values, Recipe(size=(1, 1), range=(-1, 1)))
    expected = values.astype(np.float32) / np.float32(127.5) - np.float32(1)
    np.testing.assert_array_equal(found, expected)


def test_mean_and_std_follow_the_range() -> None:
    """(x - 127) / 128, one number for all channels."""
    assert pixel(Recipe(size=(1, 1), mean=(127.0,), std=(128.0,))) == [-127 / 128, -76 / 128, 1]


def test_mean_and_std_of_each_channel_are_in_the_order_of_color() -> None:
    """With BGR, the first mean is blue's."""
    recipe = Recipe(size=(1, 1), color="BGR", mean=(255.0, 1.0, 0.0), std=(1.0, 2.0, 4.0))
    assert pixel(recipe) == [0, 25, 0]


def test_the_usual_normalisation_of_imagenet() -> None:
    """((x / 255) - mean) / std in float32."""
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    x = np.array([0, 51, 255], dtype=np.float32) / np.float32(255)
    expected = (x - np.array(mean, np.float32)) / np.array(std, np.float32)
    assert pixel(Recipe(size=(1, 1), range=(0, 1), mean=mean, std=std)) == as_float32(*expected)


def test_the_stored_pixels_make_the_same_canvas() -> None:
    """What a golden stores is enough to start again."""
    recipe = Recipe(size=(24, 32), resize="letterbox", color="BGR", range=(0, 1), mean=(0.5,))
    found = prepare(photo(), recipe)
    assert found.pixels is not None
    np.testing.assert_array_equal(canvas_from_pixels(found.pixels, recipe), found.canvas)


def test_only_uint8_rgb_is_prepared() -> None:
    """A programming error, not the user's."""
    with pytest.raises(ValueError) as caught:
        prepare(np.zeros((4, 4, 3)), Recipe(size=(2, 2)))  # type: ignore[arg-type]
    assert str(caught.value) == "expected uint8 (H, W, 3), found float64 (4, 4, 3)"


# --------------------------------------------------------------------------------------- functions


def by_function(function: Callable[..., Any], size: tuple[int, int] | None = None) -> Any:
    return prepare(photo(), Recipe(function="code:prepare", size=size), function, where="a.png")


def refused(function: Callable[..., Any], size: tuple[int, int] | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        by_function(function, size)
    assert caught.value.where == "a.png"
    return caught.value.problems[0]


def test_a_function_makes_the_whole_canvas() -> None:
    """It is given the image; the placement is the stretch to what it returns."""
    found = by_function(lambda image: image[:30, :50].astype(np.float32) / 255)
    assert found.canvas.shape == (30, 50, 3)
    assert (found.size, found.image_size, found.pixels) == ((30, 50), (37, 53), None)
    assert found.placement.scale == (50 / 53, 30 / 37)


@pytest.mark.parametrize("shape", [(1, 3, 30, 50), (1, 30, 50, 3)])
def test_a_function_may_return_the_whole_batch(shape: tuple[int, ...]) -> None:
    """In either layout, as its three channels tell."""
    assert by_function(lambda _: np.zeros(shape, np.float32)).size == (30, 50)


def test_a_function_cannot_change_the_image_of_the_next_runtime() -> None:
    """It works on a copy."""
    image = photo()

    def clears(pixels: np.ndarray) -> np.ndarray:
        pixels[:] = 0
        return pixels

    prepare(image, Recipe(function="code:prepare"), clears)
    np.testing.assert_array_equal(image, photo())


def test_a_function_must_keep_to_the_declared_size() -> None:
    """The placement of the boxes depends on it."""
    assert refused(lambda image: image, (30, 50)) == (
        "expected size = [30, 50] from code:prepare, found (37, 53, 3)"
    )


def test_a_function_whose_shape_does_not_tell_the_size_needs_it_declared() -> None:
    """One channel could stand first or last."""
    assert refused(lambda _: np.zeros((1, 1, 30, 50))) == (
        'expected preprocess.size = [height, width] beside function = "code:prepare", '
        "as (1, 1, 30, 50) does not tell it, found nothing"
    )
    assert by_function(lambda _: np.zeros((1, 1, 30, 50)), (30, 50)).size == (30, 50)


def test_a_function_that_raises_is_named() -> None:
    """With what it raised."""
    assert refused(lambda image: image.no_such) == (
        "the function code:prepare raised AttributeError: "
        "'numpy.ndarray' object has no attribute 'no_such'"
    )


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (None, "expected an array of numbers from code:prepare, found object ()"),
        (
            np.zeros((4, 4)),
            "expected (H, W, 3), (H, W, 1), (1, H, W, C) or (1, C, H, W) from code:prepare, "
            "found (4, 4)",
        ),
        (
            np.full((4, 4, 3), np.nan),
            "expected finite numbers from code:prepare, found NaN or infinity",
        ),
    ],
)
def test_a_function_that_returns_no_image_is_named(answer: Any, line: str) -> None:
    """Nothing, too few dimensions, NaN."""
    assert refused(lambda _: answer) == line
