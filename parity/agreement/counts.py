"""Groups of objects that are gone, or that came from nowhere: no budget covers most of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parity.agreement.chance import at_least
from parity.agreement.findings import Finding
from parity.agreement.rows import ImageAgreement, Row
from parity.agreement.samples import size_of
from parity.suite.tolerance import Tolerance

CHANCE = 1e-3  # of one false alarm in a suite, shared by its groups
_LEAST = 1e-3  # chance of a fault, where a tolerance allows none

Group = tuple[str, Any]
Groups = dict[Group, list[tuple[bool, float]]]


def deployed_counts(
    images: Mapping[str, ImageAgreement], tolerance: Tolerance
) -> Iterator[Finding]:
    """Groups of which more than half is not deployed on the other side, beyond chance.

    Groups are all objects, those of a class, of an image, of one of COCO's sizes. By chance an
    object that scores within its limit of the threshold is gone every other time, any other one as
    often as the budget allows. Both directions: "vanished" from the candidate, "appeared" in it.
    Ties are no faults, one by one; where all of them turn one way, they are a group as well.
    """
    for code, share in (("vanished", tolerance.max_lost), ("appeared", tolerance.max_extra)):
        groups: Groups = {}
        for name, image in images.items():
            for row in image.rows:
                _count(groups, code, name, image, row, max(share, _LEAST), tolerance)
        found = list(_beyond(groups, code, more_than=0.5))
        yield from found or _one_sided(images, code)


def concentrated(
    images: Mapping[str, ImageAgreement], tolerance: Tolerance, limits: Iterable[str]
) -> Iterator[Finding]:
    """Sizes and classes that miss a limit far more often than the budget allows in all.

    A budget over all objects would hide that half of the small ones are boxed wrongly. ``limits``:
    those that hold over all objects, of "box" and "score".
    """
    if tolerance.strict:
        return
    allowed = max(1 - tolerance.min_within, _LEAST)
    for limit in limits:
        groups: Groups = {}
        for image in images.values():
            for row in image.rows:
                if not row.judged or row.reference_box is None:
                    continue
                if limit == "score" and not image.of_reference(row):
                    continue
                missed = not (row.box_within if limit == "box" else row.score_within)
                for group in _traits(row.reference_class, row.reference_box):
                    groups.setdefault(group, []).append((missed, allowed))
        for finding in _beyond(groups, "concentrated", more_than=0.0):
            yield Finding(finding.code, {**finding.facts, "limit": limit})


def _count(
    groups: Groups,
    code: str,
    name: str,
    image: ImageAgreement,
    row: Row,
    share: float,
    tolerance: Tolerance,
) -> None:
    """Add one object of the side that deploys it to its groups: whether it is gone, by chance."""
    if code == "vanished":
        here, there = image.of_reference(row), image.of_candidate(row)
        score, threshold = row.reference_score, image.reference_threshold
        label, box = row.reference_class, row.reference_box
    else:
        here, there = image.of_candidate(row), image.of_reference(row)
        score, threshold = row.candidate_score, image.candidate_threshold
        label, box = row.candidate_class, row.candidate_box
    if not here or score is None or box is None:
        return
    gone = (not there or row.flipped) and not row.tie
    chance = 0.5 if score < threshold + tolerance.max_score_diff else share
    for group in (("all", None), ("image", name), *_traits(label, box)):
        groups.setdefault(group, []).append((gone, chance))


def _one_sided(images: Mapping[str, ImageAgreement], code: str) -> Iterator[Finding]:
    """Ties that turn one way alone, which is no noise: a class, or the number of objects.

    Noise turns an object whose classes score alike every other time at most. That more than half of
    a class turns by chance is so no likelier than that as many of so many coins show heads. What
    ties add without taking as much away (a peak beside each peak) is held to coins likewise.
    """
    classes: Groups = {}
    turned = set()
    added = taken = deployed = 0
    for image in images.values():
        vanished = code == "vanished"
        deployed += image.reference_deployed
        for row in image.rows:
            here, there, label = (
                image.of_candidate(row),
                image.of_reference(row),
                row.candidate_class,
            )
            if vanished:
                here, there, label = there, here, row.reference_class
            if row.tie and not row.paired:
                added, taken = added + here, taken + there
            if here:
                gone = row.flipped or (not there and not row.tie)
                classes.setdefault(("class", label), []).append((gone, 0.5))
                turned |= {("class", label)} if row.tie and row.flipped else set()
    yield from _beyond({key: classes[key] for key in sorted(turned)}, code, more_than=0.5)
    coins = at_least(added, [0.5] * (added + taken))
    if added - taken > 0.5 * deployed and coins < CHANCE:
        total = sum(
            one.reference_deployed if vanished else one.candidate_deployed
            for one in images.values()
        )
        facts = {"group": "all", "value": None, "count": added, "total": total, "more": 0}
        yield Finding(code, facts)


def _traits(label: int | None, box: tuple[float, ...]) -> tuple[Group, Group]:
    return ("class", label), ("size", size_of(box))


def _beyond(groups: Groups, code: str, more_than: float) -> Iterator[Finding]:
    """All objects together, else the worst group of each kind and how many more there are."""
    worst: dict[str, list[tuple[float, int, int, Any]]] = {}
    for (kind, value), objects in groups.items():
        count = sum(gone for gone, _ in objects)
        if count <= more_than * len(objects):
            continue
        tail = at_least(count, [chance for _, chance in objects])
        if tail < CHANCE / len(groups):
            worst.setdefault(kind, []).append((tail, -count, len(objects), value))
    for kind in ("all",) if "all" in worst else worst:
        _, count, total, value = min(worst[kind], key=lambda one: one[:3])
        facts = {"group": kind, "value": value, "count": -count, "total": total}
        yield Finding(code, {**facts, "more": len(worst[kind]) - 1})
