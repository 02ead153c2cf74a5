"""Pictures for choosing the ranges of an int8 model; their seeds are used for nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scenes import CALIBRATION_SSD, render

COUNT: Final = 128


def representative() -> Iterator[npt.NDArray[np.uint8]]:
    """Yield `COUNT` RGB pictures (H, W, 3) uint8 of several sizes, as a camera would give them."""
    for i in range(COUNT):
        yield render(CALIBRATION_SSD + i).image
