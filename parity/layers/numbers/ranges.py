"""Whether the scale of a quantised tensor fits the values that the reference has there.

The expected error of a quantised op believes its scale, and is blind to a bad one. So the range is
judged apart: by what it clips of the reference's tensor, and how coarse its steps are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from parity.layers.numbers.grids import Grid, spanning
from parity.layers.numbers.rounding import square
from parity.tensors import Array

SCORE = 0.005
"""A range score up to here harms nobody: it is below what 8 bits cost a tensor anyway."""

TIMES = 5.0
"""A range is bad from this multiple of the least possible range error on; healthy tensors reach 4.5
where a concatenation makes several share one scale."""

CLIPPED = 2.0
"""... or where what it clips alone is this multiple of it: a calibrated range clips what lies
beyond the images that it was made of, and reaches 1.7; a range that is too narrow clips what every
image has."""

ENOUGH = 1024
"""Values from which on one image shows what a tensor's range should be. The extremes of fewer
values (a mean, a variance, a gate per channel) differ from image to image by a share of the range,
which weighs as 1/√n in the clipped RMS: limits grow accordingly, and clipping is not judged alone.
Healthy tensors of 4 values reach 44, of 64 values 19."""


@dataclass(frozen=True)
class Fit:
    """How a grid fits a tensor.

    ``score`` is the range score, ``times`` how many times the best score that the values allow, and
    ``excess`` how many times the limit that is: bad above 1. ``clips`` says that most of the score
    is clipping: the range is too narrow, and not too wide.
    """

    score: float
    times: float
    excess: float
    clips: bool = False


def fit(grid: Grid, values: Array, fixed: Grid | None = None) -> Fit | None:
    """Of the reference's tensor; None where it has numbers that are not finite, or none at all.

    ``fixed`` is the grid that the op's own definition gives its result, which is never too wide
    (see ``expected/fixed_grids.py``).
    """
    if not values.size or not np.isfinite(values).all():
        return None
    best = range_score(best_grid(grid.dtype, values), values)
    score = range_score(grid, values)
    if not best:
        return Fit(score, 1.0, 0.0)
    least = best if fixed is None else max(best, range_score(fixed, values))
    excess = score / least / (TIMES * max(1.0, np.sqrt(ENOUGH / values.size)))
    clipped = _clipped(grid, values, score)
    if values.size >= ENOUGH:
        excess = max(excess, clipped / best / CLIPPED)
    return Fit(score, score / least, float(excess) if score > SCORE else 0.0, 2 * clipped > score)


def range_score(grid: Grid, reference: Array) -> float:
    """How badly a grid fits the reference's tensor: (clipping RMS + step / √12) / RMS.

    A step of s leaves an error of RMS s / √12. Per-tensor grids only: the greatest of the steps
    stands for all where there are many. A tensor of zeros scores 0.
    """
    low, high = grid.limits()
    values = np.asarray(reference, np.float32).reshape(-1)
    size = float(np.sqrt(square(values) / max(values.size, 1)))
    if size == 0:
        return 0.0
    beyond = values - np.clip(values, np.float32(low.min()), np.float32(high.max()))
    clipping = float(np.sqrt(square(beyond) / values.size))
    return float((clipping + max(grid.quantization.scale) / np.sqrt(12)) / size)


def worst(fits: Iterable[Fit | None]) -> Fit | None:
    """The fit that exceeds its limit most."""
    known = [one for one in fits if one]
    return max(known, key=lambda one: (one.excess, one.times), default=None)


def best_grid(dtype: str, values: Array) -> Grid:
    """The grid that reaches exactly from the least to the greatest value, and holds zero."""
    return spanning(min(float(values.min()), 0.0), max(float(values.max()), 0.0), dtype)


def _clipped(grid: Grid, values: Array, score: float) -> float:
    """The part of a range score that is clipping: what is left without the steps."""
    flat = np.asarray(values, np.float64).reshape(-1)
    size = float(np.sqrt(np.dot(flat, flat) / flat.size))
    return float(max(score - max(grid.quantization.scale) / np.sqrt(12) / size, 0.0))
