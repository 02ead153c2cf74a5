"""Whether the error that one region makes reaches anything behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parity.layers.divergence import relative
from parity.layers.draft import Draft
from parity.layers.layout import Array
from parity.layers.regions import Region
from parity.layers.semantics import WEIGHTED
from parity.layers.subject import Subject

_GONE = 0.1
"""Share of an error below which it counts as gone (clipped logits behind a softmax)."""


def absorbed_by(
    subject: Subject,
    draft: Draft,
    regions: Sequence[Region],
    place: int,
    local: Mapping[str, Array],
) -> str:
    """The kind of op behind which a region's local error is gone; "" where it goes on.

    What the region makes of the reference's tensors is handed on through the regions behind it,
    everything else being the reference's, until it has all but vanished on every way, or reaches a
    layer with weights or an output. ``local`` holds what every region makes of the reference's
    tensors alone: an error of those behind is not counted.
    """
    view = draft.candidate.view
    first = regions[place].pair.candidate
    brought = draft.bring(regions[place].pair.reference, first)
    if brought is None or first not in local or first in view.graph.outputs:
        return ""
    origin = relative(brought, local[first])
    wrong: dict[str, Array] = {first: local[first]}
    gone = ""
    for region in regions[place + 1 :]:
        name = region.pair.candidate
        if not wrong.keys() & set(region.inputs) or name in wrong:
            continue
        made = _run(subject, draft, region, wrong)
        if made is None or name not in local:
            return ""
        if relative(local[name], made) <= _GONE * origin:
            gone = region.ops[-1].kind
            continue
        weighted = any(view.roles[op.index] in WEIGHTED for op in region.ops)
        if weighted or name in view.graph.outputs:
            return ""
        wrong[name] = made
    return gone


def _run(
    subject: Subject, draft: Draft, region: Region, wrong: Mapping[str, Array]
) -> Array | None:
    """What a region makes of the reference's tensors and the wrong ones among its inputs."""
    view = draft.candidate.view
    made = dict(wrong)
    for op in region.ops:
        feeds = {}
        for name in op.inputs:
            if not name or name in view.graph.constants:
                continue
            value = made.get(name)
            if value is None and name in view.data:
                value = draft.brought(name, op.index)
            elif value is None:
                value = draft.candidate.values.get(name)
            if value is None:
                return None
            feeds[name] = value
        answer = subject.replay({op.index: feeds})[op.index]
        if isinstance(answer, str):
            return None
        made.update(answer)
    return made.get(region.pair.candidate)
