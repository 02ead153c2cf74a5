"""Parts of sentences that findings share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from parity.agreement import Row, Share
from parity.report import numbers
from parity.report.messages.offending import box_text
from parity.report.messages.scene import Place, Scene
from parity.report.text import class_name, printable

Facts = dict[str, Any]


class Words(NamedTuple):
    """How a code is told, and where to look for its cause ("": nowhere in particular)."""

    say: Callable[[Facts, Scene], str]
    look: str = ""


def how_many(facts: Facts, total: int, noun: str, whose: str = "") -> str:
    """ "3 of 412 pairs (0.73 %, allowed 1 %)" for a budget, "3 of 12 pairs" for one image."""
    if not facts.get("share"):
        return f"{facts['count']} of {numbers.counted(total, noun)}{whose}"
    share = Share("", "", facts["count"], facts["total"], facts["allowed"])
    used = numbers.percent(share.used, share.allowed)
    every = numbers.counted(share.total, noun)
    return f"{share.count} of {every}{whose} ({used}, {numbers.allowed(share)})"


def none(facts: Facts) -> str:
    """Where nothing is allowed, and no budget says so already."""
    return "" if facts.get("share") else ", none allowed"


def where(place: Place, scene: Scene) -> str:
    """A class, a box and the image."""
    row = place.row
    label = class_name(
        row.candidate_class if row.reference_class is None else row.reference_class, scene.classes
    )
    image = f" in {printable(place.image)}" if place.image else ""
    box = box_text(row.reference_box or row.candidate_box).replace(" ", ",")
    return f"{label} at [{box}]{image}"


def score(row: Row) -> float:
    """The higher score of both sides."""
    return max(row.reference_score or 0.0, row.candidate_score or 0.0)


def surest(places: list[Place], scene: Scene) -> str:
    """The object with the highest score."""
    if not places:
        return ""
    best = max(places, key=lambda one: score(one.row))
    return f"; the surest scores {score(best.row):.3f}: {where(best, scene)}"
