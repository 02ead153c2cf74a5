"""Findings in words: what was expected, what was found, where, and where to look.

One function a code. A code that is not known here is still told, with its facts as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from parity.agreement import Finding, Row, Share
from parity.report import numbers
from parity.report.numbers import beside, exact
from parity.report.offending import box_excess, box_text, score_excess
from parity.report.scene import Place, Scene
from parity.report.text import class_name, printable

Facts = dict[str, Any]


def sentence(finding: Finding, scene: Scene) -> str:
    """One finding in one line, its code first."""
    words = _WORDS.get(finding.code, _unknown)
    try:
        text = words(finding.facts, scene)
    except (KeyError, TypeError, ValueError):  # the facts of another version of parity
        text = _unknown(finding.facts, scene)
    return f"{printable(finding.code)}: {text}"


def advice(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Where to look, once for each code that says it."""
    codes = dict.fromkeys(finding.code for finding in findings)
    return tuple(_LOOK[code] for code in codes if code in _LOOK)


def _unknown(facts: Facts, scene: Scene) -> str:
    listed = ", ".join(f"{key} = {value}" for key, value in facts.items())
    return printable(listed) or "no further facts"


def _amount(facts: Facts, total: int, noun: str, whose: str = "") -> str:
    """ "3 of 412 pairs (0.73 %, allowed 1 %)" for a budget, "3 of 12 pairs" for one image."""
    if not facts.get("share"):
        return f"{facts['count']} of {numbers.counted(total, noun)}{whose}"
    share = Share("", "", facts["count"], facts["total"], facts["allowed"])
    used = numbers.percent(share.used, share.allowed)
    every = numbers.counted(share.total, noun)
    return f"{share.count} of {every}{whose} ({used}, {numbers.allowed(share)})"


def _group(facts: Facts, scene: Scene) -> str:
    """The objects that a finding is of: "washers", "image images/a.png", "small objects"."""
    if "image" in facts:
        return f" in {printable(facts['image'])}"
    if "class" in facts:
        return f" of class {class_name(facts['class'], scene.classes)}"
    return ""


def _none(facts: Facts) -> str:
    return "" if facts.get("share") else ", none allowed"


def _where(place: Place, scene: Scene) -> str:
    row = place.row
    label = class_name(
        row.candidate_class if row.reference_class is None else row.reference_class, scene.classes
    )
    image = f" in {printable(place.image)}" if place.image else ""
    box = box_text(row.reference_box or row.candidate_box).replace(" ", ",")
    return f"{label} at [{box}]{image}"


def _score(row: Row) -> float:
    return max(row.reference_score or 0.0, row.candidate_score or 0.0)


def _surest(places: list[Place], scene: Scene) -> str:
    if not places:
        return ""
    best = max(places, key=lambda one: _score(one.row))
    return f"; the surest scores {_score(best.row):.3f}: {_where(best, scene)}"


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


def _lost(facts: Facts, scene: Scene) -> str:
    places = scene.leftovers("lost")
    amount = _amount(facts, scene.deployed("reference"), "detection", " of the reference")
    return (
        f"{amount} without a partner in the candidate{_none(facts)}"
        f"{_thresholds(places, 'reference', 'candidate')}{_surest(places, scene)}"
    )


def _extra(facts: Facts, scene: Scene) -> str:
    places = scene.leftovers("extra")
    amount = _amount(facts, scene.deployed("candidate"), "detection", " of the candidate")
    return (
        f"{amount} without a partner in the reference{_none(facts)}"
        f"{_thresholds(places, 'candidate', 'reference')}{_surest(places, scene)}"
    )


def _box(facts: Facts, scene: Scene) -> str:
    limits = scene.tolerance
    amount = _amount(facts, len(scene.pairs), "pair")
    text = (
        f"{amount} beyond the box limit{_none(facts)}: expected IoU at least "
        f"{exact(limits.min_box_iou)} or every corner within {exact(limits.max_corner_px)} px of "
        f"the network's input"
    )
    off = [one for one in scene.pairs if not one.row.box_within]
    if not off:
        return text
    worst = max(off, key=lambda one: box_excess(one.row, limits))
    overlap = beside(worst.row.iou or 0.0, limits.min_box_iou)
    corner = beside(worst.row.corner or 0.0, limits.max_corner_px)
    return f"{text}; the worst has IoU {overlap} and {corner} px: {_where(worst, scene)}"


def _score_limit(facts: Facts, scene: Scene) -> str:
    pairs = scene.pairs
    whose = ""
    if facts.get("share"):
        pairs = [one for one in pairs if one.agreement.of_reference(one.row)]
        whose = " that the reference deploys"
    text = _amount(facts, len(pairs), "pair", whose)
    return _scores_apart(text, facts, pairs, scene)


def _risen(facts: Facts, scene: Scene) -> str:
    pairs = [one for one in scene.pairs if not one.agreement.of_reference(one.row)]
    amount = _amount(facts, scene.deployed("candidate"), "detection", " of the candidate")
    text = f"{amount} that the reference sees below its threshold,"
    return _scores_apart(text, facts, pairs, scene)


