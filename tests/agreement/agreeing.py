"""Sides made by hand, for the tests of agreement. A row is (x1, y1, x2, y2, score[, class])."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from parity.agreement import Budget, ImageAgreement, Row, budget, judge
from parity.boxes import Placement, clipped
from parity.detections import Detections, ProposalSet, Side, Suppression
from parity.suite.tolerance import BUILT_IN, Tolerance, derive

FLOAT32 = BUILT_IN["float32"]
FLOAT16 = BUILT_IN["float16"]
INT8 = BUILT_IN["int8"]
Box = tuple[float, float, float, float]

BOX: Box = (0.0, 0.0, 50.0, 50.0)
UNKNOWN = Suppression("none", 1.0, None)


def found(*rows: tuple[float, ...]) -> Detections:
    """Detections from rows; without a class it is 0."""
    full = np.array([(*row, 0)[:6] for row in rows], dtype=float).reshape(-1, 6)
    return Detections(full[:, :4], full[:, 4], full[:, 5].astype(np.int64))


def side(*rows: tuple[float, ...], threshold: float = 0.5, floor: float = 0.4) -> Side:
    """What is seen of a side that hides its proposals, deployed from 0.5 and seen from 0.4."""
    return Side(found(*rows), threshold, floor, UNKNOWN)


def suppressed(
    *rows: tuple[float, ...],
    nms_iou: float = 0.45,
    mode: str = "class",
    most: int | None = 100,
    threshold: float = 0.5,
    floor: float = 0.4,
    of: list[int] | None = None,
    row_count: int | None = None,
    placement: Placement | None = None,
    cut_before: tuple[int, int] | None = None,
    choice: str | None = None,
    width: int = 0,
) -> Side:
    """What NMS makes of proposals, which are shown, in pixels of the original image.

    Each comes from the row of the heads that ``of`` says, of ``row_count``, else from its place.
    ``placement``: of the image in the network's input. ``cut_before``: (height, width) at which
    boxes are cut before NMS, and are deployed so. ``choice``: what is chosen before NMS, of a map
    that is ``width`` cells wide.
    """
    every = np.arange(len(rows)) if of is None else np.array(of, dtype=np.int64)
    above = np.array([row[4] >= floor for row in rows], dtype=np.bool_)
    proposals = found(*rows).take(above)
    where = placement or Placement()
    boxes = where.to_network(proposals.boxes)
    if cut_before is not None:
        cut = clipped(proposals.boxes, cut_before)
        proposals = Detections(cut, proposals.scores, proposals.classes)
    count = len(rows) if row_count is None else row_count
    shown = ProposalSet(proposals, boxes, every[above], count, where, width)
    return Side.of(shown, threshold, floor, Suppression(mode, nms_iou, most, cut_before, choice))


def hidden(shown: Side) -> Side:
    """The same side with its NMS inside the network."""
    return replace(shown, proposals=None, result=None)


def agree(
    reference: Side,
    candidate: Side,
    tolerance: Tolerance = FLOAT32,
    scale: tuple[float, float] = (1.0, 1.0),
) -> ImageAgreement:
    """``judge`` with the usual tolerance and scale."""
    return judge(reference, candidate, tolerance, scale)


def codes(judged: ImageAgreement | Budget) -> list[str]:
    """The codes of all findings, in order."""
    return [finding.code for finding in judged.findings]


def kinds(judged: ImageAgreement) -> list[tuple[str, str]]:
    """Kind and reason of every row, in order."""
    return [(row.kind, row.reason) for row in judged.rows]


def total(images: list[ImageAgreement], tolerance: Tolerance = INT8) -> Budget:
    """``budget`` over a list of images."""
    return budget({str(i): image for i, image in enumerate(images)}, tolerance)


def limits(base: Tolerance = INT8, **changes: float) -> Tolerance:
    """A tolerance with some limits changed."""
    return derive("changed", base, changes)


def image(*rows: Row, reference: int | None = None, candidate: int | None = None) -> ImageAgreement:
    """An agreement of ready rows, deployed from 0.5 on both sides."""
    paired = sum(row.paired for row in rows)
    lost = sum(row.kind == "lost" for row in rows)
    extra = sum(row.kind == "extra" for row in rows)
    deployed_r = paired + lost if reference is None else reference
    deployed_c = paired + extra if candidate is None else candidate
    return ImageAgreement(rows, deployed_r, deployed_c, 0, 0, 0.5, 0.5, 0.4, 0.4, ())


def good(label: int = 0, **changes: Any) -> Row:
    """A pair within every limit, or with what is changed."""
    values: dict[str, Any] = {
        "kind": "pair",
        "reference_class": label,
        "candidate_class": label,
        "reference_score": 0.9,
        "candidate_score": 0.9,
        "reference_box": BOX,
        "candidate_box": BOX,
        "shift": (0.0, 0.0, 0.0, 0.0),
        "box_within": True,
        "score_within": True,
    }
    return Row(**(values | changes))


def lost(label: int = 0, reason: str = "", box: Box = BOX) -> Row:
    """A detection that only the reference has."""
    return Row("lost", reason, reference_class=label, reference_score=0.9, reference_box=box)


def extra(label: int = 0, reason: str = "", box: Box = BOX) -> Row:
    """A detection that only the candidate has."""
    return Row("extra", reason, candidate_class=label, candidate_score=0.9, candidate_box=box)
