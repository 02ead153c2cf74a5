"""``torch.nn.functional.interpolate`` of the image as float32, (1, C, H, W).

On uint8 its kernels cut off fractions in their own way, which differs from a rounded float result;
deployments turn the image into floats before they resize it, and so is it here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.preprocess.libraries import torch


def by_torch(image: NDArray[np.uint8], size: tuple[int, int], kernel: str) -> NDArray[np.float32]:
    """float32 (H, W, C) at (height, width)."""
    library = torch(f"preprocess.kernel = 'torch:{kernel}'")
    options: dict[str, Any] = {}
    mode = kernel
    for ending, option in (("-antialias", "antialias"), ("-align-corners", "align_corners")):
        if kernel.endswith(ending):
            mode, options = kernel.removesuffix(ending), {option: True}
    with library.inference_mode():
        batch = library.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))
        resized = library.nn.functional.interpolate(batch, size=size, mode=mode, **options)
        return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())
