"""The files beside an ONNX file in which its weights are (TensorProto.external_data)."""

import os
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ..foreign import is_pointer
from ..protobuf import Message

_DIGITS = 19  # of a number of bytes
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


class External(NamedTuple):
    """Where a tensor's numbers are: a path as the file says it, and the byte that they reach to."""

    location: str
    end: int


def externals(tensors: Iterable[Message]) -> Iterator[External]:
    """Of each tensor that lies in another file, where."""
    for tensor in tensors:
        entries = {one.text(1): one.text(2) for one in tensor.messages(13)}
        if "location" in entries:
            ends = [entries.get(key, "") for key in ("offset", "length")]
            known = [int(text) for text in ends if text.isdecimal() and len(text) <= _DIGITS]
            yield External(entries["location"], sum(known))


def locations(model: Message) -> Iterator[str]:
    """Every place outside, of every tensor in graphs, functions and training graphs.

    Message types are told by where they stand, see ``_INNER``.
    """
    todo = [(model, "model")]
    while todo:
        message, kind = todo.pop()
        if kind == "entry":
            if "location" in message.texts(1):
                yield from message.texts(2)
            continue
        for number, inner in _INNER[kind].items():
            todo += [(one, inner) for one in message.messages(number)]


def outside(path: str, model: Message) -> List[str]:
    """A sentence for every file of weights that is outside of the model's folder."""
    folder = os.path.realpath(os.path.dirname(path))
    found = []
    for location in locations(model):
        if _ADDRESS in location:
            found.append("it reads weights from an address in the memory of whoever loads it")
            continue
        target = os.path.realpath(os.path.join(folder, location))
        if os.path.isabs(location) or not target.startswith(folder + os.sep):
            found.append(f"it reads weights from outside of its folder ({location})")
    return sorted(set(found))


def judged(path: str, tensors: Iterable[Message]) -> Tuple[Dict[str, str], List[str]]:
    """Each external file with what became of it, and what is wrong."""
    needed: Dict[str, int] = {}
    for one in externals(tensors):
        needed[one.location] = max(needed.get(one.location, 0), one.end)
    folder = os.path.dirname(os.path.realpath(path))
    found, faults = {}, []
    for location, size in needed.items():
        found[location], fault = _judged(folder, location, size)
        if fault:
            faults.append(fault)
    return found, faults


def _judged(folder: str, location: str, size: int) -> Tuple[str, Optional[str]]:
    target = os.path.realpath(os.path.join(folder, location))
    inside = target == folder or target.startswith(os.path.join(folder, ""))
    if os.path.isabs(location) or not inside:
        return "outside", (
            f"its weights are expected in {location}, outside of its folder, which no runtime "
            f"reads: save it again with all data beside it"
        )
    if not os.path.isfile(target):
        return "missing", (
            f"its weights are expected in {location} beside it, where nothing is: copy that file "
            f"too, or save the model in one file"
        )
    if is_pointer(target):
        return "a Git LFS pointer", (
            f"its weights are expected in {location} beside it, which is a Git LFS pointer: the "
            f"weights were not downloaded, run git lfs pull"
        )
    have = os.path.getsize(target)
    if have < size:
        return "too short", (
            f"its weights reach to byte {size} of {location}, which has {have} bytes: the file is "
            f"cut off or belongs to another model"
        )
    return "present", None
