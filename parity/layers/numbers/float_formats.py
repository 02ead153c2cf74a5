"""Float formats, and how much error rounding explains in each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FloatFormat:
    """A float format: the relative distance of two neighbours at 1, and its least normal number.

    Below the latter, numbers have fewer digits or are flushed to zero.
    """

    unit: float
    least: float


SINGLE = FloatFormat(2.0**-23, 2.0**-126)
NARROW = {
    "float16": FloatFormat(2.0**-10, 2.0**-14),
    "bfloat16": FloatFormat(2.0**-7, 2.0**-126),
}

FLOOR = 1e-5
"""Relative L2 that float32 explains of any op. A sum of n products, each rounded by half a unit at
most, drifts by about √n of them: 84 units are a sum of 30,000. Healthy exports of the bundled
detectors reach 8e-7."""

CEILING = 1e-4
"""Relative L2 that float32 explains of no op, however its neighbours fare: ten times as much, for
sums that cancel."""

_NARROW_UNITS = 4.0
"""In narrow formats each stored number is rounded by half a unit at most (by .29 in the mean): one
unit is what an op with weights, operands and result explains, 4 what a chain of 16 such ops does,
as independent errors grow with the root of their number."""


def floor(unit: float) -> float:
    """The relative L2 that a format explains of any op."""
    return max(FLOOR, unit)


def ceiling(unit: float) -> float:
    """The relative L2 that a format explains of no region."""
    return max(CEILING, _NARROW_UNITS * unit)
