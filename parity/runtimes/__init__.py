"""Which runtimes there are. Importing this imports no framework: a kind names its class by text.

``contract/`` says what a runtime is, ``shared/`` holds what several use, and each other folder is
one runtime: its ``descriptor.py`` is where to begin reading, ``contract/descriptor.py`` before it.
They use the standard library, numpy, what reads files, and their own framework; never each other,
and nothing of the rest of ``parity``.

Further kinds register under the entry-point group ``parity.runtimes``: name = kind, value =
"module:NAME" of a ``contract.Descriptor``, or of a ``contract.Adapter`` that needs none. Whatever
is wrong with a package of somebody else disturbs nobody who does not name its kind.
"""

import importlib
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional, Tuple, Type, Union

from .contract import Adapter, AdapterError, Descriptor
from .shared.libraries import absent
from .shared.reasons import reason

_KINDS = (
    "keras",
    "savedmodel",
    "torch",
    "onnxruntime",
    "tflite",
    "onnx-reference",
    "recorded",
    "command",
    "fake",
)
"""By folder, "-" in a kind being "_" there; the nearest to training first."""

_GROUP = "parity.runtimes"


def kinds() -> Tuple[str, ...]:
    """The built-in kinds; ``load`` also knows those that other packages register."""
    return _KINDS


def registered() -> Tuple[str, ...]:
    """The kinds that other packages register here."""
    return tuple(sorted(set(_entry_points()) - set(_KINDS)))


def descriptor(kind: str) -> Descriptor:
    """What is known of a kind without opening it.

    Of one that nobody knows, or whose package does not import, only its name: opening it says what
    is wrong.
    """
    try:
        return _described(kind)[0]
    except AdapterError:
        return Descriptor(kind, "")


def descriptors() -> Tuple[Descriptor, ...]:
    """Every kind that can be listed, those of other packages last; without what is for tests."""
    every = [descriptor(kind) for kind in (*_KINDS, *registered())]
    return tuple(one for one in every if not one.hidden)


def opener(content: str, path: str = "") -> Optional[Descriptor]:
    """The first kind that opens a file of this content as a whole model, or of its suffix."""
    every = descriptors()
    for one in every:
        if content in one.opens:
            return one
    for one in every:
        if one.suffixes and path.lower().endswith(one.suffixes):
            return one
    return None


def load(kind: str) -> Type[Adapter]:
    """The adapter class of a kind; its framework is imported only when it is constructed."""
    found, room = _described(kind)
    if isinstance(room, type):
        return room
    module, _, name = found.adapter.partition(":")
    try:
        adapter: Type[Adapter] = getattr(importlib.import_module(module, room), name)
    except (Exception, SystemExit) as error:
        if kind in _KINDS:
            raise
        raise _broken(kind, reason(error)) from error
    return adapter


def provider(kind: str) -> Optional[str]:
    """The installed package that registers a kind, under its name on the index; else None."""
    entry, *_ = _entry_points().get(kind, (None,))
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
    for library in adapter.requires(options or {}) or descriptor(kind).libraries:
        why = absent(library)
        if why:
            return why
    return None


def _described(kind: str) -> Tuple[Descriptor, Union[str, Type[Adapter]]]:
    """A kind's descriptor, and where its adapter's name is looked up, or that class itself."""
    if kind in _KINDS:
        room = f"{__name__}.{kind.replace('-', '_')}"
        ours: Descriptor = importlib.import_module(room + ".descriptor").DESCRIPTOR
        return ours, room
    further = _entry_points()
    if kind not in further:
        raise AdapterError("unknown-kind", kind=kind, known=(*_KINDS, *sorted(further)))
    entry, *others = further[kind]
    if others:  # which of them ran would follow from the order of folders on the path
        raise _broken(kind, f"several packages register it ({_packages(further[kind])}): keep one")
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module does when imported
        raise _broken(kind, reason(error)) from error
    if isinstance(found, Descriptor):
        return replace(found, kind=kind), ""
    return Descriptor(kind, ""), found


def _broken(kind: str, why: str) -> AdapterError:
    return AdapterError("missing-library", library=kind, reason=why)


def _packages(entries: Tuple[Any, ...]) -> str:
    found = (getattr(entry, "dist", None) for entry in entries)
    return ", ".join(sorted(one.metadata["Name"] for one in found if one is not None))


def _entry_points() -> Dict[str, Tuple[Any, ...]]:
    """By kind, what packages register; one that is installed twice counts once."""
    from importlib import metadata

    every: Any = metadata.entry_points()
    choose = getattr(every, "select", None)  # absent in Python 3.8 and 3.9
    group = choose(group=_GROUP) if choose else every.get(_GROUP, ())
    found: Dict[str, Dict[Tuple[str, str], Any]] = {}
    for entry in group:
        one = _packages((entry,)), entry.value
        found.setdefault(entry.name, {}).setdefault(one, entry)
    return {name: tuple(entries.values()) for name, entries in found.items()}
