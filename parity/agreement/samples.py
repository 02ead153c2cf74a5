"""What a suite measures of agreement, object by object, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from parity.agreement.rows import ImageAgreement, Row
from parity.boxes import Floats
from parity.nms import Ints

Box = tuple[float, ...]

SIZES = ("small", "medium", "large")
_AREAS = (32.0**2, 96.0**2)  # pixels of the image: COCO's three sizes


@dataclass(frozen=True, eq=False)
class Samples:
    """Each object that both sides found: how far it moved, and where it is.

    ``shift`` (n, 4), of the candidate against the reference, and ``box`` (n, 4), the reference's,
    are in pixels of the network's input. ``label`` (n,): class; ``image`` (n,): position among the
    images. ``score`` (n,): the reference's; ``score_diff`` (n,): NaN where the reference does not
    deploy it, for choosing by what the candidate deploys biases the difference.
    """

    shift: Floats
    box: Floats
    label: Ints
    image: Ints
    score: Floats
    score_diff: Floats

    def take(self, rows: Any) -> Samples:
        """The objects named by an index array or a boolean mask."""
        return Samples(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


def samples(images: Mapping[str, ImageAgreement]) -> Samples:
    """Twins of deployed reference proposals; the pair itself where it has no other twin."""
    found = [
        (*measured, row.reference_class, position, row.reference_score)
        for position, image in enumerate(images.values())
        for row in image.rows
        if (measured := _measured(row, image)) is not None
    ]
    shifts, boxes, diffs, labels, places, scores = zip(*found, strict=True) if found else [()] * 6
    return Samples(
        shift=np.array(shifts, dtype=np.float64).reshape(-1, 4),
        box=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        label=np.array(labels, dtype=np.int64),
        image=np.array(places, dtype=np.int64),
        score=np.array(scores, dtype=np.float64),
        score_diff=np.array(diffs, dtype=np.float64),
    )


def size_of(box: Box) -> str:
    """COCO's size of a box in pixels of the image."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return SIZES[sum(area >= limit for limit in _AREAS)]


def _measured(row: Row, image: ImageAgreement) -> tuple[Box, Box, float] | None:
    if row.reference_box is None:
        return None
    if row.twin is not None:
        shift, score_diff = row.twin.shift, row.twin.score_diff
    elif row.judged and not row.flipped and row.shift is not None:
        shift, score_diff = row.shift, row.score_diff or 0.0
    else:
        return None
    x, y = image.scale
    x1, y1, x2, y2 = row.reference_box
    deployed = image.of_reference(row)
    return shift, (x1 * x, y1 * y, x2 * x, y2 * y), score_diff if deployed else float("nan")
