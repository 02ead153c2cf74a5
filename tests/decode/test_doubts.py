"""What heads say against settings that decode them all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_heads import CLASSES, SIZE, detr, yolov5, yolov8

from parity.decode import doubts
from parity.decode.families.boxes_scores import BoxesScores
from parity.decode.settings import Decode

CORNERS = np.array([[x, 10.0, x + 30.0, 60.0] for x in np.linspace(0, 250, 40)])
CENTRES = np.array([[x, 35.0, 30.0, 50.0] for x in np.linspace(40, 250, 40)])


def of_family(heads: dict[str, Any], family: str) -> tuple[str, ...]:
    named = {"logits" if head.shape[-1] != 4 else "boxes": head for head in heads.values()}
    return doubts(heads, named, Decode(family=family, score_threshold=0.5), SIZE)


def of_format(boxes: np.ndarray, box_format: str) -> tuple[str, ...]:
    table = BoxesScores(box_format=box_format, normalized=False)  # type: ignore[arg-type]
    settings = Decode(family="boxes-scores", score_threshold=0.5, boxes_scores=table)
    heads = {"boxes": boxes[None], "scores": np.full((1, len(boxes), 1), 0.5)}
    return doubts(heads, heads, settings, SIZE)


@pytest.mark.parametrize(
    ("make", "declared", "looks"),
    [(yolov5, "yolov8", "yolov5"), (detr, "rt-detr", "detr")],
)
def test_a_wrong_family_with_a_wrong_number_of_classes_is_told(make, declared, looks) -> None:
    """One class more or less makes the shapes fit; the numbers still tell."""
    (found,) = of_family(make(), declared)
    assert found.startswith(
        f"the heads look rather like {looks} with {CLASSES} classes than like {declared}: "
    )
    assert found.endswith("; check family and classes")


def test_a_detr_that_finds_an_object_in_every_query_is_doubted() -> None:
    """Its last column is a class like the others then."""
    heads = {name: np.array(head) for name, head in detr().items()}
    logits = next(head for head in heads.values() if head.shape[-1] != 4)
    logits[..., -1] = -9.0
    boxes = next(head for head in heads.values() if head.shape[-1] == 4)
    roles = {"logits": logits, "boxes": boxes}
    assert doubts(heads, roles, Decode(family="detr", score_threshold=0.5), SIZE) == (
        "every query finds an object, none has the last column as its largest; is there no "
        '"no object", and the family rt-detr? check family and classes',
    )


@pytest.mark.parametrize(
    ("make", "family"), [(yolov5, "yolov5"), (yolov8, "yolov8"), (detr, "detr")]
)
def test_the_right_family_is_not_doubted(make, family) -> None:
    """Nothing is said."""
    assert of_family(make(), family) == ()


def test_corners_that_are_read_as_sizes_are_told() -> None:
    """Widths that are never below x would be those of corners."""
    assert of_format(CORNERS, "cxcywh") == (
        "box_format = 'cxcywh' is declared, but all 40 boxes could be corners: no width is below "
        "its x, no height below its y; is it xyxy or yxyx?",
    )


def test_sizes_that_are_read_as_corners_are_told() -> None:
    """Most of them have x1 beyond x2."""
    assert of_format(CENTRES, "xyxy") == (
        "box_format = 'xyxy' is declared, but 40 of 40 boxes have their corners in the wrong "
        "order; is it cxcywh?",
    )


@pytest.mark.parametrize(
    ("boxes", "box_format"),
    [(CORNERS, "xyxy"), (CORNERS, "yxyx"), (CENTRES, "cxcywh"), (CORNERS[:5], "cxcywh")],
)
def test_the_right_format_or_too_few_boxes_are_not_doubted(boxes, box_format) -> None:
    """A handful of large objects may look like anything."""
    assert of_format(boxes, box_format) == ()
