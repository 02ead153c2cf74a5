"""Why a Keras model that was read back is not what it was."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from parity.record.roundtrip import Loss
from parity.roundtrip import outputs
from parity.roundtrip.causes import differing, unexplained, weight_losses
from parity.roundtrip.reading import Original, why
from parity.roundtrip.tripping import Seen
from parity.roundtrip.untracked import kept
from parity.roundtrip.weights import Print, fingerprint
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
    theirs = session.adapter.native()  # type: ignore[attr-defined]
    found: list[Loss] = []
    differ = seen.heads.state == "differ"
    if hasattr(theirs, "get_config"):
        found += _configured(original.native, theirs, differ)
        found += _untracked(original.native, theirs)
        found += [] if found else _other_config(original.native, theirs)
    found += weight_losses(seen.weights)
    if differ and not found:
        in_training = _like_training(original, seen)
        found.append(in_training if in_training is not None else unexplained(seen.heads))
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
        who = ", ".join(_called(one) for one in _layers(model) if _has_no_config(one))
        return (
            Loss(
                "custom-config",
                f"{who}: no get_config(), and arguments that Keras cannot write by itself, so "
                f"{form} cannot be saved; write a get_config() that returns every argument",
            ),
        )
    if "'untracked'" in said:
        hidden = [
            f"{path!r} of layer {layer.name!r} ({type(layer).__name__})"
            for layer in _layers(model)
            if is_custom(layer)
            for path in _kept(layer)
        ]
        which = ", ".join(hidden) or "one that a function uses"
        return (
            Loss(
                "untracked",
                f"untracked variable {which}: in a place where TensorFlow does not look, so {form} "
                f"cannot be {verb}; make it with self.add_weight()",
            ),
        )
    cause = "refused" if doing == "save" else "unreadable"
    return (Loss(cause, f"{form} cannot be {verb}: {said}"),)  # type: ignore[arg-type]


def _layers(model: Any) -> list[Any]:
    return list(model._flatten_layers(include_self=False))


def _paired(ours: Any, theirs: Any) -> Iterator[tuple[Any, Any]]:
    """Layers of two models that stand at the same place; by name where their number differs."""
    mine, others = _layers(ours), _layers(theirs)
    if [one.name for one in mine] == [one.name for one in others]:
        yield from zip(mine, others, strict=True)
        return
    by_name = {one.name: one for one in others}
    yield from ((one, by_name[one.name]) for one in mine if one.name in by_name)


def is_custom(layer: Any) -> bool:
    """Whether a layer or operation is not Keras' own."""
    return type(layer).__module__.partition(".")[0] != "keras"


def _has_no_config(layer: Any) -> bool:
    try:
        layer.get_config()
    except NotImplementedError:
        return True
    return False


def _called(layer: Any) -> str:
    return f"custom layer {layer.name!r} ({type(layer).__name__})"


def _gaps(model: Any) -> Iterator[Gap]:
    for layer in _layers(model):
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
    mates = {id(one): other for one, other in _paired(ours, theirs)}
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
        for layer in _layers(original.native)
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


def _untracked(ours: Any, theirs: Any) -> Iterator[Loss]:
    for mine, other in _paired(ours, theirs):
        if not is_custom(mine):
            continue
        before, after = _kept(mine), _kept(other)
        for path, found in before.items():
            if after.get(path) == found:
                continue
            shape = "x".join(map(str, found.shape)) or "scalar"
            yield Loss(
                "untracked",
                f"untracked variable {path!r} of layer {mine.name!r} ({type(mine).__name__}): "
                f"{found.dtype} {shape} in a plain attribute is not saved, and came back "
                f"{'with other values' if path in after else 'not at all'}; make it with "
                f"self.add_weight()",
            )


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


def _other_config(ours: Any, theirs: Any) -> Iterator[Loss]:
    """Keys of a layer's configuration that came back otherwise."""
    for mine, other in _paired(ours, theirs):
        before, after = _config(mine), _config(other)
        for key in before:
            if key not in after or before[key] != after[key]:
                yield Loss(
                    "configuration",
                    f"layer {mine.name!r} ({type(mine).__name__}): {key} came back as "
                    f"{_short(after.get(key))} in the place of {_short(before[key])}",
                )
    lost = {one.name for one in _layers(ours)} - {one.name for one in _layers(theirs)}
    if lost:
        yield Loss("configuration", f"layers that did not come back: {', '.join(sorted(lost))}")


def _config(layer: Any) -> dict[str, Any]:
    if hasattr(layer, "_flatten_layers") and hasattr(layer, "layers"):
        return {}  # a model inside: its layers are compared one by one
    try:
        found: dict[str, Any] = _plain(layer.get_config())
    except NotImplementedError:  # it was not built from its configuration either
        return {}
    return found


def _plain(value: Any) -> Any:
    """Configuration as a file would hold it: tuples are lists."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items() if k != "shared_object_id"}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return f"{type(value).__name__}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def in_training(original: Original, place: int) -> dict[str, Any]:
    """Heads of the original in training mode; its weights are put back as they were."""
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
    finally:
        model.set_weights(before)
    if isinstance(made, dict):
        return {name: np.asarray(ops.convert_to_numpy(made[name])) for name in names}
    several = made if isinstance(made, (list, tuple)) else [made]
    pairs = zip(names, several, strict=True)
    return {name: np.asarray(ops.convert_to_numpy(one)) for name, one in pairs}


def _like_training(original: Original, seen: Seen) -> Loss | None:
    place = differing(original, seen)
    mates = outputs.renamed(list(original.runs[0]), list(seen.runs[0]))
    theirs = {name: seen.runs[place][mate] for name, mate in mates.items()}
    if not outputs.alike(in_training(original, place), theirs):
        return None
    return Loss(
        "training-mode",
        f"BatchNorm in training mode: head {seen.heads.head!r} is what the original gives in "
        f"training mode, normalised by the batch's own statistics; call it with training=False",
    )
