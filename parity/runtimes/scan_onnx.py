"""Whether an ONNX file reads weights from outside of its own folder. Nothing is loaded.

Field numbers from onnx/onnx.proto; StringStringEntryProto has key 1 and value 2.
"""

import mmap
import os
from typing import Any, Iterator, List

from . import wire

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
