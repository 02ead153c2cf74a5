"""Image files as upright RGB pixels. What cannot be read without loss of meaning is refused."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parity.errors import ImageError, SuiteError
from parity.fields import MAX_PIXELS
from parity.preprocess.decoders import decoded

if TYPE_CHECKING:
    from PIL import Image

_bomb_lock = threading.Lock()


def read_image(path: str | Path, decoder: str = "pillow") -> NDArray[np.uint8]:
    """The image as uint8 (H, W, 3), RGB, upright (EXIF orientation is applied).

    ``decoder`` is "pillow", "opencv" or "tensorflow"; whichever it is, Pillow looks the file over
    first, as others fill up what is missing with grey.

    Grey, 1-bit, palette and CMYK images become RGB; transparency is dropped, so that a transparent
    pixel shows the colour stored in it. Of an animation, the first frame. Raises ``ImageError`` for
    a file that is missing, damaged or no image, for more than 8 bits per channel (which Pillow
    would cut down in its own way) and for more than ``MAX_PIXELS``.
    """
    where = str(path)
    data = _bytes(Path(path), where)
    with _large_images_allowed():
        return _pixels(data, decoder, where)


def _bytes(path: Path, where: str) -> bytes:
    if path.is_dir():
        raise ImageError(where, "expected an image file, found a folder")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(where, "expected an image file, found nothing there") from None
    except (OSError, ValueError) as error:
        raise ImageError(where, f"expected a file that can be read, found: {error}") from error
    if not data:
        raise ImageError(where, "expected an image, found an empty file")
    return data


@contextmanager
def _large_images_allowed() -> Iterator[None]:
    """Pillow's limit is a global; ours is checked by ``_check`` before anything is decoded."""
    from PIL import Image

    with _bomb_lock:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _pixels(data: bytes, decoder: str, where: str) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            _check(image, data, where)
            image.load()
            if decoder != "pillow":
                return decoded(data, decoder, image.getexif(), where)
            ImageOps.exif_transpose(image, in_place=True)
            image.info.pop("transparency", None)  # else Pillow warns as it drops it
            rgb = image if image.mode == "RGB" else image.convert("RGB")
            return np.array(rgb, dtype=np.uint8)
    except SuiteError:
        raise
    except UnidentifiedImageError:
        raise ImageError(
            where, "expected an image that Pillow can read (PNG, JPEG, WebP, …), found another file"
        ) from None
    except Exception as error:  # a damaged file raises anything, from OSError to struct.error
        raise ImageError(
            where, f"expected a complete image, found a damaged one: {error}"
        ) from error


def _check(image: Image.Image, data: bytes, where: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            where,
            f"expected at most {MAX_PIXELS // 1_000_000} megapixels, found {width} x {height}; "
            f"scale it down first",
        )
    bits = _bits(image, data)
    if bits != "8":
        raise ImageError(
            where,
            f"expected 8 bits per channel, found {bits} (mode {image.mode}); convert the file to "
            f"8 bits in the way in which the detector's training images were",
        )


def _bits(image: Image.Image, data: bytes) -> str:
    """Bits per channel of the file, where Pillow would show more than 8 of them or hide them."""
    if image.mode in ("I", "F"):
        return "32 or 16" if image.mode == "I" else "32"
    if image.mode.startswith("I;16"):
        return "16"
    for tile in getattr(image, "tile", ()):
        if _deep(str(tile[0]), tile[3]):
            return "16"
    if image.format == "JPEG2000":
        return _jpeg2000_bits(data)
    if image.format == "AVIF":
        return _avif_bits(data)
    return "8"


def _deep(codec: str, arguments: Any) -> bool:
    """Whether Pillow's decoder reads more than 8 bits: its raw mode or largest value says so."""
    values = arguments if isinstance(arguments, tuple) else (arguments,)
    if codec == "SGI16" or any(isinstance(value, str) and ";16" in value for value in values):
        return True
    return codec.startswith("ppm") and any(type(v) is int and v > 255 for v in values)


def _jpeg2000_bits(data: bytes) -> str:
    # ISO/IEC 15444-1, A.5.1: marker SIZ; 36 bytes on stands the number of components, then three
    # bytes for each, of which the first is its depth minus one, with the sign in the highest bit.
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(data) < start + 42:
        return "8"
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    depths = data[start + 42 : start + 42 + 3 * count : 3]
    deepest = max(((depth & 0x7F) + 1 for depth in depths), default=8)
    return str(deepest) if deepest > 8 else "8"


def _avif_bits(data: bytes) -> str:
    # AV1 in ISOBMFF, 2.3.3: third byte after "av1C", bit 6 is high_bitdepth, bit 5 twelve_bit.
    start = data.find(b"av1C")
    if start < 0 or len(data) < start + 7:
        return "8"
    flags = data[start + 6]
    if not flags & 0x40:
        return "8"
    return "12" if flags & 0x20 else "10"
