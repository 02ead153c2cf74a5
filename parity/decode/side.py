"""From candidates to one side of a comparison: floor, NMS, boxes in the original image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from parity.boxes import Placement, clipped
from parity.decode.by_family import FAMILIES
from parity.decode.heads.candidates import Candidates, DecodeError, Floats, Ints, Proposals
from parity.detections import Detections, ProposalSet, Side, Suppression
from parity.suite.families import NMS_FREE
from parity.tensors import may_hold_nonfinite

if TYPE_CHECKING:
    from parity.suite.decoding import Decode


def to_side(
    found: Candidates | Proposals,
    settings: Decode,
    floor: float,
    placement: Placement,
    image: tuple[int, int] | None = None,
    look: Callable[[Floats], None] = lambda _: None,
) -> Side:
    """What a runtime found on one image, down to ``floor``, in pixels of the original image.

    Every class of every candidate with a score of at least ``floor`` is a proposal. NMS runs in
    pixels of the network's input, as it does in deployments. ``image``, (height, width) of the
    original, is where boxes are clipped if the settings say so. ``look`` is shown the boxes that
    are kept, as they were decoded, and may raise. Raises ``DecodeError`` for a proposal whose box
    is not finite or whose corners are in the wrong order, and for any score that is NaN.
    """
    proposals, rows = _down_to(found, floor)
    _check(proposals, settings)
    edges = image if settings.clip is not None else None
    placed = placement.to_original(proposals.boxes)
    if edges is not None:
        placed = clipped(placed, edges)
    detections = Detections(placed, proposals.scores, proposals.classes)
    suppression = Suppression(
        settings.nms,
        settings.nms_iou,
        settings.max_detections,
        edges if settings.clip == "before-nms" else None,
    )
    side = Side.of(
        ProposalSet(detections, proposals.boxes, rows, len(found.scores), placement),
        settings.score_threshold,
        floor,
        suppression,
    )
    assert side.result is not None
    look(proposals.boxes[side.result.kept])
    hidden = settings.nms == "none" and settings.family not in tuple(NMS_FREE)
    return replace(side, proposals=None, result=None) if hidden else side


def _down_to(found: Candidates | Proposals, floor: float) -> tuple[Proposals, Ints]:
    """The proposals that reach the floor, and from which row of the heads each comes."""
    if may_hold_nonfinite(found.scores) and np.isnan(found.scores).any():
        count = int(np.isnan(found.scores).sum())
        raise DecodeError(f"scores: expected numbers, found {count} NaN")
    if isinstance(found, Proposals):
        rows = np.flatnonzero(found.scores >= floor)
        return Proposals(found.boxes[rows], found.scores[rows], found.classes[rows]), rows
    rows, classes = np.divmod(np.flatnonzero(found.scores >= floor), found.scores.shape[1])
    return Proposals(found.boxes[rows], found.scores[rows, classes], classes), rows


def _check(proposals: Proposals, settings: Decode) -> None:
    boxes = proposals.boxes
    if not np.isfinite(boxes).all():
        infinite = ~np.isfinite(boxes).all(axis=1)
        row = int(np.argmax(infinite))
        raise DecodeError(
            f"boxes: expected finite boxes, found {int(infinite.sum())} that are not once decoded; "
            f"the first has score {proposals.scores[row]:.6g}: {boxes[row].tolist()}"
        )
    if (boxes[:, :2] > boxes[:, 2:]).any():
        crossed = (boxes[:, :2] > boxes[:, 2:]).any(axis=1)
        row = int(np.argmax(crossed))
        raise DecodeError(
            f"boxes: expected x1 <= x2 and y1 <= y2, found {int(crossed.sum())} of {len(boxes)} "
            f"boxes that are not; the first has score {proposals.scores[row]:.6g}: "
            f"{boxes[row].tolist()}; {_cause(settings)}"
        )


def _cause(settings: Decode) -> str:
    if settings.boxes_scores is not None:
        written = settings.boxes_scores.box_format
        others = " or ".join(one for one in ("xyxy", "yxyx", "cxcywh") if one != written)
        return f"box_format = '{written}' is declared: is it {others}?"
    if settings.function is not None:
        return f"{settings.function} must return x1, y1, x2, y2"
    return FAMILIES[settings.family or ""].crossed or (
        f"a width or a height below 0: are these the heads of a {settings.family}?"
    )
