"""The heads of detectors that answer queries: logits and relative boxes, one of each a query."""

from __future__ import annotations

import numpy as np

from parity.boxes import to_xyxy
from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import (
    SCORE_SLACK,
    Array,
    DecodeError,
    Floats,
    activate,
    boxes_of,
    without_batch,
)
from parity.decode.heads.ranges import check_logits, check_scores

LOGITS = "logits"
Size = tuple[int, int]


def logits_role(classes: int, no_object: bool) -> Role:
    """The head ``logits``, (1, Q, classes), and one column more for "no object"."""
    columns = classes + no_object

    def fits(shape: Shape) -> bool:
        return len(shape) == 3 and shape[0] == 1 and shape[2] == columns

    def hint(shape: Shape) -> str | None:
        return None if shape[-1:] == (4,) else _hint(shape, classes, no_object)

    plural = "class" if classes == 1 else "classes"
    last = ' and the last for "no object"' if no_object else ""
    needs = f"(1, Q, {columns}), one column for each of {classes} {plural}{last}"
    return Role(LOGITS, needs, fits, hint)


def _hint(shape: Shape, classes: int, no_object: bool) -> str | None:
    """What to say where the columns are off by exactly "no object"."""
    if len(shape) != 3 or shape[2] != classes + (not no_object):
        return None
    found = f"found {shape[2]} columns for {classes} classes"
    if no_object:
        return f"{found}: is there no \"no object\"? say family = 'rt-detr'"
    return f"{found}: is the last one \"no object\"? say family = 'detr'"


def boxes_of_queries(head: Array, size: Size) -> Floats:
    """The head ``boxes`` (1, Q, 4), cx, cy, w, h relative to the input, as xyxy in its pixels."""
    boxes = boxes_of(head)
    if ((boxes < -SCORE_SLACK) | (boxes > 1.0 + SCORE_SLACK)).any():
        raise DecodeError(
            f"boxes: expected cx, cy, w, h within 0..1, found "
            f"{float(np.nanmin(boxes)):.6g}..{float(np.nanmax(boxes)):.6g}; "
            f"pixels or corners? say family = 'boxes-scores'"
        )
    with np.errstate(all="ignore"):  # NaN is judged elsewhere
        return to_xyxy(boxes, "cxcywh", size)


def scores_of_queries(
    head: Array, queries: int, classes: int, no_object: bool, activation: str
) -> Floats:
    """The head ``logits`` as scores (Q, classes), without "no object"."""
    shape, columns = np.shape(head), classes + no_object
    logits = without_batch(head, LOGITS)
    if logits.ndim != 2 or logits.shape[1] != columns:
        hint = _hint(shape, classes, no_object)
        message = f"{LOGITS}: expected shape (1, {queries}, {columns}), found {shape}"
        raise DecodeError(f"{message}; {hint}" if hint else message)
    if len(logits) != queries:
        raise DecodeError(
            f"{LOGITS}: expected one row for each of {queries} boxes, found shape {shape}"
        )
    check_logits(logits, activation, LOGITS)
    scores = activate(logits, activation)
    check_scores(scores, activation, LOGITS, "softmax" if no_object else "sigmoid")
    return scores[:, :classes]
