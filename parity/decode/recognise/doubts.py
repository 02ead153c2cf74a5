"""What is probably declared wrongly although the heads decode: told in notes, never a verdict.

A mistake that all runtimes share changes all of them alike, so that no comparison sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from parity.decode.clues.looks import Size
from parity.decode.heads.candidates import Array
from parity.decode.recognise.likely import leading, likely

if TYPE_CHECKING:
    from parity.suite.decoding import Decode

_AHEAD = 0.2  # so much more must speak for another family than for the declared one
_FEWEST_QUERIES = 50  # that show whether any of them says "no object"
_FEWEST = 20  # boxes that show how they are written


def doubts(
    outputs: Mapping[str, Array], heads: Mapping[str, Array], settings: Decode, size: Size
) -> tuple[str, ...]:
    """Sentences about the family and the format of its boxes.

    ``outputs`` by their own names, ``heads`` of the same image by role; ``size`` is (height, width)
    of the input. How many classes the suite lists is left aside: it may be what is wrong.
    """
    return (*_family(outputs, heads, settings, size), *_format(heads, settings))


def _all_objects(logits: Array) -> bool:
    """Whether no query of many says "no object", of which a DETR says far more than anything."""
    if logits.ndim != 3 or not logits.size:
        return False
    queries = logits.reshape(-1, logits.shape[-1])
    largest = queries.argmax(axis=1) == logits.shape[-1] - 1
    return len(queries) >= _FEWEST_QUERIES and not largest.any()


def _family(
    outputs: Mapping[str, Array], heads: Mapping[str, Array], settings: Decode, size: Size
) -> tuple[str, ...]:
    if settings.family is None:
        return ()
    if settings.family == "detr" and _all_objects(np.asarray(heads["logits"])):
        return (
            "every query finds an object, none has the last column as its largest; is there no "
            '"no object", and the family rt-detr? check family and classes',
        )
    ranking = likely(outputs, None, size)
    first = leading(ranking)
    declared = next((one.weight for one in ranking if one.family == settings.family), None)
    if first is None or declared is None or first.family == settings.family:
        return ()
    if first.weight - declared < _AHEAD - 1e-9 or first.classes is None:
        return ()
    reasons = "; ".join(first.reasons)
    return (
        f"the heads look rather like {first.family} with {first.classes} classes than like "
        f"{settings.family}: {reasons}; check family and classes",
    )


def _format(heads: Mapping[str, Array], settings: Decode) -> tuple[str, ...]:
    """Corners read as sizes, or sizes as corners; xyxy and yxyx look the same."""
    how = settings.boxes_scores
    if how is None or np.shape(heads["boxes"])[-1:] != (4,):
        return ()
    boxes = np.asarray(heads["boxes"], dtype=np.float64).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1) & boxes.any(axis=1)]
    if len(boxes) < _FEWEST or np.ptp(boxes[:, :2]) == 0:
        return ()
    low, high = boxes[:, :2], boxes[:, 2:]
    ordered = (high >= low).all(axis=1)
    if how.box_format == "cxcywh" and ordered.all():
        return (
            f"box_format = 'cxcywh' is declared, but all {len(boxes)} boxes could be corners: no "
            f"width is below its x, no height below its y; is it xyxy or yxyx?",
        )
    if how.box_format != "cxcywh" and (high >= 0).all() and ordered.mean() < 0.5:
        return (
            f"box_format = '{how.box_format}' is declared, but {int((~ordered).sum())} of "
            f"{len(boxes)} boxes have their corners in the wrong order; is it cxcywh?",
        )
    return ()
