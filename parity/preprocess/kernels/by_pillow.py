"""``Image.resize``: every filter but nearest smooths as it scales down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def by_pillow(image: NDArray[np.uint8], size: tuple[int, int], kernel: str) -> NDArray[np.uint8]:
    """uint8 (H, W, C) at (height, width), of 1 or 3 channels."""
    from PIL import Image

    resample = Image.Resampling[kernel.upper()]
    plain = image[..., 0] if image.shape[2] == 1 else image
    resized = Image.fromarray(plain).resize((size[1], size[0]), resample=resample)
    return np.array(resized).reshape(*size, -1)