def _scores_apart(text: str, facts: Facts, pairs: list[Place], scene: Scene) -> str:
    limit = scene.tolerance.max_score_diff
    text = f"{text} whose scores differ by more than {exact(limit)}{_none(facts)}"
    off = [one for one in pairs if not one.row.score_within]
    if not off:
        return text
    worst = max(off, key=lambda one: score_excess(one.row, scene.tolerance))
    difference = beside(abs(worst.row.score_diff or 0.0), limit)
    return f"{text}; the worst by {difference}: {_where(worst, scene)}"


def _class(facts: Facts, scene: Scene) -> str:
    amount = _amount(facts, len(scene.pairs), "pair")
    text = f"{amount} with another class{_none(facts)}"
    off = [one for one in scene.pairs if one.row.flipped]
    if not off:
        return text
    worst = max(off, key=lambda one: _score(one.row))
    found = class_name(worst.row.candidate_class, scene.classes)
    return (
        f"{text}; the surest scores {_score(worst.row):.3f}: {_where(worst, scene)} became {found}"
    )


def _excused(facts: Facts, scene: Scene) -> str:
    total = scene.deployed("reference") + scene.deployed("candidate")
    amount = _amount(facts, total, "detection", " of both sides")
    places = scene.reason("excused")
    return (
        f"{amount} were found by the other side too, but likely removed there on a tie of NMS"
        f"{_none(facts)}{_surest(places, scene)}"
    )


def _unjudgeable(facts: Facts, scene: Scene) -> str:
    total = scene.deployed("reference") + scene.deployed("candidate")
    amount = _amount(facts, total, "detection", " of both sides")
    places = scene.reason("unjudgeable")
    text = f"{amount} cannot be judged{_none(facts)}"
    if places:
        side = "candidate" if places[0].row.kind == "lost" else "reference"
        floor = getattr(places[0].agreement, f"{side}_floor")
        needed = getattr(places[0].agreement, f"{side}_threshold") - scene.tolerance.band
        text += (
            f": the {side} shows nothing below a score of {exact(floor)}, expected down to "
            f"{exact(round(needed, 12))} (threshold minus band)"
        )
    return text + _surest(places, scene)


def _empty(facts: Facts, scene: Scene) -> str:
    empty = facts["empty"]
    full = "reference" if empty == "candidate" else "candidate"
    return (
        f"the {empty} sees nothing at all where the {full} has {facts['count']} "
        f"detection{'s' if facts['count'] != 1 else ''}, the surest scores {facts['best']:.3f}"
    )


def _vanished(facts: Facts, scene: Scene) -> str:
    return (
        f"{_of_group(facts, scene)}: {facts['count']} of {facts['total']} detections of the "
        f"reference are not deployed as such by the candidate; no budget covers more than half of "
        f"a group"
    )


def _appeared(facts: Facts, scene: Scene) -> str:
    return (
        f"{_of_group(facts, scene)}: {facts['count']} of {facts['total']} detections of the "
        f"candidate are not deployed as such by the reference; no budget covers more than half of "
        f"a group"
    )


def _concentrated(facts: Facts, scene: Scene) -> str:
    return (
        f"{_of_group(facts, scene)}: {facts['count']} of {facts['total']} pairs miss the "
        f"{facts['limit']} limit, far more often than min_within = "
        f"{exact(scene.tolerance.min_within)} allows of any group"
    )


def _of_group(facts: Facts, scene: Scene) -> str:
    kind, value = facts["group"], facts["value"]
    if kind == "class":
        return f"class {class_name(value, scene.classes)}"
    if kind == "image":
        return printable(value)
    return "all objects" if kind == "all" else f"{value} objects"


def _bias(facts: Facts, scene: Scene) -> str:
    allowed, pairs = facts["allowed"], facts["pairs"]
    side = f"{facts['side']} of the boxes{_group(facts, scene)}"
    covers = "no budget covers a shift that boxes share"
    if "at" in facts:
        shift = numbers.signed(facts["shift"], allowed)
        at = numbers.number(facts["at"], 3)
        return (
            f"{side} is off by {shift} px of the network's input at {at} px, along a line through "
            f"{pairs} pairs, allowed {numbers.number(allowed, 3)} px either way; {covers}"
        )
    shift = numbers.signed(facts["median"], allowed)
    return (
        f"{side} is off by {shift} px of the network's input in the median of {pairs} pairs, "
        f"allowed {numbers.number(allowed, 3)} px either way; {covers}"
    )


def _score_bias(facts: Facts, scene: Scene) -> str:
    allowed, pairs = facts["allowed"], facts["pairs"]
    whose = f"scores{_group(facts, scene)}"
    covers = "no budget covers a difference that scores share"
    if "at" in facts:
        shift = numbers.signed(facts["shift"], allowed)
        return (
            f"{whose} are off by {shift} at a score of {numbers.number(facts['at'], 3)}, along a "
            f"line through {pairs} pairs, allowed {exact(allowed)} either way; {covers}"
        )
    shift = numbers.signed(facts["median"], allowed)
    return (
        f"{whose} are off by {shift} in the median of {pairs} pairs, allowed {exact(allowed)} "
        f"either way; {covers}"
    )


