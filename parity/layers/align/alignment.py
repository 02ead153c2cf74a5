"""Which tensor of the candidate is which tensor of the reference.

Weights and graphs first (``anchors.py``, ``structure.py``), then values under teacher forcing
(``forcing.py``). Names are never looked at.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from parity.layers.align import forcing, regions, signatures, wiring
from parity.layers.align.anchors import AnchorPair
from parity.layers.align.draft import AlignmentError, Draft, Pair, Side
from parity.layers.align.local import Replayed
from parity.layers.align.regions import Unpaired
from parity.layers.align.structure import structural
from parity.layers.align.wiring import Rewired
from parity.layers.subjects.subject import Subject
from parity.tensors import Array

__all__ = ["Alignment", "AlignmentError", "align"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """The finished alignment of two networks.

    ``replayed`` is what every candidate op made of the reference's tensors of the image that the
    networks were aligned on, where that still holds.
    """

    pairs: tuple[Pair, ...]
    anchored: tuple[AnchorPair, ...]
    readings: Mapping[tuple[int, str], str]
    unpaired: tuple[Unpaired, ...]
    failures: Mapping[int, str]
    rewired: tuple[Rewired, ...]
    replayed: Replayed | None
    coverage: float
    seconds: float


def align(
    reference: Subject,
    candidate: Subject,
    values: tuple[Mapping[str, Array], Mapping[str, Array]],
    outputs: Mapping[str, str] | None = None,
) -> tuple[Alignment, Draft]:
    """Align two networks on one image.

    ``values`` are the traces of both, inputs included, in each side's own layout. Raises
    ``AlignmentError`` where nothing could be paired.
    """
    started = time.perf_counter()
    sides = Side.of(reference, values[0]), Side.of(candidate, values[1])
    draft = structural(sides[0], sides[1], outputs)
    if not draft.anchored:
        _need_no_weights(sides)
    forcing.force(draft, candidate)
    rewired, replayed = wiring.rewire(draft, candidate)
    if rewired:
        forcing.force(draft, candidate)
    cover = regions.coverage(draft)
    if not cover.share:
        raise AlignmentError(_nothing(draft))
    alignment = Alignment(
        pairs=tuple(draft.pairs),
        anchored=draft.anchored,
        readings=draft.readings,
        unpaired=cover.unpaired,
        failures=draft.failures,
        rewired=rewired,
        replayed=None if rewired else replayed,
        coverage=cover.share,
        seconds=time.perf_counter() - started,
    )
    return alignment, draft


def _need_no_weights(sides: tuple[Side, Side]) -> None:
    """Refuse networks that both have weights, none of them alike."""
    counts = [len(signatures.anchors(side.view)) for side in sides]
    if all(counts):
        raise AlignmentError(
            f"expected weights that the reference and the candidate have in common, found none "
            f"among {counts[0]} and {counts[1]} layers: do both come from one training?"
        )


def _nothing(draft: Draft) -> str:
    counts = [len(signatures.anchors(side.view)) for side in (draft.reference, draft.candidate)]
    reasons = sorted(set(draft.failures.values()))
    more = f" What could not be run alone: {'; '.join(reasons[:3])}." if reasons else ""
    return (
        f"expected layers that the reference and the candidate have in common, found none: "
        f"{counts[0]} and {counts[1]} layers with weights, none of them alike, and no values that "
        f"agree. Are both the same network?{more}"
    )
