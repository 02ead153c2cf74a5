"""Differences that objects share: no budget covers them, and no strict limit need be reached.

Noise scatters about zero. What boxes or scores have in common beyond a quarter of their limit is
the trace of a cause (a resize, a letterbox, a scale, a calibration), and is tested against noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from parity.agreement.chance import above_by_chance, exceeds_by_chance, line_ends
from parity.agreement.findings import Finding
from parity.agreement.samples import Samples
from parity.boxes import Floats
from parity.suite.tolerance import Tolerance

SHARE = 0.25  # of a limit that objects may have in common
CHANCE = 1e-6  # noise that looks like a bias more often than this is not called one
LINE, CLASS, IMAGE = 20, 5, 4  # from so many objects on
_CLIP = 1.5  # limits: what is further off is judged by itself, and must not carry a mean
SIDES = ("x1", "y1", "x2", "y2")


def box_bias(samples: Samples, names: Sequence[str], tolerance: Tolerance) -> Iterator[Finding]:
    """Sides of the box that are off together: along the input, in a class, in an image."""
    if not len(samples.label):
        return
    allowed = allowance(samples.box, tolerance)
    used = np.clip(samples.shift / allowed, -_CLIP, _CLIP)
    middle = np.median(allowed, axis=0)
    for side, name in enumerate(SIDES):
        one = {"side": name, "allowed": SHARE * float(middle[side])}
        scale = float(middle[side])
        limits, column = allowed[:, side], used[:, side]
        yield from _along(samples.box[:, side], column, limits, scale, one)
        for facts, chosen in _groups(samples, column):
            yield from _shared(column[chosen], scale, {**one, **facts})
        yield from _in_images(column, samples, names, scale, one)


def score_bias(samples: Samples, tolerance: Tolerance) -> Iterator[Finding]:
    """Scores that are off together: all of them, those of a class, along the score."""
    known = ~np.isnan(samples.score_diff)
    limit = tolerance.max_score_diff
    used = np.clip(samples.score_diff[known] / limit, -_CLIP, _CLIP)
    labels, scores = samples.label[known], samples.score[known]
    one = {"allowed": SHARE * limit}
    groups: list[tuple[dict[str, Any], Any]] = [({}, np.ones(len(used), dtype=np.bool_))] + [
        ({"class": int(label)}, labels == label) for label in np.unique(labels)
    ]
    for facts, chosen in groups:
        yield from _shared(used[chosen], limit, {**one, **facts}, "score-bias")
    if len(used) < LINE or np.ptp(scores) == 0:
        return
    design = np.column_stack([np.ones(len(used)), scores - np.median(scores)])
    for at, value, error in line_ends(design, used, scores):
        if above_by_chance(abs(value), SHARE, error, len(used) - 2) < CHANCE:
            facts = {**one, "at": at, "shift": value * limit, "pairs": len(used)}
            yield Finding("score-bias", facts)
            return


def allowance(boxes: Floats, tolerance: Tolerance) -> Floats:
    """How far each side of boxes (n, 4) may move: ``max_corner_px``, or what the IoU limit leaves.

    A box of width w that moves by d has IoU (w - d) / (w + d), which is q at d = w (1 - q)/(1 + q).
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    least = tolerance.min_box_iou
    moved = np.concatenate([sides, sides], axis=1) * (1 - least) / (1 + least)
    return np.maximum(moved, tolerance.max_corner_px)


def _along(
    place: Floats, used: Floats, allowed: Floats, scale: float, one: dict[str, Any]
) -> Iterator[Finding]:
    """A shift that grows along the input: a line of it, in limits, against the coordinate."""
    if len(used) < LINE:
        return
    design = np.column_stack([1 / allowed, (place - np.median(place)) / allowed])
    for at, shift, error in line_ends(design, used, place):
        freedom = len(used) - 2
        if above_by_chance(abs(shift) / scale, SHARE, error / scale, freedom) < CHANCE:
            yield Finding("bias", {**one, "at": at, "shift": shift, "pairs": len(used)})
            return


def _groups(samples: Samples, used: Floats) -> Iterator[tuple[dict[str, Any], Any]]:
    """All objects where there are too few for a line, and each class of several."""
    labels = np.unique(samples.label)
    if len(used) < LINE:
        yield {}, np.ones(len(used), dtype=np.bool_)
    for label in labels if len(labels) > 1 else ():
        yield {"class": int(label)}, samples.label == label


def _shared(
    used: Floats, scale: float, facts: dict[str, Any], code: str = "bias"
) -> Iterator[Finding]:
    """The median of a group, tested. ``scale`` turns limits into the unit of the message."""
    if len(used) < CLASS:
        return
    median = float(np.median(used))
    if abs(median) > SHARE and exceeds_by_chance(np.sign(median) * used - SHARE) < CHANCE:
        yield Finding(code, {**facts, "median": median * scale, "pairs": len(used)})


def _in_images(
    used: Floats, samples: Samples, names: Sequence[str], scale: float, one: dict[str, Any]
) -> Iterator[Finding]:
    """Images whose objects are off together; how much noise there is, all of them tell."""
    groups = [np.flatnonzero(samples.image == image) for image in np.unique(samples.image)]
    groups = [group for group in groups if len(group) >= IMAGE]
    if not groups:
        return
    residual = np.concatenate([used[group] - used[group].mean() for group in groups])
    freedom = sum(len(group) - 1 for group in groups)
    pooled = float(np.sqrt(residual @ residual / freedom))
    for group in groups:
        values = used[group]
        median = float(np.median(values))
        if abs(median) <= SHARE:
            continue
        deviation = max(pooled, float(values.std(ddof=1)))
        if exceeds_by_chance(np.sign(median) * values - SHARE, deviation, freedom) < CHANCE:
            image = names[int(samples.image[group[0]])]
            facts = {**one, "image": image, "median": median * scale, "pairs": len(group)}
            yield Finding("bias", facts)
