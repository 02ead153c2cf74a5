"""Torch's files that are pickles: state dicts, whole modules, TorchScript; zipped or older.

Nothing is unpickled: the opcodes are followed into inert data.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from parity.formats.contents import Contents, Tensor
from parity.formats.shapes import counted, elements, listed
from parity.formats.source import Unreadable, unpacked
from parity.inspecting import pickles
from parity.inspecting.pickles import Made, Name, Stored
from parity.inspecting.torch_tensors import Weight, every, mapping, state
from parity.runtimes import scan_pickle
from parity.runtimes.content import Content

FOREIGN = "a pickle that torch.save did not write"
_OBJECT = "pickled Python object"
_UNSAID = "of a type that is not said"
_PICKLE = 64 * 2**20
_CODE = 16 * 2**20
_LEGACY_HEAD = 3  # pickles before the object itself: magic number, protocol, system facts
_PLAIN = ("collections.OrderedDict", "torch._utils.", "torch.storage.", "_codecs.encode")
_NESTED = ("state_dict", "model_state_dict", "model", "ema", "net", "weights")
_FORWARD = re.compile(r"def forward\(\w+[^,)]*(?:,\s*(.*?))?\)\s*->\s*(.*?):\n", re.S)


def read(path: Path) -> Contents:
    """A state dict, a checkpoint that holds one, or a pickled module."""
    with path.open("rb") as handle:
        zipped = handle.read(2) == b"PK"
    if zipped:
        with zipfile.ZipFile(path) as archive:
            found = pickles.read(io.BytesIO(_member(archive, "data.pkl")))
            container = "zip"
            faults = [*_storages(archive, found.value), *_meta(found.value)]
    else:
        with path.open("rb") as handle:
            older, found = _plain(scan_pickle.Bounded(handle))
            faults = [*_behind(handle, found.value)] if older else []
        faults += _meta(found.value)
        container = "pickle" if older else FOREIGN
    imports = [one for one in found.names if not _is_data(one)]
    facts: dict[str, Any] = {
        "container": container,
        "pickle_protocol": found.protocol,
        "imports": sorted(found.names),
    }
    if imports and isinstance(found.value, Made) and mapping(found.value) is None:
        return _module(found, facts, imports, faults)
    return _checkpoint(found.value, facts, imports, faults)


def read_script(path: Path) -> Contents:
    """A TorchScript archive; its inputs are the arguments of ``forward``."""
    with zipfile.ZipFile(path) as archive:
        found = pickles.read(io.BytesIO(_member(archive, "data.pkl")))
        names = [name for name in archive.namelist() if name.endswith("/constants.pkl")]
        constants = [pickles.read(io.BytesIO(unpacked(archive, one, _PICKLE))) for one in names]
        code = _code(archive, found.value)
        version = _short(archive, "version")
        produced = _short(archive, ".data/producer") or None
        weights = list(every([found.value, *(one.value for one in constants)]))
        faults = tuple(_storages(archive, found.value))
    inputs, returned = _signature(code, _class_name(found.value))
    facts = {
        "class": str(found.value.by) if isinstance(found.value, Made) else None,
        "file_version": version,
        "returns": returned or None,
        "dtypes": counted(one.dtype for one in weights),
    }
    return Contents(
        "TorchScript program",
        facts,
        inputs,
        (),
        sum(elements(one.shape) for one in weights),
        produced or f"torch.jit (file version {version})",
        faults=faults,
    )


def _plain(handle: Any) -> tuple[bool, pickles.Read]:
    """A pickle that is a file of its own; torch's older form has three small ones before it.

    Whether it is of that form, and what it holds.
    """
    first = pickles.read(handle)
    if not isinstance(first.value, int):
        return False, first
    for _ in range(_LEGACY_HEAD - 1):
        pickles.read(handle)
    return True, pickles.read(handle)


def _behind(handle: BinaryIO, value: Any) -> Iterator[str]:
    """Whether the storages of torch's older form, which stand behind its pickles, are all there.

    The names of the storages are a pickle; of each its count of numbers follows in eight bytes,
    then the numbers.
    """
    storages = dict(one.storage for one in every(value) if one.storage[0])
    if not storages:
        return
    pickles.read(scan_pickle.Bounded(handle))
    start = handle.tell()
    needed = sum(8 + size for size in storages.values())
    held = handle.seek(0, os.SEEK_END) - start
    if held < needed:
        yield (
            f"its tensors take {needed} bytes and {held} are there: the file is cut off, copy it "
            f"again"
        )


def _meta(value: Any) -> Iterator[str]:
    """Tensors of the meta device have a shape and no numbers."""
    count = sum(not one.identity[0] for one in every(value))
    if count:
        yield (
            f"{count} of its tensors have no numbers, they are on torch's meta device: save the "
            f"state_dict() of the network with its weights"
        )


def phrase(content: Content, contents: Contents) -> str:
    """What a file is in words, now that it is known whether it holds weights."""
    if content.kind == "state-dict" and contents.form == _OBJECT:
        return content.phrase.replace("a torch state dict", "plain data, written by torch.save")
    return content.phrase


def _is_data(name: str) -> bool:
    return name.startswith(_PLAIN) or re.fullmatch(r"torch\.\w+", name) is not None


def _checkpoint(
    value: Any, facts: dict[str, Any], imports: Sequence[str], faults: list[str]
) -> Contents:
    """A dict: of tensors, or of state dicts and other things."""
    entries = mapping(value)
    if entries is None:
        return Contents(_OBJECT, facts, notes=_imports_note(imports))
    weights = state(value)
    nested = {str(key): state(one) for key, one in entries.items()}
    nested = {key: one for key, one in nested.items() if one}
    form = "state dict"
    if not weights and nested:
        form = "checkpoint with a state dict"
        chosen = next((key for key in _NESTED if key in nested), next(iter(nested)))
        weights = nested[chosen]
        facts["entries"] = {
            str(key): f"{len(nested[str(key)])} tensors" if str(key) in nested else _shown(one)
            for key, one in list(entries.items())[:50]
        }
        facts["state_dict"] = chosen
    elif not weights:
        form = _OBJECT
    note = (
        "it holds weights but no network: name the function that builds it in model "
        '("module:factory") and this file in weights'
    )
    return Contents(
        form,
        {**facts, **_described(weights)},
        parameters=_numbers(entries, facts.get("state_dict")) if weights else None,
        written_by=_author(entries),
        notes=((note,) if weights else ()) + _imports_note(imports),
        faults=tuple(faults),
    )


def _module(
    found: pickles.Read, facts: dict[str, Any], imports: Sequence[str], faults: list[str]
) -> Contents:
    weights = list(every(found.value))
    facts["class"] = _called(found.value.by)
    facts["dtypes"] = counted(one.dtype or _UNSAID for one in weights)
    return Contents(
        "whole pickled module" if weights else _OBJECT,
        facts,
        parameters=sum(elements(one.shape) for one in weights) if weights else None,
        notes=_imports_note(imports),
        faults=tuple(faults),
    )


def _called(callee: Any) -> str:
    """The name of a class; the older form stores a module's class beside its source."""
    key = callee.key if isinstance(callee, Stored) else None
    return str(key[1] if isinstance(key, tuple) and len(key) > 1 else callee)[:200]


