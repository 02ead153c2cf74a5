"""Declared differences between a runtime and the reference, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.suite import Decode, Recipe, Runtime, Suite


def settings_notes(suite: Suite, runtime: Runtime) -> tuple[str, ...]:
    """Each setting of preprocess and decode that differs from what the reference declares."""
    reference = suite.runtimes[suite.reference]
    idle = _idle(reference, runtime)
    return tuple(
        f"{key} is declared as {new!r}, the reference {reference.name} has {old!r}"
        for key, old, new in declared(reference, runtime)
        if key not in idle
    )


def declared(before: Runtime, after: Runtime) -> Iterator[tuple[str, Any, Any]]:
    """Each key of preprocess and decode in which two runtimes differ, with both values."""
    for table, old, new in (
        ("preprocess", _recipe(before.recipe), _recipe(after.recipe)),
        ("decode", _decode(before.decode), _decode(after.decode)),
    ):
        for key, here, there in _changed(old, new):
            yield f"{table}.{key}", here, there


def _idle(reference: Runtime, runtime: Runtime) -> set[str]:
    """Settings that one of the two never uses, as another says already."""
    idle = set()
    if "none" in (reference.decode.nms, runtime.decode.nms):
        idle.add("decode.nms_iou")
    if None in (reference.decode.max_detections, runtime.decode.max_detections):
        idle.add("decode.max_detections")
    if "none" in (reference.recipe.resize, runtime.recipe.resize):
        idle |= {"preprocess.kernel", "preprocess.pad", "preprocess.pad_value", "preprocess.cast"}
    return idle


def recipe_keys(reference: Recipe, candidate: Recipe) -> tuple[str, ...]:
    """The keys of ``preprocess`` in which two recipes differ."""
    changed = _changed(_recipe(reference), _recipe(candidate))
    return tuple(f"preprocess.{key}" for key, _, _ in changed)


def _recipe(recipe: Recipe) -> dict[str, Any]:
    """What the recipe does, whether it says so or leaves it to the default."""
    if recipe.function is not None:
        return {"function": recipe.function, "decoder": recipe.decoder}
    return recipe.model_dump(mode="json") | recipe.resolved()


def _decode(decode: Decode) -> dict[str, Any]:
    return decode.model_dump(mode="json", by_alias=True)


def _changed(
    before: dict[str, Any], after: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    if not path and before.get("function") != after.get("function"):
        keys = {"function", "decoder", *_BESIDE_FUNCTION}  # what else differs follows from it
    elif not path and before.get("family") != after.get("family"):
        keys = {"family", *_BESIDE_FUNCTION}  # each has a table of its own
    else:
        keys = set(before) | set(after)
    for key in sorted(keys & (set(before) | set(after))):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changed(old, new, f"{path}{key}.")
        else:
            yield f"{path}{key}", old, new


_BESIDE_FUNCTION = ("score_threshold", "score_floor", "nms_iou", "nms", "max_detections", "clip")
