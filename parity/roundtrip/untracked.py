"""Numbers that a layer keeps where its framework does not look for weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from parity.roundtrip.weights import Print

_DEEPEST = 3


def kept(
    attributes: Mapping[str, Any],
    known: set[int],
    fingerprint: Callable[[Any], Print | None],
) -> Iterator[tuple[str, Print]]:
    """Arrays in attributes, and in lists, tuples, dicts and plain objects there, by their path.

    ``fingerprint`` is None for what is no array; ``known`` are the ids of those that are saved.
    """
    for name, value in attributes.items():
        yield from _kept(name, value, known, fingerprint, 0)


def values(attributes: Mapping[str, Any], own: set[str]) -> Iterator[tuple[str, Any]]:
    """Plain numbers, words and switches in attributes and in lists and dicts there, by their path.

    ``own`` are the attributes that the framework's own base class has; TensorFlow adds its
    ``_self_`` ones when it saves.
    """
    for name, value in attributes.items():
        if name not in own and not name.startswith("_self_"):
            yield from _values(name, value, 0)


def _values(path: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float, str)):
        yield path, value
    elif depth < _DEEPEST:
        for label, item in _inside(value):
            yield from _values(f"{path}{label}", item, depth + 1)


def _kept(
    path: str,
    value: Any,
    known: set[int],
    fingerprint: Callable[[Any], Print | None],
    depth: int,
) -> Iterator[tuple[str, Print]]:
    if id(value) in known or depth > _DEEPEST:
        return
    found = fingerprint(value)
    if found is not None:
        yield path, found
        return
    for label, item in _inside(value):
        yield from _kept(f"{path}{label}", item, known, fingerprint, depth + 1)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{place}]", item) for place, item in enumerate(value))
    elif type(value).__name__ == "SimpleNamespace":
        yield from ((f".{key}", item) for key, item in vars(value).items())
