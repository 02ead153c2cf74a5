"""RT-DETR (Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection", 2023), its raw heads.

``logits`` (1, Q, C), each class for itself through a sigmoid, without "no object"; ``boxes``
(1, Q, 4) as cx, cy, w, h relative to the input, through a sigmoid. Detections are the best
``max_detections`` (300, as in its postprocessor) of all Q * C scores, so that a query may be
several; a set is predicted, so there is no NMS unless the suite says so. Deformable DETR and DINO
have the same heads. Not read here: the deployed form with labels, boxes and scores, which takes
the size of the original image as a second input, where a suite has the image alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode.contract import Family, Size, boxes_role
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Candidates, Floats
from parity.decode.heads.queries import LOGITS, boxes_of_queries, logits_role, scores_of_queries
from parity.suite.families import RtDetr

if TYPE_CHECKING:
    from parity.suite.decoding import Decode


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``logits`` (1, Q, classes) and ``boxes`` (1, Q, 4)."""
    return logits_role(classes, no_object=False), boxes_role()


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Candidates:
    """Every class of every query."""
    how = settings.own
    assert isinstance(how, RtDetr)
    boxes = boxes_of_queries(heads["boxes"], size)
    scores = scores_of_queries(heads[LOGITS], len(boxes), classes, False, how.activation)
    return Candidates(boxes, scores)


FAMILY = Family(roles, decode)
