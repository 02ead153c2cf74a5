"""DETR (Carion et al., "End-to-End Object Detection with Transformers", 2020).

``logits`` (1, Q, C + 1), the last column for "no object", to go through a softmax; ``boxes``
(1, Q, 4) as cx, cy, w, h relative to the input, through a sigmoid. Each query is one detection, of
its best class but "no object". A set is predicted, so there is no NMS unless the suite says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode.contract import Family, Size, boxes_role
from parity.decode.heads.best import best_class
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Floats, Proposals
from parity.decode.heads.queries import LOGITS, boxes_of_queries, logits_role, scores_of_queries
from parity.suite.families import Detr

if TYPE_CHECKING:
    from parity.suite.decoding import Decode


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``logits`` (1, Q, classes + 1) and ``boxes`` (1, Q, 4)."""
    return logits_role(classes, no_object=True), boxes_role()


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """Every query with its best class."""
    how = settings.own
    assert isinstance(how, Detr)
    boxes = boxes_of_queries(heads["boxes"], size)
    return best_class(
        boxes, scores_of_queries(heads[LOGITS], len(boxes), classes, True, how.activation)
    )


FAMILY = Family(roles, decode)
