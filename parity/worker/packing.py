"""Values as JSON and back: plain data, tensors, and the data of ``runtimes.contract``.

Tuples stay tuples and lists lists; an array becomes its place on a shelf. What has no form of its
own here is refused: as text it would be taken for what it is not.
"""

import dataclasses
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from ..runtimes.contract import Artifact, Dataset, Graph, Op, Quantization, TensorSpec

_TYPES = {
    "artifact": Artifact,
    "dataset": Dataset,
    "quantization": Quantization,
    "spec": TensorSpec,
    "op": Op,
    "graph": Graph,
}
_KEYS = {kind: key for key, kind in _TYPES.items()}

Put = Callable[[np.ndarray], Any]
Get = Callable[[Sequence[Any]], np.ndarray]


def pack(value: Any, put: Put) -> Any:
    """A value as JSON data; ``put`` shelves its arrays. TypeError for what has no form here."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return {"tensor": put(value.astype(str) if value.dtype.hasobject else value)}
    if isinstance(value, np.generic):
        return pack(value.item(), put)
    if isinstance(value, list):
        return [pack(item, put) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [pack(item, put) for item in value]}
    if isinstance(value, frozenset):
        return {"set": [pack(item, put) for item in value]}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if type(value) in _KEYS:
        given = [pack(getattr(value, one.name), put) for one in dataclasses.fields(value)]
        return {_KEYS[type(value)]: given}
    if isinstance(value, Mapping):
        return {"dict": [[pack(key, put), pack(item, put)] for key, item in value.items()]}
    raise TypeError(
        f"expected numbers, text, arrays, data of parity.runtimes.contract and containers of them, "
        f"found a {type(value).__module__}.{type(value).__qualname__}: {value!r:.80}"
    )


def unpack(data: Any, get: Get) -> Any:
    """The value again; ``get`` finds its arrays. ValueError for what ``pack`` does not write."""
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if isinstance(data, list):
        return [unpack(item, get) for item in data]
    if not isinstance(data, dict) or len(data) != 1:
        raise ValueError(f"expected a packed value, found {str(data)[:80]}")
    ((key, held),) = data.items()
    if key == "tensor":
        return get(held)
    if key == "tuple":
        return tuple([unpack(item, get) for item in held])
    if key == "set":
        return frozenset([unpack(item, get) for item in held])
    if key == "dict":
        return {unpack(name, get): unpack(item, get) for name, item in held}
    if key == "bytes":
        return held.encode("latin-1")
    if key not in _TYPES:
        raise ValueError(f"expected a packed value, found a {key!r}")
    return _TYPES[key](*[unpack(item, get) for item in held])
