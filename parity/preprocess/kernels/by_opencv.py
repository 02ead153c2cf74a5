"""``cv2.resize``: only ``area`` smooths as it scales down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.preprocess.libraries import opencv


def by_opencv(image: NDArray[np.uint8], size: tuple[int, int], kernel: str) -> NDArray[np.uint8]:
    """uint8 (H, W, C) at (height, width), of 1 or 3 channels."""
    cv2 = opencv(f"preprocess.kernel = 'opencv:{kernel}'")
    interpolation = getattr(cv2, "INTER_" + kernel.upper().replace("-", "_"))
    resized: NDArray[np.uint8] = cv2.resize(image, (size[1], size[0]), interpolation=interpolation)
    return resized.reshape(*size, -1)  # OpenCV drops a single channel
