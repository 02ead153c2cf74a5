"""Why a Keras model that was read back is not what it was."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from parity.record.roundtrip import Loss
from parity.roundtrip.causes import (
    is_statistic,
    like_training,
    unexplained,
    weight_losses,
)
from parity.roundtrip.keras import pairs as keras_pairs
from parity.roundtrip.keras.pairs import is_custom, layers, paired
from parity.roundtrip.keras.untracked import hidden, other_values, untracked
from parity.roundtrip.reading import Original, native, why
from parity.roundtrip.tripping import Seen
from parity.session import Session

_BASE = ("self", "args", "kwargs", "name", "dtype", "trainable", "autocast", "activity_regularizer")
_UNKNOWN = object()


class Gap(NamedTuple):
    """An argument of a constructor that get_config() leaves out."""

    layer: Any
    argument: str
    required: bool
    default: Any


def losses(original: Original, session: Session, seen: Seen) -> Iterator[Loss]:
    """What was lost in a model that was read back, the cause first."""
    theirs = native(session)
    found: list[Loss] = []
    differ = seen.heads.state == "differ"
    if hasattr(theirs, "get_config"):
        found += _configured(original.native, theirs, differ)
        found += untracked(original, theirs)
        found += [] if found else keras_pairs.differing(original.native, theirs)
    found += weight_losses(seen.weights)
    if differ and not found:
        trained = like_training(original, seen, in_training, "call it with training=False")
        found += [trained] if trained is not None else []
    if differ and not found and hasattr(theirs, "get_config"):
        found += other_values(original, theirs)
    if differ and not found:
        found.append(unexplained(seen.heads))
    yield from found


def refusals(original: Original, form: str, error: BaseException, doing: str) -> tuple[Loss, ...]:
    """What keeps a model from being saved, or read back."""
    model, said = original.native, why(error)
    verb = "saved" if doing == "save" else "read back"
    if doing == "read":
        strangers = _unregistered(original)
        if strangers:
            return (_stranger(form, strangers), *_left_out(model))
        needed = [gap for gap in _gaps(model) if gap.required]
        if needed:
            return tuple(
                Loss(
                    "custom-config",
                    f"{_called(gap.layer)}: get_config() leaves out {gap.argument!r}, which the "
                    f"constructor needs, so {form} cannot be read back; return it from "
                    f"get_config()",
                )
                for gap in needed
            )
    if doing == "save" and isinstance(error, NotImplementedError) and "get_config" in said:
        who = ", ".join(_called(one) for one in layers(model) if _has_no_config(one))
        return (
            Loss(
                "custom-config",
                f"{who}: no get_config(), and arguments that Keras cannot write by itself, so "
                f"{form} cannot be saved; write a get_config() that returns every argument",
            ),
        )
    if "'untracked'" in said:
        which = ", ".join(hidden(model)) or "one that a function uses"
        return (
            Loss(
                "untracked",
                f"untracked variable {which}: in a place where TensorFlow does not look, so {form} "
                f"cannot be {verb}; make it with self.add_weight()",
            ),
        )
    cause = "refused" if doing == "save" else "unreadable"
    return (Loss(cause, f"{form} cannot be {verb}: {said}"),)  # type: ignore[arg-type]


def _has_no_config(layer: Any) -> bool:
    try:
        layer.get_config()
    except NotImplementedError:
        return True
    return False


def _called(layer: Any) -> str:
    return f"custom layer {layer.name!r} ({type(layer).__name__})"


def _gaps(model: Any) -> Iterator[Gap]:
    for layer in layers(model):
        if not is_custom(layer):
            continue
        try:
            config = layer.get_config()
        except Exception:  # saving says so, in the framework's own words
            continue
        for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
            plain = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if plain and name not in (*_BASE, *config):
                required = parameter.default is parameter.empty
                yield Gap(layer, name, required, parameter.default)


def _value(layer: Any, argument: str) -> Any:
    """What a layer was built with: as Keras has noted it down, else as its attribute says."""
    noted = getattr(getattr(layer, "_auto_config", None), "config", None) or {}
    for place, name in ((noted, argument), (vars(layer), argument), (vars(layer), f"_{argument}")):
        if name in place:
            return place[name]
    return _UNKNOWN


def _configured(ours: Any, theirs: Any, differ: bool) -> Iterator[Loss]:
    mates = {id(one): other for one, other in paired(ours, theirs) if other is not None}
    for gap in _gaps(ours):
        if id(gap.layer) not in mates:
            continue
        before, after = (_value(one, gap.argument) for one in (gap.layer, mates[id(gap.layer)]))
        unknown = before is _UNKNOWN or after is _UNKNOWN
        if unknown and differ:
            yield _rebuilt(gap, f"with its default {gap.default!r}")
        elif not unknown and not _equal(before, after):
            yield _rebuilt(gap, f"with {after!r} in the place of {before!r}")


def _rebuilt(gap: Gap, how: str) -> Loss:
    return Loss(
        "custom-config",
        f"{_called(gap.layer)}: get_config() leaves out {gap.argument!r}, so it was built again "
        f"{how}; return it from get_config()",
    )


def _left_out(model: Any) -> Iterator[Loss]:
    """Gaps that are sure to lose something, where the model cannot be read back to see it."""
    for gap in _gaps(model):
        before = _value(gap.layer, gap.argument)
        if not gap.required and before is not _UNKNOWN and not _equal(before, gap.default):
            yield _rebuilt(gap, f"with {gap.default!r} in the place of {before!r}")


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(np.array_equal(one, other))
    except Exception:
        return repr(one) == repr(other)


def _unregistered(original: Original) -> dict[str, Any]:
    """Custom classes that whoever reads the file would have to bring along."""
    from keras import saving

    known = saving.get_custom_objects()
    return {
        type(layer).__name__: type(layer)
        for layer in layers(original.native)
        if is_custom(layer)
        and saving.get_registered_name(type(layer)) not in known
        and saving.get_registered_object(saving.get_registered_name(type(layer))) is None
    }


def _stranger(form: str, classes: dict[str, Any]) -> Loss:
    return Loss(
        "not-registered",
        f"custom layer class {', '.join(classes)} is not registered, so {form} cannot be read back "
        f"by its name: decorate it with @keras.saving.register_keras_serializable(), or name it in "
        f"options.custom_objects",
    )


def in_training(original: Original, place: int) -> tuple[dict[str, Any], bool]:
    """Heads of the original in training mode, and whether statistics of a batch normalise there.

    Its weights are put back as they were.
    """
    from keras import ops

    model, names = original.native, list(original.runs[0])
    before = model.get_weights()
    structure, array = model.input, original.fed(place)
    values: Any = array
    if isinstance(structure, dict):
        values = dict.fromkeys(structure, array)
    elif isinstance(structure, (list, tuple)):
        values = [array]
    try:
        made = model(values, training=True)
        normalises = any(
            is_statistic(one.path) and not np.array_equal(old, np.asarray(one))
            for old, one in zip(before, model.weights, strict=True)
        )
    finally:
        model.set_weights(before)
    if not isinstance(made, dict):
        several = made if isinstance(made, (list, tuple)) else [made]
        made = dict(zip(names, several, strict=True))
    return {name: np.asarray(ops.convert_to_numpy(made[name])) for name in names}, normalises


def random_layers(model: Any) -> list[str]:
    """Layers that draw numbers, as they are named to a user."""
    return [
        f"{layer.name!r} ({type(layer).__name__})"
        for layer in layers(model)
        if any(type(one).__name__ == "SeedGenerator" for one in vars(layer).values())
    ]
