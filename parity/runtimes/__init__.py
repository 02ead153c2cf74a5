"""Which runtimes there are. Importing this imports no framework: a kind names its class by text.

Further kinds register under the entry-point group ``parity.runtimes`` (name = kind, value =
"module:Class" of a ``contract.Adapter``); the group is only read when an unknown kind is asked
for, so a broken plugin cannot disturb anyone else.
"""

import importlib
from typing import Any, Dict, Mapping, Optional, Tuple, Type

from .contract import Adapter, AdapterError
from .shared.libraries import absent
from .shared.reasons import reason

_KINDS = {
    "keras": ".keras.adapter:Keras",
    "savedmodel": ".savedmodel.adapter:SavedModel",
    "torch": ".torch.adapter:Torch",
    "onnxruntime": ".onnxruntime.adapter:OnnxRuntime",
    "tflite": ".tflite.adapter:TFLite",
    "recorded": ".recorded.adapter:Recorded",
    "command": ".command.adapter:Command",
    "fake": ".fake.adapter:Fake",
}
_GROUP = "parity.runtimes"


def kinds() -> Tuple[str, ...]:
    """The built-in kinds; ``load`` also knows those that other packages register."""
    return tuple(_KINDS)


def registered() -> Tuple[str, ...]:
    """The kinds that other packages register here."""
    return tuple(sorted(set(_entry_points()) - set(_KINDS)))


def load(kind: str) -> Type[Adapter]:
    """The adapter class of a kind; its framework is imported only when it is constructed."""
    if kind in _KINDS:
        module, _, name = _KINDS[kind].partition(":")
        adapter = getattr(importlib.import_module(module, __name__), name)
    else:
        further = _entry_points()
        if kind not in further:
            raise AdapterError("unknown-kind", kind=kind, known=(*_KINDS, *sorted(further)))
        try:
            adapter = further[kind].load()
        except Exception as error:
            why = reason(error)
            raise AdapterError("missing-library", library=kind, reason=why) from error
    return adapter  # type: ignore[no-any-return]


def provider(kind: str) -> Optional[str]:
    """The installed package that registers a kind, under its name on the index; else None."""
    entry = _entry_points().get(kind)
    found = getattr(entry, "dist", None)  # absent in Python 3.8 and 3.9
    return None if found is None else str(found.metadata["Name"])


def missing(kind: str, options: Optional[Mapping[str, Any]] = None) -> Optional[str]:
    """Why this kind cannot run here, with the remedy, or None; imports no framework."""
    try:
        adapter = load(kind)
    except AdapterError as error:
        if error.code == "missing-library":
            return str(error.facts["reason"])
        raise
    for library in adapter.requires(options or {}):
        why = absent(library)
        if why:
            return why
    return None


def _entry_points() -> Dict[str, Any]:
    from importlib import metadata

    every: Any = metadata.entry_points()
    choose = getattr(every, "select", None)  # absent in Python 3.8 and 3.9
    group = choose(group=_GROUP) if choose else every.get(_GROUP, ())
    return {entry.name: entry for entry in group}
