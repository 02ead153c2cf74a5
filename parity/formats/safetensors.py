"""Safetensors: a length, a JSON header, tensors one after the other (the format's README)."""

import json
import struct
from typing import Any, Dict, List, Optional

from .content import Content
from .contents import Contents
from .model_file import ModelFile, Start
from .shapes import counted, elements
from .source import Unreadable, bytes_of

_HEADER = 100_000_000  # bytes: the limit of the format's own reader
_DTYPES = {
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2),
    "I64": ("int64", 8), "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1),
    "U64": ("uint64", 8), "U32": ("uint32", 4), "U16": ("uint16", 2), "U8": ("uint8", 1),
    "BOOL": ("bool", 1), "F8_E4M3": ("float8_e4m3fn", 1), "F8_E5M2": ("float8_e5m2", 1),
}  # fmt: skip


class Safetensors(ModelFile):
    """Weights alone; a header and numbers run nothing."""

    def _contents(self) -> Optional[Contents]:
        return _read(self.path)


def of_file(start: Start) -> Optional[ModelFile]:
    """A file that begins with the length of a JSON header, then the header."""
    head = start.head
    length = struct.unpack_from("<Q", head)[0] if len(head) > 9 else 0
    opens = head[8:9] == b"{" and b'"' in head[9:12] + head[-1:]
    if not opens or not 2 <= length <= _HEADER:
        return None
    content = Content("safetensors", "a safetensors file (weights alone)")
    return Safetensors(start.path, content)


def _read(path: str) -> Contents:
    """What a safetensors file holds; the header must fit the data behind it."""
    with bytes_of(path) as data:
        size = len(data)
        length = int.from_bytes(bytes(data[0:8]), "little")
        if length > min(_HEADER, size - 8):
            raise Unreadable(f"its header of {length} bytes does not fit the file of {size} bytes")
        raw = bytes(data[8 : 8 + length])
    try:
        header = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"its header is no JSON: {str(error)[:120]}") from error
    metadata = header.pop("__metadata__", {})
    faults = _faults(header, size - 8 - length)
    note = (
        "it holds weights but no network, and no runtime here reads safetensors: load it with "
        "safetensors.torch.load_file and save a state dict (torch.save)"
    )
    return Contents(
        "weights in safetensors",
        {
            "tensors": len(header),
            "dtypes": counted(
                _DTYPES.get(one["dtype"], (one["dtype"], 0))[0] for one in _of(header)
            ),
            "metadata": {str(key): str(value)[:200] for key, value in metadata.items()},
        },
        parameters=sum(elements(one["shape"]) for one in _of(header)),
        written_by={"pt": "torch", "tf": "TensorFlow", "np": "NumPy"}.get(metadata.get("format")),
        notes=(note,),
        faults=tuple(faults),
    )


def _of(header: Dict[str, Any]) -> List[Dict[str, Any]]:
    return list(header.values())


def _faults(header: Dict[str, Any], room: int) -> List[str]:
    faults = []
    end = max((one["data_offsets"][1] for one in _of(header)), default=0)
    if end > room:
        faults.append(
            f"its tensors take {end} bytes and {room} are there: the file is cut off, copy it again"
        )
    for name, one in header.items():
        start, stop = one["data_offsets"]
        width = _DTYPES.get(one["dtype"], ("", 0))[1]
        if width and stop - start != width * elements(one["shape"]):
            faults.append(f"its tensor {name} has another size than its shape says: save it again")
            break
    return faults
