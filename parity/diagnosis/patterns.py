"""What a failure looks like, read from its record alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from parity.agreement import ImageAgreement, Row
from parity.boxes import Floats, clipped, iou
from parity.diagnosis.areas import cut_at_one
from parity.record import RuntimeRecord
from parity.suite.tolerance import Tolerance

LIMITED = 2  # images on which a side stops at one number, before that is called a limit
FEW = 3  # fewer objects than this make no pattern
OVERLAP = 0.1  # IoU below which nothing is ever suppressed in practice
SAME = 1e-6  # relative L2 below which a head counts as equal
OTHER = 0.5  # relative L2 above which a head looks like that of other weights


def hints(record: RuntimeRecord, classes: Sequence[str]) -> tuple[str, ...]:
    """Sentences about a failed runtime, the most telling first."""
    agreements = [image.agreement for image in record.images if image.agreement is not None]
    rows = [row for agreement in agreements for row in agreement.rows]
    found = [
        *cut_at_one(record),
        *_class_offset(rows, classes),
        *_threshold(rows),
        *_suppression(record),
        *_most(agreements),
        *_clipping(record),
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
    else:
        yield from _exchanged(paired, classes)


def _exchanged(paired: Sequence[Row], classes: Sequence[str]) -> Iterator[str]:
    """Classes that are always found as each other."""
    seen: dict[int, Counter[int | None]] = {}
    for row in paired:
        if row.reference_class is not None:
            seen.setdefault(row.reference_class, Counter())[row.candidate_class] += 1
    as_other = {
        ours: (theirs, count)
        for ours, counts in seen.items()
        for theirs, count in counts.most_common(1)
        if theirs not in (None, ours) and count >= 0.8 * sum(counts.values())
    }
    moved = {ours: theirs for ours, (theirs, _) in as_other.items()}
    count = sum(count for _, count in as_other.values())
    if count >= FEW and len(moved) > 1 and set(moved) == set(moved.values()):
        said = ", ".join(
            f"{classes[a]} as {classes[b]}" for a, b in sorted(moved.items()) if b is not None
        )
        yield (
            f"on {count} of {len(paired)} pairs classes are exchanged ({said}): are they listed in "
            f"another order there?"
        )


def _threshold(rows: Sequence[Row]) -> Iterator[str]:
    """Leftovers of one side that all score below what agrees: another score threshold."""
    both = [row for row in rows if row.kind == "pair"]
    if not _mostly_within(both):
        return
    for kind, other, side, words in (
        ("lost", "extra", "reference", "higher"),
        ("extra", "lost", "candidate", "lower"),
    ):
        gone = [getattr(row, f"{side}_score") for row in _open(rows, kind)]
        kept = [getattr(row, f"{side}_score") for row in both]
        if len(gone) < FEW or any(row.kind == other for row in rows):
            continue
        if max(gone) <= min(kept):
            yield (
                f"all {len(gone)} {kind} detections score below all {len(kept)} pairs "
                f"({max(gone):.3f} against {min(kept):.3f}): a {words} score threshold?"
            )


def _suppression(record: RuntimeRecord) -> Iterator[str]:
    """Leftovers that overlap a kept box more than kept boxes overlap: another NMS limit."""
    images = [image.agreement.rows for image in record.images if image.agreement is not None]
    if not _mostly_within([row for rows in images for row in rows if row.paired]):
        return
    for kind, other, side, limit, classes in (
        ("extra", "lost", "candidate", "a higher (or missing)", "no longer across classes"),
        ("lost", "extra", "reference", "a lower", "across classes (agnostic)"),
    ):
        total = sum(len(_open(rows, kind)) for rows in images)
        if total < FEW or any(_open(rows, other) for rows in images):
            continue
        for across in (False, True):
            found = [one for rows in images for one in _overlaps(rows, kind, side, across)]
            least = max(max(_among_kept(rows, side, across)) for rows in images)
            near = [one for one in found if one >= max(least, OVERLAP)]
            if len(near) >= max(FEW, 0.8 * total):
                yield (
                    f"{len(near)} of {total} {kind} detections overlap another detection of the "
                    f"same runtime{'' if across else ' and class'} (IoU {min(near):.2f} to "
                    f"{max(near):.2f}), and no pair does so as much: {limit} NMS limit in the "
                    f"candidate{f', or NMS {classes}' if across else ''}?"
                )
                break


def _most(agreements: Sequence[ImageAgreement]) -> Iterator[str]:
    """One side stops at one number wherever the other goes on: a limit inside its network."""
    counts = np.array([(one.reference_deployed, one.candidate_deployed) for one in agreements])
    if not len(counts) or not _mostly_within(
        [row for one in agreements for row in one.rows if row.paired]
    ):
        return
    for side, other, ours, theirs in (
        ("candidate", "reference", counts[:, 1], counts[:, 0]),
        ("reference", "candidate", counts[:, 0], counts[:, 1]),
    ):
        most, more = int(ours.max()), theirs > ours
        if most and more.sum() >= LIMITED and (ours[more] == most).all():
            yield (
                f"the {side} never has more than {most} detections, on {int(more.sum())} images "
                f"where the {other} has up to {int(theirs[more].max())}: its max_detections?"
            )


def _clipping(record: RuntimeRecord) -> Iterator[str]:
    """Boxes that differ only beyond the edges of the image: one side cuts them there."""
    off = [
        (np.array([row.reference_box, row.candidate_box], dtype=np.float64), image.size)
        for image in record.images
        if image.agreement is not None and image.size is not None
        for row in image.agreement.rows
        if row.paired and not row.box_within
    ]
    cut = [clipped(boxes, size) for boxes, size in off]
    alike = sum(_alike(boxes, record.tolerance) for boxes in cut)
    if not off or alike < 0.8 * len(off):
        return
    for at, side, other in ((1, "candidate", "reference"), (0, "reference", "candidate")):
        if all(
            np.array_equal(boxes[at], after[at]) for (boxes, _), after in zip(off, cut, strict=True)
        ):
            yield (
                f"{alike} of {len(off)} boxes beyond their limit agree once they are clipped to "
                f"the image, as those of the {side} are: say in decode of the {other} clip = "
                f"'before-nms', as torchvision does, or 'after-nms'"
            )
            return


def _alike(boxes: Floats, tolerance: Tolerance) -> bool:
    """Whether two boxes (2, 4) are within the limits; corners in pixels of the image."""
    near = float(np.abs(boxes[0] - boxes[1]).max()) <= tolerance.max_corner_px
    return near or float(iou(boxes[:1], boxes[1:])[0, 0]) >= tolerance.min_box_iou


def _mostly_within(pairs: Sequence[Row]) -> bool:
    """Whether what both sides found agrees: only then a leftover is one of settings."""
    return bool(pairs) and sum(row.within for row in pairs) >= 0.9 * len(pairs)


def _open(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row.kind == kind and row.unexplained]


def _overlaps(rows: Sequence[Row], kind: str, side: str, across: bool) -> Iterator[float]:
    """The largest IoU of each leftover with a pair (of its class) on the same side."""
    for row in _open(rows, kind):
        same = _kept(rows, side, None if across else getattr(row, f"{side}_class"))
        if same:
            yield float(iou([getattr(row, f"{side}_box")], same).max())


def _among_kept(rows: Sequence[Row], side: str, across: bool) -> Iterator[float]:
    """The largest IoU between two pairs (of one class)."""
    labels = {getattr(row, f"{side}_class") for row in rows if row.kind == "pair"}
    yield 0.0
    for label in {None} if across else labels:
        boxes = _kept(rows, side, label)
        if len(boxes) > 1:
            yield float(np.triu(iou(boxes, boxes), 1).max())


def _kept(rows: Sequence[Row], side: str, label: int | None) -> list[Any]:
    return [
        getattr(row, f"{side}_box")
        for row in rows
        if row.kind == "pair" and label in (None, getattr(row, f"{side}_class"))
    ]


def _stage(record: RuntimeRecord) -> Iterator[str]:
    """Which heads differ on the images that do not agree."""
    distances: dict[str, list[float]] = {}
    for image in record.images:
        rows = () if image.agreement is None else image.agreement.rows
        if image.findings or not all(row.within for row in rows):
            for head in image.heads:
                distances.setdefault(head.head, []).append(head.rel_l2)
    if not distances:
        return
    median = {head: float(np.median(values)) for head, values in distances.items()}
    listed = ", ".join(f"{head} {value:.2g}" for head, value in sorted(median.items()))
    equal = sorted(head for head in median if max(distances[head]) < SAME)
    other = sorted(set(median) - set(equal))
    if not other:
        yield f"the raw heads agree (relative L2: {listed}): decoding, NMS or a threshold differs"
    elif equal:
        yield (
            f"the raw head {' and '.join(equal)} agrees, {' and '.join(other)} does not (relative "
            f"L2: {listed}): look at what only {' and '.join(other)} goes through, and at the "
            f"order and unit of its columns"
        )
    elif max(median.values()) > OTHER:
        yield (
            f"the raw heads have little in common (relative L2: {listed}): another input, other "
            f"weights, or a quantisation that failed"
        )
    else:
        yield f"the raw heads differ (relative L2: {listed}): the input or the network differs"
