"""The files beside an ONNX file in which its weights are. Nothing is loaded.

Field numbers from onnx/onnx.proto; StringStringEntryProto has key 1 and value 2.
"""

import mmap
import os
from typing import Any, Dict, Iterator, List

from ..formats import wire
from ..formats.foreign import POINTER, is_pointer
from .contract import AdapterError


def check_external(path: str, expected: str) -> None:
    """Raise ``external-data`` for the first file of weights that is missing or too short."""
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for entry in _entries(data):
            target = os.path.join(os.path.dirname(path), entry.get("location", ""))
            numbers = [entry.get(key, "0") for key in ("offset", "length")]
            if "location" not in entry or not all(number.isdigit() for number in numbers):
                continue
            needed, problem = sum(map(int, numbers)), ""
            if not os.path.isfile(target):
                problem = "is not there"
            elif is_pointer(target):
                problem = POINTER
            elif os.path.getsize(target) < needed:
                problem = f"has {os.path.getsize(target)} bytes of the {needed} that are needed"
            if problem:
                raise AdapterError(
                    "external-data",
                    path=path,
                    expected=expected,
                    file=entry["location"],
                    problem=problem,
                    reason=f"its weights are expected in {entry['location']}, which {problem}",
                )


_INNER = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}  # fmt: skip
_ADDRESS = "_ORT_MEM_ADDR_"  # ONNX Runtime's name for tensors that it holds itself


def findings(path: str) -> List[str]:
    """Every external weight file outside of the model's folder."""
    folder = os.path.realpath(os.path.dirname(path))
    found = []
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for location in _locations(data):
            if _ADDRESS in location:
                found.append("it reads weights from an address in the memory of whoever loads it")
                continue
            target = os.path.realpath(os.path.join(folder, location))
            if os.path.isabs(location) or not target.startswith(folder + os.sep):
                found.append(f"it reads weights from outside of its folder ({location})")
    return sorted(set(found))


def beside(path: str) -> List[str]:
    """The files beside an ONNX file in which its weights are, sorted; those that are there."""
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        names = set(_locations(data))
    found = [os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in names]
    return sorted(one for one in found if os.path.isfile(one))


def _entries(data: Any) -> Iterator[Dict[str, str]]:
    """What each initializer says of the file that holds it: location, offset, length."""
    for top in wire.fields(data):
        if top.number != 7 or top.wire != wire.BYTES:
            continue
        for tensor in wire.children(data, top, 5):
            entry: Dict[str, str] = {}
            for pair in wire.children(data, tensor, 13):
                keys = [wire.text(data, field) for field in wire.children(data, pair, 1)]
                values = [wire.text(data, field) for field in wire.children(data, pair, 2)]
                if len(keys) == len(values) == 1:
                    entry[keys[0]] = values[0]
            if entry:
                yield entry


def _locations(data: Any) -> Iterator[str]:
    """Where external data lies, of every tensor in graphs, functions and training graphs.

    Message types are told by where they stand, see ``_INNER``; the last of a field counts.
    """
    todo = [(top, _INNER["model"].get(top.number)) for top in wire.fields(data)]
    while todo:
        field, kind = todo.pop()
        if kind is None or field.wire != wire.BYTES:
            continue
        if kind == "entry":
            keys = [wire.text(data, one) for one in wire.children(data, field, 1)]
            values = [wire.text(data, one) for one in wire.children(data, field, 2)]
            if "location" in keys:
                yield from values
            continue
        inner = _INNER[kind]
        parts = wire.fields(data, field.start, field.end)
        todo += [(one, inner[one.number]) for one in parts if one.number in inner]
