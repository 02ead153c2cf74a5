"""What follows from the images of a runtime: counts, spreads, how far its inputs differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from parity.agreement import Row, inputs_differ
from parity.record.results import ImageRecord, RuntimeRecord, Spread, Statistics


def with_images(record: RuntimeRecord, images: Iterable[ImageRecord]) -> RuntimeRecord:
    """A record with other images, and what follows from them: statistics, and how inputs differ."""
    images = tuple(images)
    inputs = inputs_differ({one.image: one.inputs for one in images if one.inputs is not None})
    return replace(record, images=images, statistics=statistics(images), inputs=inputs)


def statistics(images: Iterable[ImageRecord]) -> Statistics:
    """Count and summarise the images that were compared."""
    done = [image for image in images if image.agreement is not None]
    agreements = [image.agreement for image in done if image.agreement is not None]
    rows = [row for agreement in agreements for row in agreement.rows]
    paired = [row for row in rows if row.judged]
    times = [time for image in done if (time := image.milliseconds.get("network"))]  # none: a dump
    return Statistics(
        images=len(done),
        reference_deployed=sum(one.reference_deployed for one in agreements),
        candidate_deployed=sum(one.candidate_deployed for one in agreements),
        pairs=len(paired),
        borderline=sum(row.kind == "borderline" for row in paired),
        lost=_unexplained(rows, "lost"),
        extra=_unexplained(rows, "extra"),
        excused=sum(row.reason == "excused" for row in rows),
        unjudgeable=sum(row.reason == "unjudgeable" for row in rows),
        class_flips=sum(row.flipped for row in paired),
        one_minus_iou=_spread([1 - row.iou for row in paired if row.iou is not None]),
        score_diff=_spread([abs(row.score_diff) for row in paired if row.score_diff is not None]),
        milliseconds=float(np.median(times)) if times else None,
        ties=sum(row.tie for row in rows),
    )


def _unexplained(rows: Iterable[Row], kind: str) -> int:
    return sum(row.kind == kind and row.unexplained for row in rows)


def _spread(values: list[float]) -> Spread | None:
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return Spread(float(p50), float(p95), float(max(values)))
