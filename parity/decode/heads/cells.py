"""The cells of feature maps: where the rows of a head stand in the network's input."""

from __future__ import annotations

import numpy as np

from parity.decode.heads.candidates import Floats


def cells_of_strides(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row of every cell (A, 2), and its stride (A, 1)."""
    cells, lengths = [], []
    for stride in strides:
        rows, columns = (-(-edge // stride) for edge in size)  # as strided convolutions round
        y, x = np.divmod(np.arange(rows * columns), columns)
        cells.append(np.stack([x, y], axis=1).astype(np.float64))
        lengths.append(np.full((len(x), 1), float(stride)))
    return np.concatenate(cells), np.concatenate(lengths)
