"""Boxes of the reference that cannot be boxes of its images: a unit that is declared wrongly.

Declared wrongly for every runtime it changes all boxes alike, and no comparison sees it.
"""

from __future__ import annotations

from collections.abc import Iterable

from parity.record import RuntimeRecord

_LARGE = 4  # times the image, in area


def scale_note(reference: str, records: Iterable[RuntimeRecord]) -> str | None:
    """What to say where most boxes that the reference deploys lie outside of their images."""
    for record in records:
        boxes = [
            (row.reference_box, image.size)
            for image in record.images
            if image.agreement is not None and image.size is not None
            for row in image.agreement.rows
            if row.reference_box is not None
        ]
        if not boxes:
            continue
        strange = sum(_strange(box, size) for box, size in boxes)
        if 2 * strange <= len(boxes):
            return None
        return (
            f"warning: {strange} of {len(boxes)} boxes of the reference {reference} lie outside of "
            f"their image or have more than {_LARGE} times its area; every runtime is decoded like "
            f"that: see normalized and box_format of [decode], and size of [preprocess]"
        )
    return None


def _strange(box: tuple[float, float, float, float], size: tuple[int, int]) -> bool:
    x1, y1, x2, y2 = box
    height, width = size
    outside = x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height
    area = max(x2 - x1, 0.0) * max(y2 - y1, 0.0)
    return outside or area > _LARGE * height * width
