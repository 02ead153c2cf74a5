"""Raw heads that cannot be compared, or whose numbers cannot be right."""

from __future__ import annotations

from collections.abc import Iterable

from parity.report import numbers
from parity.report.messages.scene import Scene
from parity.report.messages.wording.phrases import Facts, Words
from parity.report.text import printable

_LEAST_STEP = 1e-30  # floats have none that means anything


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
    flat = f", more than the {numbers.number(facts['step'])} that may be flattened"
    return (
        f"head {printable(facts['head'])}: expected values that vary by "
        f"{numbers.number(facts['variation'], 3)} as in the reference"
        f"{flat if facts['step'] > _LEAST_STEP else ''}, found "
        f"{numbers.number(facts['value'], 3)} everywhere, on all images"
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


WORDS = {
    "nonfinite": Words(
        _nonfinite,
        "float16 overflows beyond 65504, and a division by 0 gives NaN: look at the last layers, "
        "or keep the head in float32",
    ),
    "shape": Words(
        _shape, "bind the heads by name: outputs = { boxes = ..., scores = ... } of the runtime"
    ),
    "constant-head": Words(
        _constant,
        "the quantiser gave the head too wide a range, or boxes and scores share one scale: check "
        "the representative images, or keep the head in float",
    ),
    "wrap-around": Words(_wrapped, "check the dtype that the deployed program reads the output as"),
    "one-sided": Words(_one_sided, "bind the heads by name: outputs = { ... } of the runtime"),
}
