"""Image files decoded by OpenCV and TensorFlow, pixel for pixel as they do it themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from parity.errors import ImageError
from parity.preprocess import read_image

tf = pytest.importorskip("tensorflow")

OTHERS = ("opencv", "tensorflow")


def photo(height: int = 37, width: int = 53) -> np.ndarray:
    """A picture with edges, gradients and noise, in strong colours."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    base = np.stack([x * 255 / width, y * 255 / height, (x // 5 + y // 7) % 2 * 255.0], axis=-1)
    return np.clip(base + rng.normal(0, 20, base.shape), 0, 255).astype(np.uint8)


def jpeg(path: Path, **options: Any) -> Path:
    Image.fromarray(photo()).save(path, format="JPEG", quality=80, **options)
    return path


def by_opencv(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def by_tensorflow(path: Path) -> np.ndarray:
    return tf.io.decode_jpeg(tf.io.read_file(str(path)), channels=3).numpy()


@pytest.mark.parametrize("subsampling", [0, 2])
def test_opencv_decodes_a_jpeg_as_imread_does(tmp_path: Path, subsampling: int) -> None:
    """With and without smaller colour planes."""
    path = jpeg(tmp_path / "a.jpg", subsampling=subsampling)
    np.testing.assert_array_equal(read_image(path, "opencv"), by_opencv(path))


@pytest.mark.parametrize("subsampling", [0, 2])
def test_tensorflow_decodes_a_jpeg_as_decode_jpeg_does(tmp_path: Path, subsampling: int) -> None:
    """By its own default, the fast DCT, which is not Pillow's."""
    path = jpeg(tmp_path / "a.jpg", subsampling=subsampling)
    found = read_image(path, "tensorflow")
    np.testing.assert_array_equal(found, by_tensorflow(path))
    fast = tf.io.decode_jpeg(path.read_bytes(), channels=3, dct_method="INTEGER_FAST").numpy()
    np.testing.assert_array_equal(found, fast)
    assert (found != read_image(path)).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_opencv_turns_an_image_upright_as_imread_does(tmp_path: Path, orientation: int) -> None:
    """IMREAD_COLOR applies all eight orientations of EXIF to a JPEG."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = jpeg(tmp_path / "a.jpg", exif=exif)
    np.testing.assert_array_equal(read_image(path, "opencv"), by_opencv(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tensorflow_images_are_turned_upright_for_it(tmp_path: Path, orientation: int) -> None:
    """decode_jpeg leaves an image as it is stored; boxes are those of the upright one."""
    plain, turned = jpeg(tmp_path / "a.jpg"), tmp_path / "b.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg(turned, exif=exif)
    upright = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, -1),
        7: lambda x: np.rot90(x.transpose(1, 0, 2), 2),
        8: lambda x: np.rot90(x, 1),
    }[orientation]
    np.testing.assert_array_equal(read_image(turned, "tensorflow"), upright(by_tensorflow(plain)))


@pytest.mark.parametrize("decoder", OTHERS)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_a_png_is_the_same_by_every_decoder(tmp_path: Path, decoder: str, mode: str) -> None:
    """Nothing is lost, and transparency is dropped."""
    path = tmp_path / "a.png"
    Image.fromarray(photo()).convert(mode).save(path)
    np.testing.assert_array_equal(read_image(path, decoder), read_image(path))


@pytest.mark.parametrize("decoder", OTHERS)
def test_a_truncated_jpeg_is_refused_by_every_decoder(tmp_path: Path, decoder: str) -> None:
    """OpenCV would fill it up with grey."""
    path = jpeg(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:900])
    assert cv2.imread(str(path)) is not None
    with pytest.raises(ImageError) as caught:
        read_image(path, decoder)
    assert caught.value.problems[0].startswith("expected a complete image, found a damaged one")


def test_a_file_that_the_decoder_does_not_know_is_told(tmp_path: Path) -> None:
    """TensorFlow reads JPEG, PNG, GIF and BMP, not TIFF."""
    path = tmp_path / "a.tif"
    Image.fromarray(photo()).save(path)
    with pytest.raises(ImageError) as caught:
        read_image(path, "tensorflow")
    assert caught.value.problems == (
        "expected an image that decoder = 'tensorflow' can decode, found another; convert the "
        "file, or say decoder = 'pillow'",
    )
