"""From an image file to the network's input, by a recipe that every runtime shares."""

from __future__ import annotations

from parity.fields import MAX_PIXELS
from parity.preprocess.libraries import missing
from parity.preprocess.preparing import Prepared, canvas_from_pixels, prepare, restored
from parity.preprocess.reading import read_image

__all__ = [
    "MAX_PIXELS",
    "Prepared",
    "canvas_from_pixels",
    "missing",
    "prepare",
    "read_image",
    "restored",
]
