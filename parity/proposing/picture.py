"""The picture that a network is run on where the user has named none: the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 20240501
EDGES = (480, 640)
SHAPES = 12


def synthetic() -> NDArray[np.uint8]:
    """uint8 (480, 640, 3) RGB: plain rectangles over a gradient, with noise."""
    random = np.random.default_rng(SEED)
    height, width = EDGES
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.stack([rows / height, columns / width, (rows + columns) / sum(EDGES)], axis=2)
    for _ in range(SHAPES):
        top, left = random.integers(0, height - 60), random.integers(0, width - 60)
        tall, wide = random.integers(30, 200, 2)
        picture[top : top + tall, left : left + wide] = random.uniform(0, 1, 3)
    picture += random.normal(0, 0.02, picture.shape)
    return np.asarray(np.clip(picture * 255, 0, 255), dtype=np.uint8)
