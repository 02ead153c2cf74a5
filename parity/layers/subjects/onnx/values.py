"""What ONNX keeps in protobuf messages, as numpy arrays and plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity.tensors import Array


def constants(stored: Mapping[str, Any]) -> dict[str, Array]:
    """Initializers and Constant nodes by name; text and sparse tensors are left out."""
    found = {}
    for name, message in stored.items():
        value = _constant(message)
        if value is not None:
            found[name] = value
    return found


def _constant(message: Any) -> Array | None:
    from onnx import helper, numpy_helper

    if hasattr(message, "op_type"):
        attribute = message.attribute[0]
        if attribute.name == "value":
            message = attribute.t
        elif attribute.name in ("value_int", "value_ints"):
            return np.asarray(helper.get_attribute_value(attribute), np.int64)
        elif attribute.name in ("value_float", "value_floats"):
            return np.asarray(helper.get_attribute_value(attribute), np.float32)
        else:
            return None
    array = np.asarray(numpy_helper.to_array(message))
    if array.dtype.kind in "fiub":
        return array
    return _widened(array)


def _widened(array: Array) -> Array | None:
    """Types that numpy does not have (bfloat16, 4 bits) as the next one that it has."""
    name = array.dtype.name
    if name.startswith(("bfloat", "float8", "float4")):
        return array.astype(np.float32)
    if name.startswith(("int", "uint")):
        return array.astype(np.int8 if name.startswith("int") else np.uint8)
    return None


def plain(attribute: Any) -> Iterator[Any]:
    """The value of an attribute as numbers, text, and tuples of them; nothing for a graph."""
    from onnx import helper, numpy_helper

    if attribute.type == attribute.TENSOR:
        array = np.asarray(numpy_helper.to_array(attribute.t))
        yield tuple(array.reshape(-1).tolist())
        return
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, int | float):
        yield value
    elif isinstance(value, str) or not hasattr(value, "__iter__"):
        return
    else:
        parts = list(value)
        if all(isinstance(part, int | float | bytes) for part in parts):
            yield tuple(p.decode("utf-8", "replace") if isinstance(p, bytes) else p for p in parts)
