"""In which precision a file holds its network: told from the types of its weights."""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from parity.errors import ParityError
from parity.formats import wire

GRAPH, INITIALIZER, DIMS, DATA_TYPE = 7, 5, 1, 2  # fields of ONNX's messages
ONNX_TYPES = {1: "float32", 2: "uint8", 3: "int8", 10: "float16", 11: "float64", 16: "bfloat16"}
MOST = 0.5  # of the numbers


def precision(path: Path, kind: str) -> tuple[str, str]:
    """A tolerance's name, "float32", "float16" or "int8", and what was seen ("" for nothing)."""
    try:
        if kind == "onnx":
            return _told(_onnx(path), "")
        if kind == "tflite":
            return _tflite(path)
    except (OSError, ValueError, wire.Malformed, ParityError):
        pass
    return "float32", ""


def _told(counts: Mapping[str, int], more: str) -> tuple[str, str]:
    total = sum(counts.values())
    if not total:
        return "float32", ""
    whole = counts.get("int8", 0) + counts.get("uint8", 0)
    half = counts.get("float16", 0) + counts.get("bfloat16", 0)
    if whole > MOST * total:
        return "int8", f"{_share(whole, total)} of the weights are 8-bit integers{more}"
    if half > MOST * total:
        return "float16", f"{_share(half, total)} of the weights are float16"
    return "float32", "the weights are float32"


def _share(part: int, total: int) -> str:
    """Per cent, never rounded up to all."""
    return f"{part * 1000 // total / 10:g} %"


def _onnx(path: Path) -> Counter[str]:
    """How many numbers the graph's initializers hold, by type."""
    counts: Counter[str] = Counter()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for graph in wire.fields(data):
            if graph.number == GRAPH and graph.wire == wire.BYTES:
                for tensor in wire.children(data, graph, INITIALIZER):
                    kind, numbers = _tensor(data, tensor)
                    counts[kind] += numbers
    counts.pop("", None)
    return counts


def _tensor(data: Any, tensor: wire.Field) -> tuple[str, int]:
    """Type ("" for one that holds no weights) and number of elements."""
    kind, edges = 0, []
    for field in wire.fields(data, tensor.start, tensor.end):
        if field.number == DATA_TYPE and field.wire == wire.VARINT:
            kind, _ = wire.varint(data, field.start, field.end)
        elif field.number == DIMS:
            at = field.start
            while at < field.end:  # one number, or several packed
                edge, at = wire.varint(data, at, field.end)
                edges.append(edge)
    return ONNX_TYPES.get(kind, ""), prod(edges)


def _tflite(path: Path) -> tuple[str, str]:
    from parity.layers.subjects.tflite import file as tflite_file

    file = tflite_file.read(path)
    counts: Counter[str] = Counter()
    subgraph = file.model.subgraphs[0]
    for name, tensor in zip(file.names, subgraph.tensors, strict=True):
        buffer = file.model.buffers[tensor.buffer].data
        kind = file.dtypes.get(name, "")
        if buffer is not None and kind in ONNX_TYPES.values() and tensor.shape is not None:
            counts[kind] += prod(int(edge) for edge in tensor.shape)
    return _told(counts, "" if file.grids else ", its activations float32")
