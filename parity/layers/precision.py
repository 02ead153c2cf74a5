"""In which number format a region's numbers are kept, and so how much error rounding explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from parity.layers.draft import Draft, Side
from parity.layers.layout import Array
from parity.layers.regions import Region
from parity.layers.semantics import LOOK_THROUGH
from parity.layers.view import View
from parity.runtimes.graph import Op


@dataclass(frozen=True)
class Format:
    """A float format: the relative distance of two neighbours at 1, and its least normal number.

    Below the latter, numbers have fewer digits or are flushed to zero.
    """

    unit: float
    least: float


SINGLE = Format(2.0**-23, 2.0**-126)
_NARROW = {
    "float16": Format(2.0**-10, 2.0**-14),
    "bfloat16": Format(2.0**-7, 2.0**-126),
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


def format_of(draft: Draft, region: Region) -> Format:
    """The coarsest float format among what a region reads, keeps and makes, on both sides."""
    found = [
        *_formats(draft.candidate, region.ops, region.pair.candidate),
        *_formats(draft.reference, region.reference_ops, region.pair.reference),
    ]
    return max(found, key=lambda one: one.unit, default=SINGLE)


def _formats(side: Side, ops: Iterable[Op], made: str) -> Iterator[Format]:
    names = {made, *(name for op in ops for name in (*op.inputs, *op.outputs) if name)}
    for name in names:
        stored = side.values.get(name)
        if stored is None:
            stored = _constant(side.view, name)
        if stored is not None and (narrow := _NARROW.get(stored.dtype.name)):
            yield narrow


def _constant(view: View, name: str) -> Array | None:
    """A constant as the file keeps it, also behind what unpacks it (float16 weights)."""
    while name not in view.graph.constants or name in view.producers:
        op = view.producers.get(name)
        if op is None or name in view.data or not op.inputs:
            break
        if view.roles[op.index] not in LOOK_THROUGH:
            break
        name = op.inputs[0]
    return view.graph.constants.get(name)
