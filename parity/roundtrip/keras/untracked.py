"""Numbers that layers of Keras keep where no format looks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity.record.roundtrip import Loss
from parity.roundtrip.causes import moving
from parity.roundtrip.keras.pairs import is_custom, layers, paired
from parity.roundtrip.reading import Original
from parity.roundtrip.untracked import kept, values
from parity.roundtrip.weights import Print, fingerprint


def hidden(model: Any) -> list[str]:
    """Variables of custom layers that Keras does not track, as they are named to a user."""
    return [
        f"{path!r} of layer {layer.name!r} ({type(layer).__name__})"
        for layer in layers(model)
        if is_custom(layer)
        for path in _kept(layer)
    ]


def untracked(original: Original, theirs: Any) -> Iterator[Loss]:
    pairs = _custom(original.native, theirs)
    lost = [
        (mine, path, found, path in after)
        for mine, after in ((mine, _kept(other)) for mine, other in pairs)
        for path, found in _kept(mine).items()
        if after.get(path) != found
    ]
    moving = _moving(original, _kept) if lost else set()
    for layer, path, found, there in lost:
        if (id(layer), path) in moving:
            continue
        shape = "x".join(map(str, found.shape)) or "scalar"
        yield Loss(
            "untracked",
            f"untracked variable {path!r} of layer {layer.name!r} ({type(layer).__name__}): "
            f"{found.dtype} {shape} in a plain attribute is not saved, and came back "
            f"{'with other values' if there else 'not at all'}; make it with "
            f"self.add_weight()",
        )


def _custom(ours: Any, theirs: Any) -> list[tuple[Any, Any]]:
    return [
        (mine, other)
        for mine, other in paired(ours, theirs)
        if other is not None and is_custom(mine)
    ]


def _moving(original: Original, of_layer: Callable[[Any], dict[str, Any]]) -> set[tuple[int, str]]:
    """What custom layers keep of the image that they have seen, and so is nothing to save."""

    def kept() -> dict[tuple[int, str], Any]:
        return {
            (id(layer), path): found
            for layer in layers(original.native)
            if is_custom(layer)
            for path, found in of_layer(layer).items()
        }

    return moving(original, kept)


def other_values(original: Original, theirs: Any) -> Iterator[Loss]:
    """Plain numbers of custom layers, of which no format knows."""
    pairs = _custom(original.native, theirs)
    changed = [
        (mine, path, value, after[path])
        for mine, after in ((mine, _values(other)) for mine, other in pairs)
        for path, value in _values(mine).items()
        if path in after and after[path] != value
    ]
    passing = _moving(original, _values) if changed else set()
    for layer, path, before, after in changed:
        if (id(layer), path) not in passing:
            yield Loss(
                "untracked",
                f"untracked value {path!r} of layer {layer.name!r} ({type(layer).__name__}): "
                f"{before!r} in a plain attribute is not saved, and is {after!r} in the layer that "
                f"was built anew; make it an argument that get_config() returns",
            )


def _values(layer: Any) -> dict[str, Any]:
    from keras import layers as own

    return dict(values(vars(layer), set(vars(own.Layer()))))


def _kept(layer: Any) -> dict[str, Print]:
    import tensorflow as tf

    saved = [*layer.variables, *(one.value for one in layer.variables)]

    def printed(value: Any) -> Print | None:
        if isinstance(value, np.ndarray):
            return fingerprint(value) if value.dtype.kind in "biufc" else None
        if not (tf.is_tensor(value) or isinstance(value, tf.Variable)):
            return None
        try:
            return fingerprint(value.numpy())
        except Exception:  # a symbol of a graph
            return None

    return dict(kept(vars(layer), {id(one) for one in saved}, printed))
