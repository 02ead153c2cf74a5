"""Whether the error that one region makes reaches anything behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from parity.layers.align.matching import Matching
from parity.layers.align.regions import Region
from parity.layers.graph.roles import WEIGHTED
from parity.layers.graph.semantics import variable_inputs
from parity.layers.numbers.divergence import relative
from parity.tensors import Array

_GONE = 0.1
"""Share of an error below which it counts as gone (clipped logits behind a softmax)."""

Exact = Callable[[Mapping[int, Mapping[str, Array]]], Mapping[str, Array]]
"""By tensor name, what ops make of their operands without rounding anything."""


def absorbed_by(
    exact: Exact,
    matching: Matching,
    regions: Sequence[Region],
    place: int,
    local: Mapping[str, Array],
) -> str:
    """The kind of op behind which a region's local error is gone; "" where it goes on.

    What the region makes of the reference's tensors (``local``) and the reference's own tensor are
    both handed on through the candidate's exact ops, everything else being the reference's, until
    the two have all but met on every way, or reach a layer with weights or an output still apart.
    """
    view = matching.candidate.view
    first = regions[place].pair.candidate
    brought = matching.bring(regions[place].pair.reference, first)
    if brought is None or first not in local or first in view.graph.outputs:
        return ""
    origin = relative(brought, local[first])
    sides = ({first: brought}, {first: local[first]})
    gone = ""
    for region in regions[place + 1 :]:
        name = region.pair.candidate
        if not sides[1].keys() & set(region.inputs) or name in sides[1]:
            continue
        right, wrong = (_run(exact, matching, region, side) for side in sides)
        if right is None or wrong is None:
            return ""
        if relative(right, wrong) <= _GONE * origin:
            gone = region.ops[-1].kind
            continue
        if name in view.graph.outputs or any(view.roles[op.index] in WEIGHTED for op in region.ops):
            return ""
        sides[0][name], sides[1][name] = right, wrong
    return gone


def _run(
    exact: Exact, matching: Matching, region: Region, given: Mapping[str, Array]
) -> Array | None:
    """What a region makes of the given tensors, and of the reference's where none is given."""
    made = dict(given)
    for op in region.ops:
        feeds = {}
        for name in variable_inputs(matching.candidate.view.graph, op):
            value = made.get(name)
            if value is None:
                value = matching.operand(op, name)
            if value is None:
                return None
            feeds[name] = value
        made.update(exact({op.index: feeds}))
    return made.get(region.pair.candidate)
