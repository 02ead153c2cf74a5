"""How far the inputs differ, in words: told before any box, because boxes follow from pixels."""

from __future__ import annotations

from collections.abc import Sequence

from parity.agreement import InputDifference
from parity.agreement.inputs import STEPS
from parity.record import ImageRecord, RuntimeRecord
from parity.report import numbers
from parity.report.text import printable


def inputs_text(runtime: RuntimeRecord) -> str:
    """One sentence about all images; "" where the recipes are the same."""
    found = runtime.inputs
    if found is None:
        return ""
    every = f"{found.images} image{'s' if found.images != 1 else ''}"
    why = _declared(runtime.recipe_keys)
    if not found.differ:
        return f"the inputs are the reference's on {every}, although {why}"
    text = f"the inputs differ on {found.differ} of {every}, as {why}: "
    if found.resized:
        sizes = f"in size on {found.resized} of them, "
        return f"{text}{sizes}{_shapes(found.worst)} on {printable(found.worst_image)}"
    mean = f"{numbers.number(found.mean_abs or 0.0)} ({_steps(found.mean_share)})"
    text += _rescaled(runtime.recipe_keys)
    return (
        f"{text}{_largest(found.worst)}, by {mean} in the mean; the worst is "
        f"{printable(found.worst_image)}, {_pixels(found.worst)}"
    )


def input_text(image: ImageRecord, keys: Sequence[str]) -> str:
    """One sentence about one image; "" where the recipes are the same."""
    found = image.inputs
    if found is None:
        return ""
    why = _declared(keys)
    if found.same:
        return f"the input is the reference's, although {why}"
    if found.max_abs is None:
        return f"the input differs in size, as {why}: {_shapes(found)}"
    mean = f"{numbers.number(found.mean_abs or 0.0)} ({_steps(found.mean_share)})"
    return (
        f"the input differs, as {why}: {_rescaled(keys)}{_largest(found)}, by {mean} in the mean, "
        f"{_pixels(found)}"
    )


def _declared(keys: Sequence[str]) -> str:
    names = ", ".join(map(printable, keys)) or "preprocess"
    return f"{names} {'are' if len(keys) > 1 else 'is'} declared otherwise"


def _rescaled(keys: Sequence[str]) -> str:
    return "the same pixels on another scale, " if keys and set(keys) <= _SCALES else ""


_SCALES = {"preprocess.range", "preprocess.mean", "preprocess.std"}


def _largest(found: InputDifference) -> str:
    text = f"by up to {numbers.number(found.max_abs or 0.0)} ({_steps(found.max_share)})"
    return f"{text} and {found.nonfinite} values that are not finite" if found.nonfinite else text


def _steps(share: float | None) -> str:
    """A share of the value range: "12 of 255 pixel steps, 4.7 % of the range".

    Beyond the whole range the two are not on one scale, and steps mean nothing.
    """
    value = share or 0.0
    if value > 1.0:
        return f"{numbers.number(value)} times the range of the reference"
    return (
        f"{numbers.number(value * STEPS)} of 255 pixel steps, "
        f"{numbers.number(100 * value)} % of the range"
    )


def _pixels(found: InputDifference) -> str:
    return f"where {numbers.number(100 * (found.differing or 0.0))} % of the pixels differ"


def _shapes(found: InputDifference) -> str:
    ours, theirs = (
        "x".join(map(str, shape)) for shape in (found.reference_shape, found.candidate_shape)
    )
    return f"{theirs} in the place of {ours}"
