"""Groups of objects that are gone, or that came from nowhere: no budget covers most of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    A tie is no fault; that ties turn most of a class into others is the loss of that class.
    """
    for code, share in (("vanished", tolerance.max_lost), ("appeared", tolerance.max_extra)):
        groups: Groups = {}
        for name, image in images.items():
            for row in image.rows:
                _count(groups, code, name, image, row, max(share, _LEAST), tolerance)
        found = list(_beyond(groups, code, more_than=0.5))
        yield from found or _turned(images, code)


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


@dataclass(frozen=True)
class _Object:
    """What one side deploys of a row, and whether the other side deploys something there too."""

    score: float
    threshold: float
    label: int | None
    box: tuple[float, ...]
    there: bool


def _object(code: str, image: ImageAgreement, row: Row) -> _Object | None:
    """The reference's object for "vanished", the candidate's for "appeared"; None without one."""
    here, there = image.of_reference(row), image.of_candidate(row)
    score, threshold = row.reference_score, image.reference_threshold
    label, box = row.reference_class, row.reference_box
    if code == "appeared":
        here, there = there, here
        score, threshold = row.candidate_score, image.candidate_threshold
        label, box = row.candidate_class, row.candidate_box
    if not here or score is None or box is None:
        return None
    return _Object(score, threshold, label, box, there)


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
    one = _object(code, image, row)
    if one is None:
        return
    gone = (not one.there or row.flipped) and not row.tie
    chance = 0.5 if one.score < one.threshold + tolerance.max_score_diff else share
    for group in (("all", None), ("image", name), *_traits(one.label, one.box)):
        groups.setdefault(group, []).append((gone, chance))


def _turned(images: Mapping[str, ImageAgreement], code: str) -> Iterator[Finding]:
    """Classes that lose ties of two classes of one row, nearly every time.

    Noise turns an object whose classes score alike every other time at most. That more than half of
    a class turns by chance is so no likelier than that as many of so many coins show heads.
    """
    classes: Groups = {}
    turned: Groups = {}
    for image in images.values():
        for row in image.rows:
            one = _object(code, image, row)
            if one is None:
                continue
            objects = classes.setdefault(("class", one.label), [])
            objects.append((row.flipped or (not one.there and not row.tie), 0.5))
            if row.tie and row.flipped:
                turned["class", one.label] = objects
    yield from _beyond(turned, code, more_than=0.5)


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
