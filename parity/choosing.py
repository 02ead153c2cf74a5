"""What of a row's classes or a map's cells becomes a proposal: the choice that comes before NMS.

Decoding chooses with it, and agreement chooses again what a side would have found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Floats
from parity.nms import Ints

BEST_CLASS, PEAKS, EVERY = "best-class", "peaks", "every"
"""One class a row; cells that no neighbour exceeds; every class of every row."""


def chosen(choice: str | None, scores: Floats, classes: Ints, rows: Ints, width: int) -> Ints:
    """Which of (N,) proposals are chosen, in their order.

    ``rows`` (N,): which row of the heads each is of; for peaks a cell, counted line by line of a
    map that is ``width`` cells wide. ``choice`` None: what is there was chosen before.
    """
    if choice == BEST_CLASS:
        return _best_of_rows(scores, rows)
    if choice == PEAKS:
        return _peaks(scores, classes, rows, width)
    return np.arange(len(scores))


def _best_of_rows(scores: Floats, rows: Ints) -> Ints:
    """The best of each row; the first where some are equal."""
    order = np.lexsort((-scores, rows))  # stable
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = np.diff(rows[order]) != 0
    best: Ints = np.sort(order[first])
    return best


def _peaks(scores: Floats, classes: Ints, rows: Ints, width: int) -> Ints:
    """Cells that none of their eight neighbours of the same class exceeds; who is absent is low."""
    if not len(scores):
        return np.zeros(0, dtype=np.int64)
    y, x = np.divmod(rows, width)
    line = width + 2  # a column without cells on either side, so that no line touches the next
    keys = (classes * (int(y.max()) + 3) + y + 1) * line + x + 1
    order = np.argsort(keys)
    known = keys[order]
    peak: NDArray[np.bool_] = np.ones(len(scores), dtype=np.bool_)
    for step in (-line - 1, -line, -line + 1, -1, 1, line - 1, line, line + 1):
        at = np.minimum(np.searchsorted(known, keys + step), len(known) - 1)
        peak &= (known[at] != keys + step) | (scores[order[at]] <= scores)
    return np.flatnonzero(peak)
