"""``Image.resize``: every filter but nearest smooths as it scales down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def by_pillow(image: NDArray[np.uint8], size: tuple[int, int], kernel: str) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) at (height, width)."""
    from PIL import Image

    resample = Image.Resampling[kernel.upper()]
    return np.array(Image.fromarray(image).resize((size[1], size[0]), resample=resample))
