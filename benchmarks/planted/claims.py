"""Which rules of the contract must catch a pair: what strict limits forbid, what a budget declares.

Statistical rules are claimed only far beyond their own limits (a tenth of the chance for counts, a
thousandth for bias), so that how a test is done does not matter, but whether.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.planted.truth import Floats, Image, Missing, Object
from parity.suite.tolerance import Tolerance

BIAS_CHANCE = 1e-9
COUNT_CHANCE = 1e-4  # shared by all groups
SHARE = 0.25  # of a limit that objects may have in common


def claims(images: Sequence[Image], tolerance: Tolerance) -> set[str]:
    """The rules that a suite breaks; none where the tolerance need not notice anything."""
    found = {"settings"} if any(image.changed for image in images) else set()
    if tolerance.strict:
        beyond = any(image.lost.counts["any"] or image.extra.counts["any"] for image in images)
        return found | ({"limits"} if beyond else set())
    found |= set(_shares(images, tolerance))
    if _counts(images, tolerance):
        found.add("counts")
    objects = [one for image in images for one in image.ours]
    groups = [objects, *_by(objects, "label")]
    if any(_box_bias(group) for group in (*groups, *(image.ours for image in images))):
        found.add("bias")
    if _line_bias(objects):
        found.add("bias along the input")
    if any(_score_bias(group, tolerance) for group in groups):
        found.add("score-bias")
    return found


def _shares(images: Sequence[Image], tolerance: Tolerance) -> Iterator[str]:
    """Budgets that are exceeded however parity pairs: what one cannot take must go to another."""
    lost, extra = Missing(), Missing()
    for image in images:
        lost.add(image.lost)
        extra.add(image.extra)
    pairs = lost.total + sum(image.risen for image in images)

    def most(share: float, total: int) -> float:
        return max(1.0, share * total) + 1e-9

    outside = 1 - tolerance.min_within
    box, flips = most(outside, pairs), most(tolerance.max_class_flips, pairs)
    score, risen = most(outside, lost.total), most(outside, extra.total)
    hidden = any(image.hidden for image in images)
    unseen = 2 * most(tolerance.max_excused, lost.total + extra.total) if hidden else 0.0
    for name, side, gone in (
        ("lost", lost, most(tolerance.max_lost, lost.total) + unseen),
        ("extra", extra, most(tolerance.max_extra, extra.total) + unseen),
    ):
        scores = score if name == "lost" else score + risen
        room = {"gone": 0.0, "class": flips, "box": box, "score": scores}
        room["any"] = sum(room.values())
        for kind, more in room.items():
            if side.counts[kind] > gone + more:
                yield {"gone": name, "any": "limits"}.get(kind, kind)


def _counts(images: Sequence[Image], tolerance: Tolerance) -> bool:
    """Whether most of a group is gone, from either side."""
    for side, share in (("ours", tolerance.max_lost), ("theirs", tolerance.max_extra)):
        by_image = [getattr(image, side) for image in images]
        objects = [one for group in by_image for one in group]
        groups = [objects, *by_image, *_by(objects, "label"), *_by(objects, "size")]
        limit = COUNT_CHANCE / len(groups)
        for group in groups:
            count = sum(one.gone for one in group)
            chances = [max(share, 1e-3) if one.sure else 0.5 for one in group]
            if 2 * count > len(group) and _at_least(count, chances) < limit:
                return True
    return False


def _at_least(count: int, chances: Iterable[float]) -> float:
    """How likely so many independent events happen, by convolution."""
    mass = np.ones(1)
    for chance in chances:
        mass = np.convolve(mass, [1 - chance, chance])
    return float(mass[count:].sum())


def _by(objects: Sequence[Object], trait: str) -> list[list[Object]]:
    groups: dict[Any, list[Object]] = {}
    for one in objects:
        groups.setdefault(getattr(one, trait), []).append(one)
    return list(groups.values())


def _box_bias(group: Sequence[Object]) -> bool:
    """One side of the boxes of a group is off by more than a quarter of its limit."""
    moved = [np.full(4, np.nan) if one.moved is None else one.moved / one.room for one in group]
    return any(_beyond(side) for side in np.array(moved).reshape(-1, 4).T)


def _score_bias(group: Sequence[Object], tolerance: Tolerance) -> bool:
    """The scores of a group are off together by more than a quarter of their limit."""
    limit = tolerance.max_score_diff
    return _beyond(np.array([np.nan if one.moved is None else one.rise / limit for one in group]))


def _beyond(used: Floats) -> bool:
    """A mean and a median beyond the share, whatever the few are (NaN) whose row is not a twin."""
    from scipy.stats import ttest_1samp

    known = used[~np.isnan(used)]
    if len(used) < 8 or len(known) < 0.9 * len(used):
        return False
    sign = np.sign(np.median(known))
    values = np.where(np.isnan(used), -1.5, sign * used)
    if np.median(values) <= SHARE or np.ptp(values) == 0:
        return bool(np.ptp(values) == 0 and values[0] > SHARE + 0.01)
    quarter = values[:: 4 if len(values) >= 32 else 1]  # a line's end is known half as well
    chance = ttest_1samp(quarter, SHARE, alternative="greater").pvalue
    return bool(chance < BIAS_CHANCE)


def _line_bias(objects: Sequence[Object]) -> bool:
    """A shift that grows along the input, at the ends of where objects are."""
    twins = [one for one in objects if one.moved is not None]
    if len(twins) < 40 or len(twins) < 0.95 * len(objects):
        return False
    for side in range(4):
        place = np.array([one.place[side] for one in twins])
        moved = np.array([one.moved[side] for one in twins if one.moved is not None])
        room = float(np.median([one.room[side] for one in twins]))
        if np.ptp(place) == 0:
            continue
        (slope, start), covariance = np.polyfit(place, moved, 1, cov=True)
        for end in np.percentile(place, (5, 95)):
            one = np.array([end, 1.0])
            error = 2 * float(np.sqrt(one @ covariance @ one))
            if abs(slope * end + start) - SHARE * room > 10 * error + 0.02 * room:
                return True
    return False
