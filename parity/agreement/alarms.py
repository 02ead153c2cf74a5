"""What no budget excuses: a class that vanishes, a shift of all boxes, a side that sees nothing.

And boxes so small that their corners agree wherever they lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from parity.agreement.findings import Finding
from parity.agreement.pairing import Scale
from parity.agreement.rows import Row
from parity.detections import Floats, Side
from parity.suite.tolerance import Tolerance

RARE = 5  # a class with this many reference detections may not lose half of them
FEW = 5  # an image's bias is judged from this many pairs
CHANCE = 1e-6  # noise that looks like a bias more often than this is not called one
COARSE = 10.0  # below FEW pairs, by how many limits (over sqrt(pairs)) a bias exceeds its limit


def vanished(rows: Iterable[Row]) -> list[Finding]:
    """Classes with at least ``RARE`` reference detections that lost half of them or more.

    ``rows`` are those of what the reference deploys. What the candidate does not deploy counts as
    lost, unless it is there with a score within its limit: then only the threshold parts the two.
    """
    total: Counter[int] = Counter()
    gone: Counter[int] = Counter()
    for row in rows:
        if row.reference_class is None:
            continue
        below = row.kind == "borderline" and not row.score_within
        total[row.reference_class] += 1
        gone[row.reference_class] += row.kind == "lost" or row.flipped or below
    return [
        Finding("class-vanished", {"class": label, "lost": gone[label], "total": total[label]})
        for label in sorted(total)
        if total[label] >= RARE and 2 * gone[label] >= total[label]
    ]


def bias(rows: Iterable[Row], tolerance: Tolerance, fewest: int = 1) -> list[Finding]:
    """Sides of the box whose median signed shift exceeds ``max_corner_px`` for no chance reason."""
    shifts = np.array([row.shift for row in rows if row.shift is not None]).reshape(-1, 4)
    if len(shifts) < max(fewest, 1):
        return []
    limit = tolerance.max_corner_px
    found = []
    for side, name in enumerate(("x1", "y1", "x2", "y2")):
        # The opposite sides of the only box stand for two measurements of one shift.
        samples = shifts[:, side] if len(shifts) > 1 else shifts[0, [side, (side + 2) % 4]]
        median = float(np.median(shifts[:, side]))
        if abs(median) <= limit:
            continue
        excess = np.sign(median) * samples - limit
        if len(shifts) < FEW and excess.mean() * np.sqrt(len(shifts)) < COARSE * limit:
            continue  # coordinates on a coarse grid may have no spread at all
        if _by_chance(excess) < CHANCE:
            facts = {"side": name, "median": median, "pairs": len(shifts), "allowed": limit}
            found.append(Finding("bias", facts))
    return found


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


def _by_chance(excess: Floats) -> float:
    """How likely noise alone, of a mean or a median at the limit, exceeds it as these values do.

    The smaller of a sign test's (it minds no outlier, but needs twenty values) and a one-sided
    Student's t test's (Student, "The probable error of a mean", 1908).
    """
    from scipy.special import bdtrc, stdtr

    count, above = len(excess), int((excess > 0).sum())
    by_sign = float(bdtrc(above - 1, count, 0.5)) if above else 1.0
    mean, error = float(excess.mean()), float(excess.std(ddof=1)) / np.sqrt(count)
    if mean <= 0:
        return by_sign
    by_mean = float(stdtr(count - 1, -mean / error)) if error > 0 else 0.0
    return min(by_sign, by_mean)


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
