"""Boxes without area: pixels that were cut at 0..1, as relative coordinates would be.

``tf.image.combined_non_max_suppression`` cuts boxes at 0 and 1 unless it is told ``clip_boxes =
False``: of a box in pixels nothing is left but [1, 1, 1, 1]. Scores and classes are not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from parity.agreement import Row
from parity.record import RuntimeRecord

_FEW = 3  # boxes that make no pattern


def cut_at_one(record: RuntimeRecord) -> Iterator[str]:
    """What to say where one side's boxes have no area, and nothing else is wrong with them."""
    images = [image.agreement.rows for image in record.images if image.agreement is not None]
    for side, other in (("candidate", "reference"), ("reference", "candidate")):
        boxes = [box for rows in images for row in rows if (box := getattr(row, f"{side}_box"))]
        flat = sum(x2 <= x1 or y2 <= y1 for x1, y1, x2, y2 in boxes)
        if len(boxes) < _FEW or flat <= 0.9 * len(boxes):
            continue
        alike = sum(_alike(rows, record.tolerance.max_score_diff) for rows in images)
        both = f", while {alike} of {len(boxes)} scores and classes are those of the {other}"
        yield (
            f"{flat} of {len(boxes)} boxes of the {side} are without area{both if alike else ''}: "
            f"pixels cut at 0..1 as if they were relative? TensorFlow's "
            f"combined_non_max_suppression does that unless it is told clip_boxes = False"
        )
        return


def _alike(rows: Sequence[Row], most: float) -> int:
    """How many leftovers of the two sides have the same class and a score within the limit.

    In the order of their scores, class by class.
    """
    found = 0
    ours = [(row.reference_class, row.reference_score) for row in rows if row.kind == "lost"]
    theirs = [(row.candidate_class, row.candidate_score) for row in rows if row.kind == "extra"]
    for label in Counter(label for label, _ in ours):
        here = sorted(score for one, score in ours if one == label and score is not None)
        there = sorted(score for one, score in theirs if one == label and score is not None)
        found += sum(abs(a - b) <= most for a, b in zip(here[::-1], there[::-1], strict=False))
    return found
