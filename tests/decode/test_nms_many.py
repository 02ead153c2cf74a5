"""NMS of more proposals than are compared in one go: what it says is what ``iou`` says."""

from __future__ import annotations

import numpy as np
import pytest

from parity.boxes import iou
from parity.decode import suppress


def crowd(seed: int, flat: bool, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """600 boxes around few places, 2 classes; some without area, or very large."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, 60, (600, 2)).astype(float)
    sides = random.uniform(0.1, 30, (600, 2))
    if flat:
        sides[::7, 0] = 0.0
    boxes = np.concatenate([corners, corners + sides], axis=1) * scale
    return boxes, random.uniform(0.3, 1, 600), random.integers(0, 2, 600)


@pytest.mark.parametrize("mode", ["class", "agnostic"])
@pytest.mark.parametrize(("flat", "scale"), [(False, 1.0), (True, 1.0), (False, 1e150)])
@pytest.mark.parametrize("limit", [0.0, 0.45, 1.0])
def test_every_removal_is_one_that_iou_confirms(
    mode: str, flat: bool, scale: float, limit: float
) -> None:
    """To the last bit: overlaps are compared with the limit elsewhere too."""
    boxes, scores, classes = crowd(3, flat, scale)
    found = suppress(boxes, scores, classes, limit, mode, 600)
    by = found.kept[found.suppressor]
    overlaps = iou(boxes[found.removed], boxes[by])[np.diag_indices(len(by))]
    assert found.overlap.tolist() == overlaps.tolist()
    assert (found.overlap > limit).all()
    kept = iou(boxes[found.kept], boxes[found.kept])
    if mode == "class":
        kept *= classes[found.kept][:, None] == classes[found.kept]
    np.fill_diagonal(kept, 0)
    assert (kept <= limit).all()
    assert len(found.kept) + len(found.removed) == 600
