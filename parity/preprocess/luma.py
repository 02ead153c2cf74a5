"""One channel of three: the luma of ITU-R BT.601, each library with its own rounding.

Pillow's ``convert("L")`` and OpenCV's ``cvtColor`` round a sum of 16 and of 15 binary places,
TensorFlow's ``rgb_to_grayscale`` cuts off floats: they differ by a step here and there. Of a grey
file all give back what it holds. ``cv2.imread(..., IMREAD_GRAYSCALE)`` is none of these: of a JPEG
it takes the stored luma.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from parity.preprocess.libraries import opencv, tensorflow

Pixels = NDArray[np.uint8]


def luma(image: Pixels, library: str) -> Pixels:
    """uint8 (H, W, 1) of RGB, uint8 (H, W, 3), by "pillow", "opencv" or "tensorflow".

    Raises ``LibraryMissing``.
    """
    grey = _MAKERS[library](np.ascontiguousarray(image))
    return grey.reshape(*image.shape[:2], 1)


def _by_pillow(image: Pixels) -> Pixels:
    from PIL import Image

    return np.array(Image.fromarray(image).convert("L"))


def _by_opencv(image: Pixels) -> Pixels:
    cv2 = opencv("preprocess.decoder = 'opencv'")
    grey: Pixels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey


def _by_tensorflow(image: Pixels) -> Pixels:
    return np.array(tensorflow("preprocess.decoder = 'tensorflow'").image.rgb_to_grayscale(image))


_MAKERS: dict[str, Callable[[Pixels], Pixels]] = {
    "pillow": _by_pillow,
    "opencv": _by_opencv,
    "tensorflow": _by_tensorflow,
}
