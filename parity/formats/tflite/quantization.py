"""How a TFLite model is quantised, told from its tensors and never from its name.

Source: TensorFlow Lite, post-training quantization (dynamic range, float16, full integer,
16-bit activations with 8-bit weights).
"""

from typing import Any, Dict, List, Optional, Sequence

from ..shapes import counted
from .subgraphs import Part, Stored

_EDGES = ("QUANTIZE", "DEQUANTIZE")
_NARROW = ("int8", "uint8", "int4", "int2", "uint4")
_FLOATS = ("float32", "float16", "bfloat16")
_DATA_ONLY = ("RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "SHAPE", "CAST")


def quantization(parts: Sequence[Part]) -> Dict[str, Any]:
    """The style in words, and the counts that it follows from.

    Styles: none, float16, dynamic range, full int8 (all ops on 8-bit integers), int16x8 (16-bit
    activations), mixed (some ops on integers, some on floats). ``tensors`` counts all by dtype,
    ``weights`` those with data, ``ops`` those that compute by what they compute in.
    """
    every = [one for part in parts for one in part.tensors]
    ops = counted(kind for part in parts for kind in _computes(part))
    weights = [one for one in every if one.constant and one.scales and _is_narrow(one)]
    return {
        "style": _style(every, ops, weights),
        "tensors": counted(one.tensor.dtype for one in every),
        "weights": counted(one.tensor.dtype for one in every if one.constant),
        "ops": ops,
        "granularity": _granularity(weights),
        "per_channel_weights": sum(one.scales > 1 for one in weights),
        "per_tensor_weights": sum(one.scales == 1 for one in weights),
    }


def _style(every: Sequence[Stored], ops: Dict[str, int], weights: Sequence[Stored]) -> str:
    integer = {kind: n for kind, n in ops.items() if kind not in ("float", "other")}
    if integer and ops.get("float"):
        return "mixed"
    if integer:
        return "int16x8" if "int16" in integer else "full int8"
    if weights:
        return "dynamic range"
    halves = any(one.constant and one.tensor.dtype == "float16" for one in every)
    return "float16" if halves else "none"


def _computes(part: Part) -> List[str]:
    """For each op that computes: int8, int16, float, or other (indices, flags, states)."""
    found = []
    for op, name in zip(part.ops, part.names):
        if name in _EDGES or not op.outputs:
            continue
        outputs = [part.tensors[i] for i in op.outputs if i >= 0]
        if any(one.scales and _is_narrow(one) for one in outputs):
            found.append("int8")
        elif any(one.scales and one.tensor.dtype == "int16" for one in outputs):
            found.append("int16")
        elif any(one.tensor.dtype in _FLOATS for one in outputs) and name not in _DATA_ONLY:
            found.append("float")
        else:
            found.append("other")
    return found


def _is_narrow(one: Stored) -> bool:
    return one.tensor.dtype in _NARROW


def _granularity(weights: Sequence[Stored]) -> Optional[str]:
    if not weights:
        return None
    many = sum(one.scales > 1 for one in weights)
    if not many:
        return "per tensor"
    return "per channel" if many == len(weights) else "per channel and per tensor"
