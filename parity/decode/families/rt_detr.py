"""RT-DETR (Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", 2023), its raw heads.

``logits`` (1, Q, C), each class for itself through a sigmoid, without "no object"; ``boxes``
(1, Q, 4) as cx, cy, w, h relative to the input, through a sigmoid. Detections are the best
``max_detections`` (300, as in its postprocessor) of all Q * C scores, so that a query may be
several; a set is predicted, so there is no NMS unless the suite says so. Deformable DETR and DINO
have the same heads. Not read here: the deployed form with labels, boxes and scores, which takes
the size of the original image as a second input, where a suite has the image alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.pairs import (
    MOSTLY,
    QUERIES,
    columns_words,
    pairs,
    query_clues,
)
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Candidates,
)
from parity.decode.heads.queries import LOGITS, boxes_of_queries, logits_role, scores_of_queries
from parity.decode.heads.roles import boxes_role


class RtDetr(FamilyTable):
    """RT-DETR: logits of each class for itself. ``activation``: what is still to be applied."""

    activation: Literal["sigmoid", "none"] = "sigmoid"


def roles(given: Given[RtDetr], size: Size | None) -> tuple[Role, ...]:
    """``logits`` (1, Q, classes) and ``boxes`` (1, Q, 4)."""
    return logits_role(given.classes, no_object=False), boxes_role()


def decode(heads: Heads, given: Given[RtDetr], size: Size) -> Candidates:
    """Every class of every query."""
    how = given.table
    boxes = boxes_of_queries(heads["boxes"], size)
    scores = scores_of_queries(heads[LOGITS], len(boxes), given.classes, False, how.activation)
    return Candidates(boxes, scores)


def clues(seen: Seen) -> Iterator[Likelihood]:
    """Logits (1, Q, C), each its own sigmoid, and boxes (1, Q, 4) cxcywh in 0..1."""
    for pair in pairs(seen, QUERIES):
        columns = pair.scores.shape[1]
        last = float((pair.scores.argmax(axis=1) == columns - 1).mean())
        yield weigh(
            "rt-detr",
            [
                *query_clues(seen, pair),
                Clue(bool((pair.scores < 0).mean() > 0.95), 0.05, "nearly all logits are below 0"),
                Clue(columns > 1 and last > MOSTLY, -0.1),
                Clue(seen.classes == columns, 0.2, columns_words(seen, columns, "")),
                Clue(seen.classes not in (None, columns), -0.2),
                Clue(seen.classes is None and len(pair.boxes) == 300, 0.1, "300 queries"),
            ],
            outputs=dict(zip(("boxes", "logits"), pair.names, strict=True)),
            classes=columns,
        )


FAMILY = Family(
    name="rt-detr",
    table=RtDetr,
    heads="logits (1, Q, C), boxes (1, Q, 4)",
    keys='`activation` ("sigmoid")',
    also="DINO",
    roles=roles,
    decode=decode,
    suppresses="nowhere",
    max_detections=300,  # as in its postprocessor
    clues=clues,
    recipe={"resize": "stretch", "color": "RGB", "range": [0, 1]},
)