def _settings(facts: Facts, scene: Scene) -> str:
    return (
        f"the candidate's own settings change {facts['count']} detections where they choose among "
        f"the reference's proposals: expected {printable(facts['reference'])}, found "
        f"{printable(facts['candidate'])}; no budget covers other settings"
    )


def _below_a_pixel(facts: Facts, scene: Scene) -> str:
    return (
        f"{facts['count']} of {facts['total']} pairs lie apart, and no box has a side of a pixel "
        f"of the network's input, the longest has {facts['largest']:.3g}: their corners say nothing"
    )


def _nothing(facts: Facts, scene: Scene) -> str:
    return (
        f"expected a detection in at least one of {facts['images']} images, found none on either "
        f"side: nothing was compared"
    )


def _no_image(facts: Facts, scene: Scene) -> str:
    return "expected at least one image that can be compared, found none"


def _nonfinite(facts: Facts, scene: Scene) -> str:
    nan, infinite = facts["nan"], facts["count"] - facts["nan"]
    return (
        f"head {printable(facts['head'])} of the {facts['side']}: expected finite numbers, found "
        f"{nan} NaN and {infinite} infinite among {facts['total']}"
    )


def _shape(facts: Facts, scene: Scene) -> str:
    expected, found = (_dimensions(facts[side]) for side in ("reference", "candidate"))
    return (
        f"head {printable(facts['head'])}: expected {expected} as in the reference, found {found}; "
        f"unequal shapes are never compared"
    )


def _dimensions(shape: Iterable[int]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _constant(facts: Facts, scene: Scene) -> str:
    more = f", more than one quantisation step ({numbers.number(facts['step'])})"
    return (
        f"head {printable(facts['head'])}: expected values that vary by "
        f"{numbers.number(facts['variation'], 3)} as in the reference"
        f"{more if facts['step'] else ''}, found {numbers.number(facts['value'], 3)} everywhere"
    )


def _wrapped(facts: Facts, scene: Scene) -> str:
    return (
        f"head {printable(facts['head'])}: {facts['count']} of {facts['total']} values are off by "
        f"256 quantisation steps: int8 read as uint8 (or the reverse), or wrapped around"
    )


def _one_sided(facts: Facts, scene: Scene) -> str:
    side = facts["side"]
    other = "candidate" if side == "reference" else "reference"
    return (
        f"head {printable(facts['head'])}: expected on both sides, found only in the {side}; the "
        f"{other} has no output of that name"
    )


_WORDS: dict[str, Callable[[Facts, Scene], str]] = {
    "lost": _lost,
    "extra": _extra,
    "box": _box,
    "score": _score_limit,
    "class": _class,
    "excused": _excused,
    "unjudgeable": _unjudgeable,
    "empty": _empty,
    "risen": _risen,
    "settings": _settings,
    "vanished": _vanished,
    "appeared": _appeared,
    "concentrated": _concentrated,
    "bias": _bias,
    "score-bias": _score_bias,
    "below-a-pixel": _below_a_pixel,
    "nothing-detected": _nothing,
    "no-image": _no_image,
    "nonfinite": _nonfinite,
    "shape": _shape,
    "constant-head": _constant,
    "wrap-around": _wrapped,
    "one-sided": _one_sided,
}

_LOOK = {
    "class": "do both sides have the same list of classes and the same background column?",
    "excused": (
        "a tie of NMS inside the network can only be likely: allow some with max_excused in a "
        "tolerance of your own, or export the heads before NMS, where ties are proven"
    ),
    "unjudgeable": (
        "lower the score threshold that is baked into the model or the dump (score_floor) to "
        "threshold - band, or use a tolerance with a narrower band"
    ),
    "empty": (
        "compare score_threshold, decode.*.activation (applied twice, or never?) and preprocess"
    ),
    "vanished": (
        "is a class's score column read where it was written (order of classes, background), and "
        "do the representative images of the quantiser show these objects?"
    ),
    "settings": (
        "declare the reference's settings for this runtime, or say settings = 'deliberate' there "
        "if it is meant to be deployed with others"
    ),
    "bias": (
        "compare the resize kernel, the place and size of letterbox padding, and the priors; a "
        "quantised box head with too coarse a step shifts boxes too"
    ),
    "score-bias": (
        "compare the activation and its place, and the scale and zero point of the score head"
    ),
    "below-a-pixel": "are boxes relative to the input read as pixels? look at decode.*.normalized",
    "nothing-detected": "use images that show the classes, or lower score_threshold",
    "no-image": "see why each image could not be judged",
    "nonfinite": (
        "float16 overflows beyond 65504, and a division by 0 gives NaN: look at the last layers, "
        "or keep the head in float32"
    ),
    "shape": "bind the heads by name: outputs = { boxes = ..., scores = ... } of the runtime",
    "constant-head": (
        "the quantiser gave the head too wide a range, or boxes and scores share one scale: check "
        "the representative images, or keep the head in float"
    ),
    "wrap-around": "check the dtype that the deployed program reads the output as",
    "one-sided": "bind the heads by name: outputs = { ... } of the runtime",
}
