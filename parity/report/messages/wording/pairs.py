"""Pairs that miss a limit, and detections that are left over."""

from __future__ import annotations

from parity.report.messages.offending import box_excess, score_excess
from parity.report.messages.scene import Place, Scene
from parity.report.messages.wording.phrases import (
    Facts,
    Words,
    how_many,
    none,
    score,
    surest,
    where,
)
from parity.report.numbers import beside, exact
from parity.report.text import class_name


def _lost(facts: Facts, scene: Scene) -> str:
    amount = how_many(facts, scene.deployed("reference"), "detection", " of the reference")
    return f"{amount} without a partner in the candidate{_left(facts, scene, 'lost')}"


def _extra(facts: Facts, scene: Scene) -> str:
    amount = how_many(facts, scene.deployed("candidate"), "detection", " of the candidate")
    return f"{amount} without a partner in the reference{_left(facts, scene, 'extra')}"


def _left(facts: Facts, scene: Scene, kind: str) -> str:
    """What is known of leftovers: whether the other side saw them, and which is the surest."""
    places = scene.leftovers(kind)
    sides = ("reference", "candidate") if kind == "lost" else ("candidate", "reference")
    seen = _thresholds(places, *sides) + _beyond_band(places, sides[1], scene)
    return f"{none(facts)}{seen}{surest(places, scene)}"


def _thresholds(places: list[Place], here: str, there: str) -> str:
    """Leftovers which the other side saw, but deploys only from a higher threshold."""
    seen = [one for one in places if one.row.reason == "threshold"]
    if not seen:
        return ""
    first = seen[0].agreement
    ours, theirs = getattr(first, f"{here}_threshold"), getattr(first, f"{there}_threshold")
    return (
        f"; {len(seen)} of them the {there} sees below its own score threshold "
        f"({exact(theirs)}, the {here}'s is {exact(ours)})"
    )


def _beyond_band(places: list[Place], there: str, scene: Scene) -> str:
    """Leftovers which the other side saw with far too low a score."""
    seen = sum(one.row.reason == "beyond-band" for one in places)
    if not seen:
        return ""
    band = exact(scene.tolerance.band)
    return f"; {seen} of them the {there} sees with a score lower by more than the band ({band})"


def _box(facts: Facts, scene: Scene) -> str:
    limits = scene.tolerance
    amount = how_many(facts, len(scene.pairs), "pair")
    text = (
        f"{amount} beyond the box limit{none(facts)}: expected IoU at least "
        f"{exact(limits.min_box_iou)} or every corner within {exact(limits.max_corner_px)} px of "
        f"the network's input"
    )
    off = [one for one in scene.pairs if not one.row.box_within]
    if not off:
        return text
    worst = max(off, key=lambda one: box_excess(one.row, limits))
    overlap = beside(worst.row.iou or 0.0, limits.min_box_iou)
    corner = beside(worst.row.corner or 0.0, limits.max_corner_px)
    return f"{text}; the worst has IoU {overlap} and {corner} px: {where(worst, scene)}"


def _score_limit(facts: Facts, scene: Scene) -> str:
    pairs = scene.pairs
    whose = ""
    if facts.get("share"):
        pairs = [one for one in pairs if one.agreement.of_reference(one.row)]
        whose = " that the reference deploys"
    return (
        f"{how_many(facts, len(pairs), 'pair', whose)} whose scores differ by more than "
        f"{exact(scene.tolerance.max_score_diff)}{none(facts)}{_worst_score(pairs, scene)}"
    )


def _risen(facts: Facts, scene: Scene) -> str:
    pairs = [one for one in scene.pairs if not one.agreement.of_reference(one.row)]
    return (
        f"{how_many(facts, scene.deployed('candidate'), 'detection', ' of the candidate')} have "
        f"risen from below the reference's threshold by more than "
        f"{exact(scene.tolerance.max_score_diff)}{none(facts)}{_worst_score(pairs, scene)}"
    )


def _worst_score(pairs: list[Place], scene: Scene) -> str:
    off = [one for one in pairs if not one.row.score_within]
    if not off:
        return ""
    worst = max(off, key=lambda one: score_excess(one.row, scene.tolerance))
    difference = beside(abs(worst.row.score_diff or 0.0), scene.tolerance.max_score_diff)
    return f"; the worst by {difference}: {where(worst, scene)}"


def _class(facts: Facts, scene: Scene) -> str:
    amount = how_many(facts, len(scene.pairs), "pair")
    text = f"{amount} with another class{none(facts)}"
    off = [one for one in scene.pairs if one.row.flipped]
    if not off:
        return text
    worst = max(off, key=lambda one: score(one.row))
    found = class_name(worst.row.candidate_class, scene.classes)
    return f"{text}; the surest scores {score(worst.row):.3f}: {where(worst, scene)} became {found}"


def _excused(facts: Facts, scene: Scene) -> str:
    total = scene.deployed("reference") + scene.deployed("candidate")
    amount = how_many(facts, total, "detection", " of both sides")
    places = scene.reason("excused")
    return (
        f"{amount} were found by the other side too, but likely removed there on a tie of NMS"
        f"{none(facts)}{surest(places, scene)}"
    )


def _unjudgeable(facts: Facts, scene: Scene) -> str:
    total = scene.deployed("reference") + scene.deployed("candidate")
    amount = how_many(facts, total, "detection", " of both sides")
    places = scene.reason("unjudgeable")
    text = f"{amount} cannot be judged{none(facts)}"
    if places:
        side = "candidate" if places[0].row.kind == "lost" else "reference"
        floor = getattr(places[0].agreement, f"{side}_floor")
        needed = getattr(places[0].agreement, f"{side}_threshold") - scene.tolerance.band
        text += (
            f": the {side} shows nothing below a score of {exact(floor)}, expected down to "
            f"{exact(round(needed, 12))} (threshold minus band)"
        )
    return text + surest(places, scene)


def _empty(facts: Facts, scene: Scene) -> str:
    empty = facts["empty"]
    full = "reference" if empty == "candidate" else "candidate"
    return (
        f"the {empty} sees nothing at all where the {full} has {facts['count']} "
        f"detection{'s' if facts['count'] != 1 else ''}, the surest scores {facts['best']:.3f}"
    )


def _below_a_pixel(facts: Facts, scene: Scene) -> str:
    return (
        f"{facts['count']} of {facts['total']} pairs lie apart, and no box has a side of a pixel "
        f"of the network's input, the longest has {facts['largest']:.3g}: their corners say nothing"
    )


WORDS = {
    "lost": Words(_lost),
    "extra": Words(_extra),
    "box": Words(_box),
    "score": Words(_score_limit),
    "risen": Words(_risen),
    "class": Words(
        _class, "do both sides have the same list of classes and the same background column?"
    ),
    "excused": Words(
        _excused,
        "a tie of NMS inside the network can only be likely: allow some with max_excused in a "
        "tolerance of your own, or export the heads before NMS, where ties are proven",
    ),
    "unjudgeable": Words(
        _unjudgeable,
        "lower the score threshold that is baked into the model or the dump (score_floor) to "
        "threshold - band, or use a tolerance with a narrower band",
    ),
    "empty": Words(
        _empty,
        "compare score_threshold, decode.*.activation (applied twice, or never?) and preprocess",
    ),
    "below-a-pixel": Words(
        _below_a_pixel,
        "are boxes relative to the input read as pixels? look at decode.*.normalized",
    ),
}
