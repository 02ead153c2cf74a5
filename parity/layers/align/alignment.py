"""Which tensor of the candidate is which tensor of the reference.

Weights and graphs first (``weights/``, ``structure.py``), then values under teacher forcing
(``forcing.py``). Names are never looked at.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from parity.layers.align import forcing, regions
from parity.layers.align.local import Replayed
from parity.layers.align.matching import AlignmentError, Matching, Pair, TracedGraph
from parity.layers.align.regions import Unpaired
from parity.layers.align.structure import structural
from parity.layers.align.weights import signatures
from parity.layers.align.weights.anchors import AnchorPair
from parity.layers.align.wrong_edges import WrongEdge, correct_edges
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
    by_reader: Mapping[tuple[int, str], str]
    unpaired: tuple[Unpaired, ...]
    failures: Mapping[int, str]
    wrong_edges: tuple[WrongEdge, ...]
    replayed: Replayed | None
    coverage: float
    seconds: float


def align(
    reference: Subject,
    candidate: Subject,
    values: tuple[Mapping[str, Array], Mapping[str, Array]],
    outputs: Mapping[str, str] | None = None,
) -> tuple[Alignment, Matching]:
    """Align two networks on one image.

    ``values`` are the traces of both, inputs included, in each side's own layout. Raises
    ``AlignmentError`` where nothing could be paired.
    """
    started = time.perf_counter()
    sides = TracedGraph.of(reference, values[0]), TracedGraph.of(candidate, values[1])
    matching = structural(sides[0], sides[1], outputs)
    if not matching.anchored:
        _need_no_weights(sides)
    forcing.force(matching, candidate)
    wrong, replayed = correct_edges(matching, candidate)
    if wrong:
        forcing.force(matching, candidate)
    cover = regions.coverage(matching)
    if not cover.share:
        raise AlignmentError(_nothing(matching))
    alignment = Alignment(
        pairs=tuple(matching.pairs),
        anchored=matching.anchored,
        by_reader=matching.by_reader,
        unpaired=cover.unpaired,
        failures=matching.failures,
        wrong_edges=wrong,
        replayed=None if wrong else replayed,
        coverage=cover.share,
        seconds=time.perf_counter() - started,
    )
    return alignment, matching


def _need_no_weights(sides: tuple[TracedGraph, TracedGraph]) -> None:
    """Refuse networks that both have weights, none of them alike."""
    counts = [len(signatures.anchors(side.view)) for side in sides]
    if all(counts):
        raise AlignmentError(
            f"expected weights that the reference and the candidate have in common, found none "
            f"among {counts[0]} and {counts[1]} layers: do both come from one training?"
        )


def _nothing(matching: Matching) -> str:
    counts = [
        len(signatures.anchors(side.view)) for side in (matching.reference, matching.candidate)
    ]
    reasons = sorted(set(matching.failures.values()))
    more = f" What could not be run alone: {'; '.join(reasons[:3])}." if reasons else ""
    return (
        f"expected layers that the reference and the candidate have in common, found none: "
        f"{counts[0]} and {counts[1]} layers with weights, none of them alike, and no values that "
        f"agree. Are both the same network?{more}"
    )
