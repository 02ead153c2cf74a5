"""``tf.image.resize``, and TensorFlow 1's ``tf.compat.v1.image.resize`` for the older grids.

Bilinear, cubic and area kernels and those of ``ScaleAndTranslate`` return float32 for uint8, and
deployments feed that; nearest returns what it was given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.preprocess.libraries import tensorflow

_OLDER = {"-align-corners": True, "-legacy": False}


def by_tensorflow(image: NDArray[np.uint8], size: tuple[int, int], kernel: str) -> NDArray[Any]:
    """float32, or for nearest uint8, (H, W, C) at (height, width)."""
    tf = tensorflow(f"preprocess.kernel = 'tensorflow:{kernel}'")
    for ending, corners in _OLDER.items():
        if kernel.endswith(ending):
            method = kernel.removesuffix(ending)
            resize = tf.compat.v1.image.resize
            return np.array(resize(image, size, method=method, align_corners=corners))
    method = kernel.removesuffix("-antialias")
    return np.array(tf.image.resize(image, size, method=method, antialias=method != kernel))