def _imports_note(imports: Sequence[str]) -> tuple[str, ...]:
    if not imports:
        return ()
    return (
        f"loading it would import {listed(sorted(imports))}: save the state dict instead "
        f"(torch.save(module.state_dict(), ...))",
    )


def _described(weights: Mapping[str, Weight]) -> dict[str, Any]:
    if not weights:
        return {}
    names = list(weights)
    return {
        "tensors": len(names),
        "dtypes": counted(one.dtype or _UNSAID for one in weights.values()),
        "first": f"{names[0]} {weights[names[0]].shape}",
        "last": f"{names[-1]} {weights[names[-1]].shape}",
    }


def _numbers(entries: Mapping[Any, Any], nested: str | None) -> int:
    """Every tensor once, packed ones of quantised layers too."""
    chosen = [one for key, one in entries.items() if nested is None or str(key) == nested]
    return sum(elements(one.shape) for one in every(chosen))


def _author(entries: Mapping[Any, Any]) -> str | None:
    """Trainers sign their checkpoints."""
    if "pytorch-lightning_version" in entries:
        return f"PyTorch Lightning {entries['pytorch-lightning_version']}"
    if "train_args" in entries and isinstance(entries.get("version"), str):
        return f"Ultralytics {entries['version']}"
    return None


def _shown(value: Any) -> str:
    if isinstance(value, bool | int | float) or value is None:
        return str(value)[:40]
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, Made):
        return str(value.by) if isinstance(value.by, Name) else "an object"
    return type(value).__name__


def _member(archive: zipfile.ZipFile, tail: str) -> bytes:
    names = [name for name in archive.namelist() if name == tail or name.endswith("/" + tail)]
    if not names:
        raise Unreadable(f"its member {tail} is missing")
    return unpacked(archive, min(names, key=len), _PICKLE)


def _short(archive: zipfile.ZipFile, tail: str) -> str:
    names = [name for name in archive.namelist() if name.endswith("/" + tail)]
    return unpacked(archive, names[0], 1 << 16).decode("utf-8", "replace").strip() if names else ""


def _storages(archive: zipfile.ZipFile, value: Any) -> Iterator[str]:
    """Whether each storage that a tensor names lies in the archive."""
    held = {name.rsplit("/", 1)[-1] for name in archive.namelist() if "/data/" in "/" + name}
    wanted = {str(one.identity[0]) for one in every(value)}
    missing = sorted(one for one in wanted - held if one)
    if missing:
        yield (
            f"the data of {len(missing)} of its tensors is missing from the archive "
            f"({listed(missing)}): copy or save it again"
        )


def _class_name(value: Any) -> str:
    return value.by.name if isinstance(value, Made) and isinstance(value.by, Name) else ""


def _code(archive: zipfile.ZipFile, value: Any) -> str:
    """The source of the module that holds the program's own class."""
    module = value.by.module if isinstance(value, Made) and isinstance(value.by, Name) else ""
    tail = "code/" + module.replace(".", "/") + ".py"
    names = [name for name in archive.namelist() if name.endswith(tail)]
    return unpacked(archive, names[0], _CODE).decode("utf-8", "replace") if names else ""


def _signature(code: str, name: str) -> tuple[tuple[Tensor, ...], str]:
    """Arguments and return type of the class's ``forward``; a program declares no shapes."""
    at = code.find(f"class {name}(")
    match = _FORWARD.search(code, at) if at >= 0 else None
    if match is None:
        return (), ""
    arguments = re.findall(r"(\w+):\s*([\w.]+)", match.group(1) or "")
    tensors = tuple(Tensor(one) for one, kind in arguments if kind == "Tensor")
    return tensors, " ".join(match.group(2).split())
