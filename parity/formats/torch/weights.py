"""Tensors in a torch pickle that was followed and not loaded (see ``pickles``).

Source: torch/_utils.py (``_rebuild_tensor_v2`` and its kin) and torch/serialization.py (storages
as persistent ids).
"""

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping, Optional, Set, Tuple

from ..pickles.values import Made, Name, Stored, worded

_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
}  # fmt: skip
_META = "_rebuild_meta_tensor_no_storage"
_REBUILD = (
    "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor",
    _META,
)  # fmt: skip
_OBJECTS = 2_000_000


@dataclass(frozen=True)
class Weight:
    """A tensor: its dtype, its shape, and what it shares with others that are the same one."""

    dtype: str
    shape: Tuple[int, ...]
    identity: Any
    storage: Tuple[str, int] = ("", 0)  # its name in the file and its bytes; "" where none is there


def weight(value: Any) -> Optional[Weight]:
    """The tensor that an inert value stands for, through Parameter and its like; else None."""
    for _ in range(4):
        if not isinstance(value, Made) or not isinstance(value.by, Name):
            return None
        arguments = value.arguments if isinstance(value.arguments, tuple) else ()
        if value.by.name in _REBUILD:
            return _rebuilt(arguments, value.by.name)
        if value.by.name not in ("_rebuild_parameter", "_rebuild_parameter_with_state") or (
            not arguments
        ):
            return None
        value = arguments[0]
    return None


def _rebuilt(arguments: Tuple[Any, ...], name: str) -> Optional[Weight]:
    if name == _META and len(arguments) > 1 and _is_shape(arguments[1]):
        dtype = arguments[0].name if isinstance(arguments[0], Name) else ""
        return Weight(dtype, arguments[1], ("", str(id(arguments)), arguments[1]))
    if len(arguments) < 3 or not _is_shape(arguments[2]):
        return None
    storage = arguments[0].key if isinstance(arguments[0], Stored) else ()
    key = storage[2] if isinstance(storage, tuple) and len(storage) > 2 else id(arguments)
    kind = storage[1] if isinstance(storage, tuple) and len(storage) > 1 else None
    named = next((one for one in arguments if _is_dtype(one)), None)
    dtype = named.name if named is not None else _STORAGES.get(getattr(kind, "name", ""), "")
    held = storage[4] if isinstance(storage, tuple) and len(storage) > 4 else 0
    sizes = held * _bytes(getattr(kind, "name", "")) if isinstance(held, int) else 0
    return Weight(
        dtype, arguments[2], (worded(key), worded(arguments[1]), arguments[2]), (worded(key), sizes)
    )


def _bytes(storage: str) -> int:
    """Of one number in a storage of this class."""
    kind = _STORAGES.get(storage, "uint8")
    bits = re.search(r"\d+$", kind)
    return int(bits.group()) // 8 if bits else 1


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, int) and one >= 0 for one in value)


def _is_dtype(value: Any) -> bool:
    return isinstance(value, Name) and value.module == "torch" and "Storage" not in value.name


def mapping(value: Any) -> Optional[Mapping[Any, Any]]:
    """The entries of a dict, an OrderedDict or the like; None for anything else."""
    if isinstance(value, Made):
        return value.items if isinstance(value.by, Name) and "Dict" in value.by.name else None
    return value if isinstance(value, dict) else None


def state(value: Any) -> Dict[str, Weight]:
    """The tensors by name of a state dict; empty where it is none."""
    entries = mapping(value) or {}
    found = {str(name): weight(one) for name, one in entries.items()}
    return {name: one for name, one in found.items() if one is not None}


def every(value: Any) -> Iterator[Weight]:
    """Each tensor anywhere inside, shared ones once."""
    todo = [value]
    seen: Set[int] = set()
    known: Set[Any] = set()
    while todo and len(seen) < _OBJECTS:
        one = todo.pop()
        if id(one) in seen or one is None or isinstance(one, (str, bytes, int, float)):
            continue
        seen.add(id(one))
        found = weight(one)
        if found is not None:
            if found.identity not in known:
                known.add(found.identity)
                yield found
        elif isinstance(one, Made):
            todo += [one.arguments, one.state, one.entries, *one.items.values()]
        elif isinstance(one, Mapping):
            todo += one.values()
        elif isinstance(one, (list, tuple)):
            todo += one
