"""Tolerances: named sets of limits between a reference's and a candidate's detections.

The built-in ones were set from measurements on real exports; a suite may derive its own from one
of them, but never changes what a built-in name means.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Tolerance:
    """How far a candidate's detections may be from the reference's.

    ``match_iou``: IoU from which two boxes may be the same object.
    ``min_box_iou``, ``max_corner_px``: a pair's boxes agree if either holds; corners are
    measured in pixels of the network's input.
    ``max_score_diff``: largest |score difference| of a pair.
    ``band``: how far below its threshold a side is still searched for partners.
    ``min_within``: share of the judged pairs that must meet the box limit, and the score limit.
    ``max_lost``, ``max_extra``, ``max_class_flips``, ``max_excused``: shares, 0 to 1.
    """

    name: str
    match_iou: float
    min_box_iou: float
    max_corner_px: float
    max_score_diff: float
    band: float
    min_within: float
    max_lost: float
    max_extra: float
    max_class_flips: float
    max_excused: float

    @property
    def strict(self) -> bool:
        """Whether each image is its own verdict: every pair within, nothing left over."""
        counts = (self.max_lost, self.max_extra, self.max_class_flips, self.max_excused)
        return self.min_within == 1 and not any(counts)


BUILT_IN = {
    tolerance.name: tolerance
    for tolerance in (
        Tolerance("exact", 0.5, 0.9999, 0.02, 1e-5, 1e-4, 1, 0, 0, 0, 0),
        Tolerance("float32", 0.5, 0.999, 0.1, 1e-3, 1e-3, 1, 0, 0, 0, 0),
        Tolerance("float16", 0.5, 0.98, 0.5, 0.01, 0.01, 1, 0, 0, 0, 0),
        Tolerance("int8", 0.5, 0.88, 1.0, 0.05, 0.1, 0.95, 0.01, 0.01, 0.01, 0.01),
    )
}

LIMITS = tuple(field.name for field in fields(Tolerance) if field.name != "name")
_SHARES = tuple(name for name in LIMITS if name != "max_corner_px")
_ALLOWED = {
    "max_lost": "every object may be lost",
    "max_extra": "every object found may be one too many",
    "max_class_flips": "every object may be of another class",
    "max_excused": "every object may be excused",
}
_LEAST = 1e-6  # a share that one object of a suite can exceed: none has a million


def derive(name: str, base: Tolerance, limits: dict[str, float]) -> Tolerance:
    """A tolerance of one's own: ``base`` with some limits replaced."""
    changes: dict[str, Any] = dict(limits)
    return replace(base, name=name, **changes)


def problems(tolerance: Tolerance) -> list[str]:
    """What is wrong with a tolerance, each as "KEY: expected ..., found ..."."""
    found = []
    for name in _SHARES:
        value = getattr(tolerance, name)
        if not 0 <= value <= 1:
            found.append(f"{name}: expected a number from 0 to 1, found {value}")
    if not 0 <= tolerance.max_corner_px < float("inf"):
        found.append(
            f"max_corner_px: expected a finite number of pixels from 0, "
            f"found {tolerance.max_corner_px}"
        )
    found += _unlimited(tolerance)
    if tolerance.min_box_iou < tolerance.match_iou:
        found.append(
            f"min_box_iou: expected at least match_iou = {tolerance.match_iou}, "
            f"found {tolerance.min_box_iou}"
        )
    if tolerance.band < tolerance.max_score_diff:
        found.append(
            f"band: expected at least max_score_diff = {tolerance.max_score_diff}, "
            f"found {tolerance.band}: a score within its limit would have no partner in sight"
        )
    return found


def _unlimited(tolerance: Tolerance) -> list[str]:
    """Limits that nothing can exceed: with them a tolerance would pass whatever is found.

    IoU and scores lie in 0..1, and a share counts some of what there is. How far corners can be
    apart depends on the input: see ``beyond_input``.
    """
    found = []
    if tolerance.match_iou == 0:
        found.append("match_iou: expected more than 0, found 0: any two boxes would match")
    if tolerance.max_score_diff == 1:
        found.append(
            "max_score_diff: expected less than 1, found 1: scores lie within 0..1, so that this "
            "limit cannot fail"
        )
    if 0 <= tolerance.min_within < _LEAST:
        found.append(
            f"min_within: expected at least {_LEAST:g}, found {tolerance.min_within}: no pair "
            f"would have to be within its limits, so that this limit cannot fail"
        )
    for name, words in _ALLOWED.items():
        value = getattr(tolerance, name)
        if 1 - _LEAST < value <= 1:
            found.append(
                f"{name}: expected at most {1 - _LEAST:g}, found {value}: {words}, so that this "
                f"limit cannot fail"
            )
    return found


def beyond_input(tolerance: Tolerance, size: tuple[int, int]) -> str | None:
    """What is wrong where no two boxes in an input of (height, width) can exceed the corner limit.

    Corners of two boxes inside of the input differ by its longer side at most, along either axis.
    """
    edge = max(size)
    if not edge <= tolerance.max_corner_px < float("inf"):
        return None
    return (
        f"tolerance.{tolerance.name}.max_corner_px: expected less than {edge}, the longer side of "
        f"the network's input of {size[0]} x {size[1]}, found {tolerance.max_corner_px:g}: any two "
        f"boxes would agree, so that this limit cannot fail"
    )
