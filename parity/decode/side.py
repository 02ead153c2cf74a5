"""From candidates to one side of a comparison: floor, NMS, boxes in the original image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from parity.boxes import Placement, clipped
from parity.choosing import EVERY
from parity.decode.heads.candidates import Candidates, DecodeError, Floats, Ints, Proposals
from parity.decode.settings import Decode
from parity.detections import Detections, ProposalSet, Side, Suppression
from parity.tensors import may_hold_nonfinite


def to_side(
    found: Candidates | Proposals,
    settings: Decode,
    floor: float,
    placement: Placement,
    image: tuple[int, int] | None = None,
    look: Callable[[Floats], None] = lambda _: None,
) -> Side:
    """What a runtime found on one image, down to ``floor``, in pixels of the original image.

    Every class of every candidate with a score of at least ``floor`` is a proposal, those that a
    family's choice passes over included. NMS runs in
    pixels of the network's input, as it does in deployments. ``image``, (height, width) of the
    original, is where boxes are clipped if the settings say so. ``look`` is shown the boxes that
    are kept, as they were decoded, and may raise. Raises ``DecodeError`` for a proposal whose box
    is not finite or whose corners are in the wrong order, and for any score that is NaN.
    """
    proposals, rows, row_count = _down_to(found, floor)
    choice = found.choice if isinstance(found, Proposals) else None
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
        _rule(found),
    )
    width = 0 if choice is None else choice.width
    side = Side.of(
        ProposalSet(detections, proposals.boxes, rows, row_count, placement, width),
        settings.score_threshold,
        floor,
        suppression,
    )
    assert side.result is not None
    look(proposals.boxes[side.result.kept])
    hidden = settings.nms == "none" and not _needs_none(settings)
    return replace(side, proposals=None, result=None) if hidden else side


def _rule(found: Candidates | Proposals) -> str | None:
    """How proposals are chosen, as far as that is known."""
    if isinstance(found, Candidates):
        return EVERY if found.every else None
    return None if found.choice is None else found.choice.rule


def _down_to(found: Candidates | Proposals, floor: float) -> tuple[Proposals, Ints, int]:
    """The proposals that reach the floor, from which row of the heads each comes, of how many.

    Those that were chosen come first.
    """
    if may_hold_nonfinite(found.scores) and np.isnan(found.scores).any():
        count = int(np.isnan(found.scores).sum())
        raise DecodeError(f"scores: expected numbers, found {count} NaN")
    if isinstance(found, Proposals):
        rows = np.flatnonzero(found.scores >= floor)
        chosen = Proposals(found.boxes[rows], found.scores[rows], found.classes[rows])
        if found.choice is None:
            return chosen, rows, len(found.scores)
        others, further = found.choice.passed_over(floor)
        both = np.concatenate([found.choice.rows[rows], further])
        return _joined(chosen, others), both, found.choice.row_count
    rows, classes = np.divmod(np.flatnonzero(found.scores >= floor), found.scores.shape[1])
    every = Proposals(found.boxes[rows], found.scores[rows, classes], classes)
    return every, rows, len(found.scores)


def _joined(first: Proposals, second: Proposals) -> Proposals:
    return Proposals(
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.scores, second.scores]),
        np.concatenate([first.classes, second.classes]),
    )


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


def _needs_none(settings: Decode) -> bool:
    return settings.of_family is not None and settings.of_family.suppresses == "nowhere"


def _cause(settings: Decode) -> str:
    family = settings.of_family
    if family is None:
        return f"{settings.function} must return x1, y1, x2, y2"
    if family.crossed is not None:
        return family.crossed(settings.own)
    return f"a width or a height below 0: are these the heads of a {settings.family}?"
