"""What fails an image under every tolerance: a side that sees nothing, boxes below a pixel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from parity.agreement.findings import Finding
from parity.agreement.pairing import Scale
from parity.agreement.rows import Row
from parity.detections import Side
from parity.suite.tolerance import Tolerance


def below_a_pixel(rows: Iterable[Row], tolerance: Tolerance, scale: Scale) -> list[Finding]:
    """All paired boxes are smaller than a pixel of the network's input, and most do not overlap.

    Corners lie within ``max_corner_px`` then wherever the boxes are: boxes relative to the input
    were read as pixels. ``scale`` (x, y) turns pixels of the image into those of the input.
    """
    pairs = [row for row in rows if row.paired]
    boxes = np.array([box for row in pairs for box in (row.reference_box, row.candidate_box)])
    apart = sum((row.iou or 0.0) < tolerance.min_box_iou for row in pairs)
    if not pairs or 2 * apart <= len(pairs):
        return []
    largest = float(((boxes[:, 2:] - boxes[:, :2]) * np.array(scale)).max())
    if largest >= 1.0:
        return []
    facts = {"count": apart, "total": len(pairs), "largest": largest}
    return [Finding("below-a-pixel", facts)]


def empty(reference: Side, candidate: Side, tolerance: Tolerance) -> list[Finding]:
    """One side is sure of something and the other sees nothing at all."""
    for name, full, bare in (
        ("candidate", reference, candidate),
        ("reference", candidate, reference),
    ):
        if len(bare.seen) or not len(full.seen):
            continue
        best = float(full.seen.scores.max())
        if best >= full.threshold + tolerance.band:
            count = int(full.deployed.sum())
            return [Finding("empty", {"empty": name, "count": count, "best": best})]
    return []
