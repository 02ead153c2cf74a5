"""What a failure looks like, read from its record alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from parity.agreement import Row
from parity.boxes import iou
from parity.record import RuntimeRecord

FEW = 3  # fewer objects than this make no pattern
SAME = 1e-6  # relative L2 below which a head counts as equal
OTHER = 0.5  # relative L2 above which a head looks like that of other weights


def hints(record: RuntimeRecord, classes: Sequence[str]) -> tuple[str, ...]:
    """Sentences about a failed runtime, the most telling first."""
    agreements = [image.agreement for image in record.images if image.agreement is not None]
    rows = [row for agreement in agreements for row in agreement.rows]
    found = [
        *_class_offset(rows, classes),
        *_threshold(rows),
        *_suppression(record),
        *_stage(record),
    ]
    return tuple(found)


def _class_offset(rows: Sequence[Row], classes: Sequence[str]) -> Iterator[str]:
    paired = [row for row in rows if row.paired]
    offsets = Counter(
        row.candidate_class - row.reference_class
        for row in paired
        if row.candidate_class is not None and row.reference_class is not None
    )
    if not offsets:
        return
    (offset, count), *_ = offsets.most_common(1)
    if offset and count >= FEW and count >= 0.8 * len(paired):
        yield (
            f"{count} of {len(paired)} pairs have a class that is {abs(offset)} too "
            f"{'high' if offset > 0 else 'low'}: is a background column or a 1-based list of "
            f"{len(classes)} classes read as something else?"
        )


def _threshold(rows: Sequence[Row]) -> Iterator[str]:
    both = [row for row in rows if row.kind == "pair"]
    for kind, other, side, words in (
        ("lost", "extra", "reference", "higher"),
        ("extra", "lost", "candidate", "lower"),
    ):
        gone = [getattr(row, f"{side}_score") for row in rows if row.kind == kind]
        kept = [getattr(row, f"{side}_score") for row in both]
        if len(gone) < FEW or not kept or any(row.kind == other for row in rows):
            continue
        if max(gone) <= min(kept):
            yield (
                f"all {len(gone)} {kind} detections score below all {len(kept)} pairs "
                f"({max(gone):.3f} against {min(kept):.3f}): a {words} score threshold?"
            )


def _suppression(record: RuntimeRecord) -> Iterator[str]:
    """Leftovers that overlap a kept box of their own side and class: another NMS limit."""
    for kind, side, words in (
        ("extra", "candidate", "higher (or missing)"),
        ("lost", "reference", "lower"),
    ):
        overlaps: list[float] = []
        total = 0
        for image in record.images:
            if image.agreement is not None:
                gone, best = _overlaps(image.agreement.rows, kind, side)
                total += gone
                overlaps += best
        if len(overlaps) >= FEW and len(overlaps) >= 0.8 * total:
            yield (
                f"{len(overlaps)} of {total} {kind} detections overlap another detection of the "
                f"same runtime and class (IoU {min(overlaps):.2f} to {max(overlaps):.2f}): "
                f"a {words} NMS limit in the candidate?"
            )


def _overlaps(rows: Sequence[Row], kind: str, side: str) -> tuple[int, list[float]]:
    gone = [row for row in rows if row.kind == kind]
    kept = [row for row in rows if row.paired]
    best = []
    for row in gone:
        same = [
            getattr(one, f"{side}_box")
            for one in kept
            if getattr(one, f"{side}_class") == getattr(row, f"{side}_class")
        ]
        if same:
            overlap = float(iou([getattr(row, f"{side}_box")], same).max())
            if overlap > 0.1:
                best.append(overlap)
    return len(gone), best


def _stage(record: RuntimeRecord) -> Iterator[str]:
    """Whether the network or what comes after it differs."""
    distances: dict[str, list[float]] = {}
    for image in record.images:
        for head in image.heads:
            distances.setdefault(head.head, []).append(head.rel_l2)
    if not distances:
        return
    median = {head: float(np.median(values)) for head, values in distances.items()}
    worst = max(median.values())
    listed = ", ".join(f"{head} {value:.2g}" for head, value in sorted(median.items()))
    if worst < SAME:
        yield f"the raw heads agree (relative L2: {listed}): decoding, NMS or a threshold differs"
    elif worst > OTHER:
        yield (
            f"the raw heads have little in common (relative L2: {listed}): another input, other "
            f"weights, or a quantisation that failed"
        )
    else:
        yield f"the raw heads differ (relative L2: {listed}): the input or the network differs"
