"""Whether an ONNX file reads weights from outside of its own folder. Nothing is loaded.

Field numbers from onnx/onnx.proto: ModelProto.graph 7, GraphProto.initializer 5,
TensorProto.external_data 13, StringStringEntryProto key 1 and value 2.
"""

import mmap
import os
from typing import Any, Iterator, List

from . import wire


def findings(path: str) -> List[str]:
    """Every external weight file outside of the model's folder."""
    folder = os.path.realpath(os.path.dirname(path))
    found = []
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for location in _locations(data):
            target = os.path.realpath(os.path.join(folder, location))
            if os.path.isabs(location) or not target.startswith(folder + os.sep):
                found.append(f"it reads weights from outside of its folder ({location})")
    return sorted(set(found))


def _locations(data: Any) -> Iterator[str]:
    for top in wire.fields(data):
        if top.number != 7 or top.wire != wire.BYTES:
            continue
        for tensor in wire.children(data, top, 5):
            for entry in wire.children(data, tensor, 13):
                keys = [wire.text(data, field) for field in wire.children(data, entry, 1)]
                if keys == ["location"]:
                    for value in wire.children(data, entry, 2):
                        yield wire.text(data, value)
