"""The single head of a YOLO: boxes, scores and what else stands in one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field

from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import Array, DecodeError
from parity.decode.heads.ranges import check_logits, check_scores
from parity.decode.heads.table import FamilyTable

PREDICTIONS = "predictions"


class Rows(FamilyTable):
    """What is said of decoded rows.

    ``normalized``: boxes relative to the input, as in TFLite exports. ``activation``: what is still
    to be applied to objectness and classes. ``multi_label``: every class of a box is a proposal,
    else its best one. ``further``: how many columns stand behind the classes and are not read, as
    mask coefficients, key points or an angle; the report lists them as not judged.
    """

    normalized: bool = False
    further: int = Field(default=0, ge=0)
    activation: Literal["none", "sigmoid"] = "none"
    multi_label: bool = False


def with_objectness(shape: Shape, classes: int) -> bool:
    """Whether a head can be (1, A, 5 + classes), as of YOLOv5 and YOLOX."""
    return len(shape) == 3 and shape[0] == 1 and shape[2] == 5 + classes


def without_objectness(shape: Shape, classes: int) -> bool:
    """Whether a head can be (1, 4 + classes, A) or (1, A, 4 + classes), as of YOLOv8."""
    return len(shape) == 3 and shape[0] == 1 and 4 + classes in shape[1:]


def predictions_role(needs: str, classes: int, fits: Callable[[Shape, int], bool]) -> Role:
    """The head ``predictions``; ``fits`` takes a shape and the number of classes."""
    return Role(
        PREDICTIONS,
        needs,
        lambda shape: fits(shape, classes),
        lambda shape: None if fits(shape, classes) else looks_like(shape, classes),
    )


def looks_like(shape: Shape, classes: int) -> str | None:
    """Which family the shape of a head looks like."""
    plural = "class" if classes == 1 else "classes"
    if with_objectness(shape, classes):
        return f"found 5 + {classes} {plural} in a row: family = 'yolov5' or 'yolox'?"
    if without_objectness(shape, classes):
        return f"found 4 + {classes} {plural} without objectness: family = 'yolov8'?"
    if len(shape) == 3 and shape[2] == 6:
        return "found rows of 6, as after NMS: family = 'yolo-end2end'?"
    return None


def rows_with_objectness(head: Array, classes: int, activation: str, further: int = 0) -> Array:
    """The head as (A, 5 + classes), as it is, its scores checked to be what is declared.

    ``further`` columns behind these are left out.
    """
    values = np.asarray(head)
    if not with_objectness(values.shape, classes + further):
        raise DecodeError(misfit(f"(1, A, {5 + classes + further})", values.shape, classes))
    rows: Array = values[0, :, : 5 + classes]
    check_range(rows[:, 4:], activation)
    return rows


def and_further(count: int) -> str:
    """What stands behind the columns that are read, for the words of a role."""
    return f", {count} that {'is' if count == 1 else 'are'} not read" if count else ""


def misfit(needs: str, shape: Shape, classes: int) -> str:
    """The message for a head of another shape."""
    hint = looks_like(shape, classes)
    return f"{PREDICTIONS}: expected shape {needs}, found {shape}" + (f"; {hint}" if hint else "")


def check_range(scores: Array, activation: str) -> None:
    """Raise where scores are declared logits or logits scores."""
    check_logits(scores, activation, PREDICTIONS)
    if activation == "none":
        check_scores(scores, activation, PREDICTIONS)
