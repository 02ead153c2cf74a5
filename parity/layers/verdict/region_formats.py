"""In which number format a region's numbers are kept, on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from parity.layers.align.matching import Matching, TracedGraph
from parity.layers.align.regions import Region
from parity.layers.graph.roles import LOOK_THROUGH
from parity.layers.graph.view import View
from parity.layers.numbers.float_formats import NARROW, SINGLE, FloatFormat
from parity.runtimes.contract import Op
from parity.tensors import Array


def format_of(matching: Matching, region: Region) -> FloatFormat:
    """The coarsest float format among what a region reads, keeps and makes, on both sides."""
    found = [
        *_formats(matching.candidate, region.ops, region.pair.candidate),
        *_formats(matching.reference, region.reference_ops, region.pair.reference),
    ]
    return max(found, key=lambda one: one.unit, default=SINGLE)


def _formats(side: TracedGraph, ops: Iterable[Op], made: str) -> Iterator[FloatFormat]:
    names = {made, *(name for op in ops for name in (*op.inputs, *op.outputs) if name)}
    for name in names:
        stored = side.values.get(name)
        if stored is None:
            stored = _constant(side.view, name)
        if stored is not None and (narrow := NARROW.get(stored.dtype.name)):
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
