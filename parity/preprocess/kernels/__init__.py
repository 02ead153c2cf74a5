"""Resizing, one file a library: only these and the decoders ask for a framework, when called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.preprocess.kernels.by_opencv import by_opencv
from parity.preprocess.kernels.by_pillow import by_pillow
from parity.preprocess.kernels.by_tensorflow import by_tensorflow
from parity.preprocess.kernels.by_torch import by_torch

__all__ = ["resize"]

Pixels = NDArray[np.uint8]


def resize(image: Pixels, size: tuple[int, int], kernel: str) -> NDArray[Any]:
    """The image, uint8 (H, W, C), at ``size`` = (height, width) by ``kernel`` = "LIBRARY:KERNEL".

    What the library gives: uint8 of Pillow, OpenCV and TensorFlow's nearest, else float32 around
    0..255, which cubic and Lanczos kernels overshoot. Raises ``LibraryMissing``.
    """
    library, _, name = kernel.partition(":")
    return _RESIZERS[library](np.ascontiguousarray(image), size, name)


_RESIZERS: dict[str, Callable[[Pixels, tuple[int, int], str], NDArray[Any]]] = {
    "pillow": by_pillow,
    "opencv": by_opencv,
    "tensorflow": by_tensorflow,
    "torch": by_torch,
}
