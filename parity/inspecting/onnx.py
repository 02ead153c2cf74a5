"""ONNX models, read by field number (onnx/onnx.proto); no weight is looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity.formats.contents import Contents, Tensor
from parity.formats.foreign import is_pointer
from parity.formats.shapes import counted, elements, listed
from parity.formats.source import Unreadable, bytes_of
from parity.inspecting.protobuf import Message

# TensorProto.DataType as numpy's names.
DTYPES = (
    "", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "str", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "uint4", "int4", "float4_e2m1",
    "float8_e8m0", "uint2", "int2",
)  # fmt: skip
_STANDARD = ("", "ai.onnx")
_OF_ONNXRUNTIME = ("ai.onnx.ml", "ai.onnx.preview.training", "com.microsoft", "com.microsoft.nchwc")
_DEEPEST = 20
_WEIGHED = (
    "Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "InstanceNormalization",
    "LayerNormalization", "GroupNormalization", "PRelu", "LSTM", "GRU",
)  # fmt: skip
_FLOATS = (1, 10, 11, 16)  # TensorProto's float32, float16, float64 and bfloat16


def read(path: Path) -> Contents:
    """What an ONNX file declares."""
    with bytes_of(str(path)) as data:
        model = Message(data)
        graph = model.message(7)
        if graph is None:
            raise Unreadable("the model has no graph")
        return _contents(path, model, graph)


def _contents(path: Path, model: Message, graph: Message) -> Contents:
    opsets = {one.text(1) or "ai.onnx": one.number(2) for one in model.messages(8)}
    nodes = list(_nodes(graph))
    ops = [_op(node) for node in nodes]
    weights = [*graph.messages(5), *_constants(nodes)]
    domains = sorted({node.text(7) for node in nodes} - {*_STANDARD, *_OF_ONNXRUNTIME})
    local = sorted({one.text(10) for one in model.messages(25)})
    custom = [domain for domain in domains if domain not in local]
    external, faults = _external(path, weights)
    facts: dict[str, Any] = {
        "ir_version": model.number(1),
        "opsets": opsets,
        "graph": graph.text(2),
        "custom_domains": custom,
        "quantization": _quantization(ops),
        "weights": counted(_dtype(one.number(2)) for one in weights),
        "external_data": external,
        "ops": counted(ops),
        "metadata": {one.text(1): one.text(2)[:200] for one in model.messages(14)},
    }
    if not opsets:
        faults.append("it imports no opset: export it again")
    known = {one.text(8) for one in weights}
    producer = " ".join(filter(None, (model.text(2), model.text(3))))
    notes = [
        f"its operators of {domain} ({listed(_ops_of(nodes, domain))}) are custom: register their "
        f"library before it is loaded"
        for domain in custom
    ]
    return Contents(
        "ONNX model",
        facts,
        tuple(_value(one) for one in graph.messages(11) if one.text(1) not in known),
        tuple(_value(one) for one in graph.messages(12)),
        sum(elements(one.numbers(1)) for one in weights),
        producer or None,
        tuple(notes),
        tuple(faults),
    )


def _nodes(graph: Message, deep: int = 0) -> Iterator[Message]:
    """Every node, those inside of If, Loop and Scan too."""
    if deep > _DEEPEST:
        raise Unreadable(f"its graphs are nested more than {_DEEPEST} deep")
    for node in graph.messages(1):
        yield node
        for attribute in node.messages(5):
            for inner in (*attribute.messages(6), *attribute.messages(11)):
                yield from _nodes(inner, deep + 1)


def _constants(nodes: list[Message]) -> Iterator[Message]:
    """Weights in nodes, where some exporters put them: tensors of floats that layers take."""
    taken = {name for node in nodes if node.text(4) in _WEIGHED for name in node.texts(1)[1:]}
    for node in nodes:
        if node.text(4) == "Constant" and taken.intersection(node.texts(2)):
            for attribute in node.messages(5):
                tensor = attribute.message(5)
                if tensor is not None and tensor.number(2) in _FLOATS and tensor.numbers(1):
                    yield tensor


def _op(node: Message) -> str:
    domain = node.text(7)
    return node.text(4) if domain in _STANDARD else f"{domain}::{node.text(4)}"


def _ops_of(nodes: list[Message], domain: str) -> list[str]:
    return sorted({node.text(4) for node in nodes if node.text(7) == domain})


def _quantization(ops: list[str]) -> dict[str, Any]:
    """QDQ: quantise/dequantise pairs around float ops; QOperator: ops on integers."""
    counts = counted(op.split("::")[-1] for op in ops)
    pairs = {op: n for op, n in counts.items() if op in ("QuantizeLinear", "DequantizeLinear")}
    integer = {
        op: n for op, n in counts.items() if op.startswith("QLinear") or op.endswith("Integer")
    }
    dynamic = {op: n for op, n in counts.items() if op.startswith("DynamicQuantize")}
    if dynamic or any(op.endswith("Integer") for op in integer):
        style = "dynamic"
    elif any(op.startswith("QLinear") for op in integer):
        style = "QOperator"
    else:
        style = "QDQ" if pairs else "none"
    return {"style": style, **pairs, **integer, **dynamic}


def _external(path: Path, weights: list[Message]) -> tuple[dict[str, str], list[str]]:
    """Each external file with what became of it, and what is wrong."""
    needed: dict[str, int] = {}
    for weight in weights:
        entries = {one.text(1): one.text(2) for one in weight.messages(13)}
        if "location" in entries:
            offset, length = (
                int(text) if (text := entries.get(key, "")).isdecimal() else 0
                for key in ("offset", "length")
            )
            location = entries["location"]
            needed[location] = max(needed.get(location, 0), offset + length)
    found, faults = {}, []
    for location, size in needed.items():
        state, fault = _judged(path.resolve().parent, location, size)
        found[location] = state
        if fault:
            faults.append(fault)
    return found, faults


def _judged(folder: Path, location: str, size: int) -> tuple[str, str | None]:
    target = Path(os.path.realpath(folder / location))
    if Path(location).is_absolute() or not target.is_relative_to(folder):
        return "outside", (
            f"its weights are expected in {location}, outside of its folder, which no runtime "
            f"reads: save it again with all data beside it"
        )
    if not target.is_file():
        return "missing", (
            f"its weights are expected in {location} beside it, where nothing is: copy that file "
            f"too, or save the model in one file"
        )
    if is_pointer(str(target)):
        return "a Git LFS pointer", (
            f"its weights are expected in {location} beside it, which is a Git LFS pointer: the "
            f"weights were not downloaded, run git lfs pull"
        )
    have = target.stat().st_size
    if have < size:
        return "too short", (
            f"its weights reach to byte {size} of {location}, which has {have} bytes: the file is "
            f"cut off or belongs to another model"
        )
    return "present", None


def _dtype(number: int) -> str:
    return DTYPES[number] if 0 < number < len(DTYPES) else f"type {number}"


def _value(one: Message) -> Tensor:
    """A ValueInfoProto; what is no tensor (a sequence, a map) has no shape and no dtype."""
    kind = one.message(2)
    tensor = kind.message(1) if kind is not None else None
    if tensor is None:
        return Tensor(one.text(1))
    shape = tensor.message(2)
    sizes = None if shape is None else tuple(_dimension(size) for size in shape.messages(1))
    return Tensor(one.text(1), _dtype(tensor.number(1)), sizes)


def _dimension(one: Message) -> int | str | None:
    return one.number(1) if one.count(1) else one.text(2) or None
