"""Tensors of every kind that PyTorch has as arrays and prints: sparse, conjugated, quantised."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from parity.roundtrip.weights import Print, fingerprint
from parity.tensors import Array


def dense(tensor: Any) -> Any:
    """The numbers of a tensor, whatever holds them: strided, on the CPU, none of them lazy."""
    import torch

    found = tensor.detach()
    if found.is_quantized:
        found = found.dequantize()
    if found.layout is not torch.strided:
        found = found.to_dense()
    return found.cpu().resolve_conj().resolve_neg().contiguous()


def array(tensor: Any) -> Array:
    """A tensor as an array; a dtype that numpy does not have becomes float32."""
    plain = dense(tensor)
    try:
        found: Array = plain.numpy()
    except TypeError:  # bfloat16 and the kinds of float8
        found = plain.float().numpy()
    return found


def printed(tensor: Any) -> Print:
    """The print of a tensor, also of a dtype that numpy does not have."""
    import torch

    plain = dense(tensor)
    found = fingerprint(plain.reshape(-1).view(torch.uint8).numpy())
    layout = "" if tensor.layout is torch.strided else f" {_last(tensor.layout)}"
    return Print(tuple(plain.shape), f"{_last(tensor.dtype)}{layout}", found.sha256)


def of_state(value: Any) -> Print | None:
    """The print of an entry of a state dict, as an extra state or packed weights; else None."""
    import torch

    if isinstance(value, torch.Tensor):
        return printed(value)
    told = _told(value)
    if told is None:
        return None
    return Print((), type(value).__name__, hashlib.sha256(told.encode()).hexdigest())


def _told(value: Any) -> str | None:
    """What a value is, in words that are the same for an equal one; None where nobody knows."""
    import torch

    if isinstance(value, torch.Tensor):
        return repr(printed(value))
    if isinstance(value, np.ndarray):
        return repr(fingerprint(value)) if value.dtype.kind in "biufc" else None
    if isinstance(value, Mapping):
        parts = [part for pair in value.items() for part in map(_told, pair)]
    elif isinstance(value, (list, tuple)):
        parts = [_told(one) for one in value]
    elif value is None or isinstance(value, (bool, int, float, str, bytes, torch.dtype)):
        return repr(value)
    else:
        return None
    return None if None in parts else f"({', '.join(map(str, parts))})"


def _last(name: Any) -> str:
    return str(name).removeprefix("torch.")
