"""Which TensorFlow operations of a TFLite file reach outside of it. Nothing is loaded.

TensorFlow's own interpreter runs every operation of TensorFlow whose name stands behind "Flex" in
an operator's custom code. Read by field number (tensorflow/compiler/mlir/lite/schema/schema.fbs:
Model.operator_codes 1, OperatorCode.custom_code 1).
"""

import mmap
import struct
from typing import Any, Iterator, List, Optional

from . import scan_savedmodel

_FLEX = "Flex"
_MOST = 100_000  # operator codes; a model has some dozens


def findings(path: str) -> List[str]:
    """Every such operation, by its name."""
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        names = set(_custom_codes(data))
    return [
        f"it runs TensorFlow's {name[len(_FLEX) :]}"
        for name in sorted(names)
        if name.startswith(_FLEX) and scan_savedmodel.reaches_outside(name[len(_FLEX) :])
    ]


def _custom_codes(data: Any) -> Iterator[str]:
    vector = _field(data, _number(data, 0, "<I"), 1)
    count = 0 if vector is None else _number(data, vector, "<I")
    if count > _MOST:
        raise ValueError(f"it names {count} operators")
    for index in range(count):
        at = vector + 4 + 4 * index  # type: ignore[operator]
        text = _field(data, at + _number(data, at, "<I"), 1)
        if text is not None:
            size = _number(data, text, "<I")
            yield bytes(data[text + 4 : text + 4 + size]).decode("utf-8", "replace")


def _field(data: Any, table: int, number: int) -> Optional[int]:
    """Where what a table's field points to begins; None where the field is left out."""
    vtable = table - _number(data, table, "<i")
    if number >= _number(data, vtable, "<H") // 2 - 2:
        return None
    offset = _number(data, vtable + 4 + 2 * number, "<H")
    if not offset:
        return None
    return table + offset + _number(data, table + offset, "<I")


def _number(data: Any, at: int, form: str) -> int:
    if at < 0:
        raise ValueError("an offset points to before its beginning")
    found: int = struct.unpack_from(form, data, at)[0]
    return found
