"""``cv2.resize``: only ``area`` smooths as it scales down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def by_opencv(image: NDArray[np.uint8], size: tuple[int, int], kernel: str) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) at (height, width)."""
    import cv2

    interpolation = getattr(cv2, "INTER_" + kernel.upper().replace("-", "_"))
    resized: NDArray[np.uint8] = cv2.resize(image, (size[1], size[0]), interpolation=interpolation)
    return resized
