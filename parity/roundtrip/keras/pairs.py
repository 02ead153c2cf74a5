"""Layers of two Keras models side by side, and what their configurations differ in."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from parity.record.roundtrip import Loss

_SAME = "<something that no file holds>"


def layers(model: Any) -> list[Any]:
    """Every layer of a model, also inside others."""
    return list(model._flatten_layers(include_self=False))


def is_custom(layer: Any) -> bool:
    """Whether a layer or operation is not Keras' own."""
    return type(layer).__module__.partition(".")[0] != "keras"


def paired(ours: Any, theirs: Any) -> Iterator[tuple[Any, Any | None]]:
    """Each layer with that of the other model at the same place, None where there is none.

    A name pairs layers that lie in the same one. Keras names what bears none by a number that it
    counts up for as long as the process lives, so the others are paired by class and order.
    """
    yield from _paired(ours, theirs, set())


def _paired(ours: Any, theirs: Any, seen: set[int]) -> Iterator[tuple[Any, Any | None]]:
    mine, others = list(ours._layers), list(theirs._layers)
    counts = Counter(one.name for one in others)
    by_name = {(one.name, type(one)): one for one in others if counts[one.name] == 1}
    taken = {id(one): by_name[key] for one in mine if (key := (one.name, type(one))) in by_name}
    used = {id(one) for one in taken.values()}
    rest: defaultdict[type, deque[Any]] = defaultdict(deque)
    for one in others:
        if id(one) not in used:
            rest[type(one)].append(one)
    for one in mine:
        if id(one) in seen:
            continue
        seen.add(id(one))
        left = rest[type(one)]
        mate = taken.get(id(one)) or (left.popleft() if left else None)
        yield one, mate
        if mate is not None:
            yield from _paired(one, mate, seen)


def differing(ours: Any, theirs: Any) -> Iterator[Loss]:
    """Keys of a layer's configuration that came back otherwise, and layers that did not."""
    lost = []
    for mine, other in paired(ours, theirs):
        if other is None:
            lost.append(mine.name)
            continue
        before, after = _config(mine), _config(other)
        for key, was, now in _unlike("", before, after):
            yield Loss(
                "configuration",
                f"layer {mine.name!r} ({type(mine).__name__}): {key} came back as {_short(now)} "
                f"in the place of {_short(was)}",
            )
    if lost:
        yield Loss("configuration", f"layers that did not come back: {', '.join(sorted(lost))}")


def _config(layer: Any) -> dict[str, Any]:
    if hasattr(layer, "_flatten_layers") and hasattr(layer, "layers"):
        return {}  # a model inside: its layers are compared one by one
    try:
        found: dict[str, Any] = _plain(layer.get_config())
    except NotImplementedError:  # it was not built from its configuration either
        return {}
    found.pop("name", None)
    return found


def _plain(value: Any) -> Any:
    """Configuration as a file would hold it: tuples are lists, numbers of numpy are numbers.

    The names of layers are left out, as Keras gives another one to each that is built.
    """
    if isinstance(value, dict):
        left_out = {"shared_object_id", *(("name",) if "trainable" in value else ())}
        return {str(key): _plain(one) for key, one in value.items() if key not in left_out}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    return _SAME


def _unlike(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two values of a configuration differ; what no file holds is no difference."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one:
            inner = f"{path}.{key}" if path else key
            yield from _unlike(inner, one[key], other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from _unlike(f"{path}[{place}]", *pair)
    elif _SAME not in (one, other) and one != other and (one == one or other == other):
        yield path, one, other


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
