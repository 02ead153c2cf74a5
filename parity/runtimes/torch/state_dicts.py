"""A state dict: where it is in a checkpoint, and how it differs from what a module needs."""

from typing import Any, Mapping, NamedTuple, Optional, Tuple

from ..contract import AdapterError

_EXTRA = "_extra_state"  # how torch ends the name of a module's extra state


class State(NamedTuple):
    """Tensors by name, and the entry of the checkpoint that held them; "" where it held no more."""

    tensors: Mapping[str, Any]
    entry: str = ""


def state_dict(saved: Any, path: str) -> State:
    """The tensors by name, also from inside {"state_dict": ...} or {"model": ...}."""
    if hasattr(saved, "state_dict"):
        return State(saved.state_dict())
    if _is_state(saved):
        return State(saved)
    nested = [key for key, value in saved.items() if _is_state(value)] if _is_dict(saved) else []
    if len(nested) == 1:
        return State(saved[nested[0]], nested[0])
    named = [key for key in ("state_dict", "model_state_dict", "model") if key in nested]
    if len(named) == 1:
        return State(saved[named[0]], named[0])
    why = "no state dict in the file: save the network's state_dict()"
    if nested:
        several = ", ".join(map(repr, nested))
        why = f"more than one state dict in the file: {several}; save the one that is meant alone"
    raise AdapterError(
        "missing-weights", path=path, missing=(), unexpected=(), mismatched=(), reason=why
    )


def check_fits(wanted: Mapping[str, Any], state: State, path: str) -> None:
    """Every difference between what the module needs and what the file holds, at once."""
    held = state.tensors
    missing = tuple(name for name in wanted if name not in held)
    unexpected = tuple(name for name in held if name not in wanted)
    mismatched = tuple(
        (name, _shape(wanted[name]), _shape(held[name]))
        for name in wanted
        if name in held and not _fits(_shape(wanted[name]), _shape(held[name]))
    )
    if missing or unexpected or mismatched:
        raise AdapterError(
            "missing-weights",
            path=path,
            missing=missing,
            unexpected=unexpected,
            mismatched=mismatched,
            entry=state.entry,
            reason=f"the weights do not fit the module: {len(missing)} missing, "
            f"{len(unexpected)} unexpected, {len(mismatched)} of another shape",
        )


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_state(value: Any) -> bool:
    """Whether it is tensors by name; a module may add what ``get_extra_state`` gives, and, as a
    quantised one does, weights that are packed: its own state dict is known by its ``_metadata``.
    """
    if not _is_dict(value) or not value:
        return False
    others = [name for name, item in value.items() if not _is_tensor(item)]
    known = hasattr(value, "_metadata") or all(name.endswith(_EXTRA) for name in others)
    return not others or (known and (len(others) < len(value) or hasattr(value, "_metadata")))


def _is_tensor(item: Any) -> bool:
    return hasattr(type(item), "shape")  # of the type: that of a lazy parameter raises


def _shape(item: Any) -> Optional[Tuple[int, ...]]:
    """None for what has no shape: an extra state, or a lazy parameter before its first run."""
    try:
        return tuple(item.shape)
    except (AttributeError, RuntimeError):
        return None


def _fits(wanted: Optional[Tuple[int, ...]], held: Optional[Tuple[int, ...]]) -> bool:
    return wanted is None or held is None or wanted == held
