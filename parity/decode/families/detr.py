"""DETR (Carion et al., "End-to-End Object Detection with Transformers", 2020).

``logits`` (1, Q, C + 1), the last column for "no object", to go through a softmax; ``boxes``
(1, Q, 4) as cx, cy, w, h relative to the input, through a sigmoid. Each query is one detection, of
its best class but "no object". A set is predicted, so there is no NMS unless the suite says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.pairs import (
    MOSTLY,
    QUERIES,
    columns_words,
    pairs,
    query_clues,
)
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.best import best_class
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Proposals,
)
from parity.decode.heads.queries import LOGITS, boxes_of_queries, logits_role, scores_of_queries
from parity.decode.heads.roles import boxes_role

_FEWEST = 50  # queries that show whether any of them says "no object"


class Detr(FamilyTable):
    """DETR: logits with a last column for "no object".

    ``activation``: what is still to be applied to them.
    """

    activation: Literal["softmax", "none"] = "softmax"


def roles(given: Given[Detr], size: Size | None) -> tuple[Role, ...]:
    """``logits`` (1, Q, classes + 1) and ``boxes`` (1, Q, 4)."""
    return logits_role(given.classes, no_object=True), boxes_role()


def decode(heads: Heads, given: Given[Detr], size: Size) -> Proposals:
    """Every query with its best class."""
    how = given.table
    boxes = boxes_of_queries(heads["boxes"], size)
    return best_class(
        boxes, scores_of_queries(heads[LOGITS], len(boxes), given.classes, True, how.activation)
    )


def clues(seen: Seen) -> Iterator[Likelihood]:
    """Logits (1, Q, C + 1), the last for no object, and boxes (1, Q, 4) cxcywh in 0..1."""
    for pair in pairs(seen, QUERIES):
        columns = pair.scores.shape[1]
        last = float((pair.scores.argmax(axis=1) == columns - 1).mean())
        yield weigh(
            "detr",
            [
                *query_clues(seen, pair),
                Clue(last > MOSTLY, 0.15, "the last column is the largest in most rows: no object"),
                Clue(
                    seen.classes == columns - 1, 0.2, columns_words(seen, columns, "and no object")
                ),
                Clue(seen.classes not in (None, columns - 1), -0.2),
            ],
            outputs=dict(zip(("boxes", "logits"), pair.names, strict=True)),
            classes=columns - 1,
        )


def doubts(heads: Heads, table: Detr) -> tuple[str, ...]:
    """That no query of many says "no object", of which a DETR says far more than anything."""
    logits = np.asarray(heads[LOGITS])
    if logits.ndim != 3 or not logits.size:
        return ()
    queries = logits.reshape(-1, logits.shape[-1])
    if len(queries) < _FEWEST or (queries.argmax(axis=1) == logits.shape[-1] - 1).any():
        return ()
    return (
        "every query finds an object, none has the last column as its largest; is there no "
        '"no object", and the family rt-detr? check family and classes',
    )


FAMILY = Family(
    name="detr",
    table=Detr,
    heads="logits (1, Q, C + 1), boxes (1, Q, 4)",
    keys='`activation` ("softmax")',
    roles=roles,
    decode=decode,
    suppresses="nowhere",
    max_detections=None,  # one for each query
    clues=clues,
    doubts=doubts,
    recipe={
        "resize": "stretch",
        "color": "RGB",
        "range": [0, 1],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
)
