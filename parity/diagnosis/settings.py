"""Declared differences between a runtime and the reference, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.suite import Runtime, Suite


def settings_notes(suite: Suite, runtime: Runtime) -> tuple[str, ...]:
    """Each setting of preprocess and decode that differs from what the reference declares."""
    reference = suite.runtimes[suite.reference]
    found: list[str] = []
    for table, ours, theirs in (
        ("preprocess", reference.recipe, runtime.recipe),
        ("decode", reference.decode, runtime.decode),
    ):
        before = ours.model_dump(mode="json", by_alias=True)
        after = theirs.model_dump(mode="json", by_alias=True)
        found += [
            f"{table}.{key} is declared as {new!r}, the reference {reference.name} has {old!r}"
            for key, old, new in _changed(before, after)
        ]
    return tuple(found)


def _changed(
    before: dict[str, Any], after: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted(set(before) | set(after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changed(old, new, f"{path}{key}.")
        else:
            yield f"{path}{key}", old, new
