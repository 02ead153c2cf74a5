"""What objects share, other settings, and suites in which nothing was compared."""

from __future__ import annotations

from parity.report import numbers
from parity.report.messages.scene import Scene
from parity.report.messages.wording.phrases import Facts, Words
from parity.report.numbers import exact
from parity.report.text import class_name, printable


def _settings(facts: Facts, scene: Scene) -> str:
    verb = "comes or goes" if facts["count"] == 1 else "come or go"
    return (
        f"{numbers.counted(facts['count'], 'detection')} {verb} where the candidate's settings "
        f"choose among the reference's own proposals: expected {printable(facts['reference'])}, "
        f"found {printable(facts['candidate'])}; no budget covers other settings"
    )


def _vanished(facts: Facts, scene: Scene) -> str:
    return _half_gone(facts, scene, "reference", "candidate")


def _appeared(facts: Facts, scene: Scene) -> str:
    return _half_gone(facts, scene, "candidate", "reference")


def _half_gone(facts: Facts, scene: Scene, here: str, there: str) -> str:
    return (
        f"{_group(facts, scene)}: the {there} does not deploy {facts['count']} of "
        f"{numbers.counted(facts['total'], 'detection')} of the {here}, or not as that class; no "
        f"budget covers more than half of a group{_more(facts, facts['group'])}"
    )


def _concentrated(facts: Facts, scene: Scene) -> str:
    least = scene.tolerance.min_within
    missed = numbers.percent(facts["count"] / facts["total"], 1 - least)
    return (
        f"{_group(facts, scene)}: {facts['count']} of {numbers.counted(facts['total'], 'pair')} "
        f"miss the {facts['limit']} limit ({missed}), allowed {numbers.percent(1 - least)} of any "
        f"class or size (min_within = {exact(least)}), and chance does not explain it"
        f"{_more(facts, facts['group'])}"
    )


def _group(facts: Facts, scene: Scene) -> str:
    """The objects that a finding is of: "class bolt", "small objects"."""
    kind, value = facts["group"], facts["value"]
    if kind == "class":
        return f"class {class_name(value, scene.classes)}"
    if kind == "image":
        return printable(value)
    return "all objects" if kind == "all" else f"{value} objects"


def _more(facts: Facts, kind: str) -> str:
    """How many other groups of the kind have the same fault."""
    more = facts.get("more", 0)
    if not more:
        return ""
    plural = {"class": "classes"}.get(kind, f"{kind}s")
    return f"; the same of {more} more {kind if more == 1 else plural}"


def _bias(facts: Facts, scene: Scene) -> str:
    side, allowed = facts["side"], numbers.number(facts["allowed"], 3)
    where = "in the median of"
    if "at" in facts:
        where = f"at {side} = {numbers.number(facts['at'], 3)} px on a line through"
    return (
        f"{side} of the boxes{_shared_by(facts, scene)} is off by {_shift(facts)} px of the "
        f"network's input {where} {facts['pairs']} pairs, allowed {allowed} px either way; no "
        f"budget covers a shift that boxes share{_more(facts, _kind(facts))}"
    )


def _score_bias(facts: Facts, scene: Scene) -> str:
    where = "in the median of"
    if "at" in facts:
        where = f"at a score of {numbers.number(facts['at'], 3)} on a line through"
    return (
        f"scores{_shared_by(facts, scene)} are off by {_shift(facts)} {where} {facts['pairs']} "
        f"pairs, allowed {exact(facts['allowed'])} either way; no budget covers a difference that "
        f"scores share{_more(facts, _kind(facts))}"
    )


def _shift(facts: Facts) -> str:
    return numbers.signed(facts["shift"] if "at" in facts else facts["median"], facts["allowed"])


def _kind(facts: Facts) -> str:
    return "image" if "image" in facts else "class"


def _shared_by(facts: Facts, scene: Scene) -> str:
    if "image" in facts:
        return f" in {printable(facts['image'])}"
    if "class" in facts:
        return f" of class {class_name(facts['class'], scene.classes)}"
    return ""


def _nothing(facts: Facts, scene: Scene) -> str:
    return (
        f"expected a detection in at least one of {facts['images']} images, found none on either "
        f"side: nothing was compared"
    )


def _no_image(facts: Facts, scene: Scene) -> str:
    return "expected at least one image that can be compared, found none"


_GONE = (
    "is the score column of each class read where it was written (order of classes, background), "
    "and do the representative images of the quantiser show these objects?"
)
WORDS = {
    "settings": Words(
        _settings,
        "declare the reference's settings for this runtime, or say settings = 'deliberate' there "
        "if it is meant to be deployed with others",
    ),
    "vanished": Words(_vanished, _GONE),
    "appeared": Words(_appeared, _GONE),
    "concentrated": Words(
        _concentrated,
        "do the representative images of the quantiser show these objects, in their sizes?",
    ),
    "bias": Words(
        _bias,
        "compare the resize kernel, the place and size of letterbox padding, and the priors; a "
        "quantised box head with too coarse a step shifts boxes too",
    ),
    "score-bias": Words(
        _score_bias,
        "compare the activation and its place, and the scale and zero point of the score head",
    ),
    "nothing-detected": Words(
        _nothing, "use images that show the classes, or lower score_threshold"
    ),
    "no-image": Words(_no_image, "see why each image could not be judged"),
}
