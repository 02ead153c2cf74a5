"""Image files decoded by another library than Pillow.

Of a JPEG, libraries differ by a few steps a pixel: in the inverse DCT and in how the smaller colour
planes are enlarged. ``cv2.imdecode`` is accurate as Pillow is. ``tf.io.decode_jpeg`` takes the fast
DCT unless told otherwise (``dct_method = ""`` means ``INTEGER_FAST`` there), as deployments do not.

``IMREAD_COLOR`` turns an image upright, TensorFlow does not: both are decoded as stored here, and
turned by the tag that Pillow reads, so that every decoder's boxes are those of one upright image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parity.errors import ImageError
from parity.preprocess.libraries import opencv, tensorflow

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]
_ORIENTATION = 0x0112  # Exif 2.32, 4.6.4


def decoded(data: bytes, decoder: str, exif: Image.Exif, where: str) -> Pixels:
    """An image file's content as uint8 (H, W, 3), RGB, upright.

    Raises ``ImageError`` for a file that the library cannot decode, and ``LibraryMissing``.
    """
    stored = _DECODERS[decoder](data)
    if stored is None:
        raise ImageError(
            where,
            f"expected an image that decoder = '{decoder}' can decode, found another; convert the "
            f"file, or say decoder = 'pillow'",
        )
    return _upright(stored, exif)


def _by_opencv(data: bytes) -> Pixels | None:
    cv2 = opencv("preprocess.decoder = 'opencv'")
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    found = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if found is None else np.ascontiguousarray(found[..., ::-1])


def _by_tensorflow(data: bytes) -> Pixels | None:
    tf = tensorflow("preprocess.decoder = 'tensorflow'")
    try:
        found = tf.io.decode_image(data, channels=3, expand_animations=False)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return None
    return np.array(found)


_DECODERS: dict[str, Callable[[bytes], Pixels | None]] = {
    "opencv": _by_opencv,
    "tensorflow": _by_tensorflow,
}


def _upright(stored: Pixels, exif: Image.Exif) -> Pixels:
    from PIL import Image, ImageOps

    orientation = exif.get(_ORIENTATION)
    if orientation in (None, 1):
        return stored
    image = Image.fromarray(stored)
    image.getexif()[_ORIENTATION] = orientation
    return np.array(ImageOps.exif_transpose(image))
