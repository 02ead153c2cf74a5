"""Files that are recognised by how they begin: TFLite, ONNX and what TensorFlow writes."""

import mmap
import os
import re
from typing import Any, Optional, Set, Tuple

from . import wire
from .content import Content
from .model_file import ModelFile, Start

_GRAPH_FIELDS = {(1, wire.BYTES), (2, wire.BYTES), (3, wire.VARINT), (4, wire.BYTES)}
_TABLE_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")


def of_folder(path: str) -> ModelFile:
    """A SavedModel, or a folder that is none."""
    return ModelFile(path, _directory(path))


def of_magic(start: Start) -> Optional[ModelFile]:
    """TFLite says what it is at the beginning."""
    if start.head[4:8] == b"TFL3":
        return ModelFile(start.path, Content("tflite", "a TFLite flatbuffer"))
    return None


def of_file(start: Start) -> Optional[ModelFile]:
    """TensorFlow's checkpoints, and protobuf messages, which do not say what they are."""
    found = _checkpoint(start.path, start.size) or _protobuf(start.path)
    return ModelFile(start.path, found) if found else None


def _checkpoint(path: str, size: int) -> Optional[Content]:
    """TensorFlow's checkpoints: an index, which is a table of LevelDB, and data that are bare."""
    with open(path, "rb") as handle:
        handle.seek(max(0, size - 8))
        if size >= 48 and handle.read() == _TABLE_MAGIC:
            return Content("checkpoint", "the index of a TensorFlow checkpoint")
    stem, dot, shard = path.rpartition(".data-")
    if dot and re.fullmatch(r"\d{5}-of-\d{5}", shard) and os.path.isfile(stem + ".index"):
        return Content("checkpoint", "the data of a TensorFlow checkpoint")
    return None


def _directory(path: str) -> Content:
    names = ("saved_model.pb", "saved_model.pbtxt", "saved_model.cpb")
    if any(os.path.isfile(os.path.join(path, name)) for name in names):
        return Content("savedmodel", "a SavedModel directory")
    for name in sorted(os.listdir(path)):  # as TensorFlow Serving numbers them
        if os.path.isfile(os.path.join(path, name, "saved_model.pb")):
            return Content("directory", f"a directory whose folder {name} is a SavedModel")
    return Content("directory", "a directory without saved_model.pb")


def _protobuf(path: str) -> Optional[Content]:
    """ONNX's ModelProto has a graph (7) and opsets (8); a SavedModel has only fields 1 and 2.

    A GraphDef is a list of nodes (1), functions (2) and versions (4).
    """
    seen: Set[Tuple[int, int]] = set()
    truncated = graph = False
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            for field in wire.fields(data):
                if not seen:
                    graph = _is_node(data, field)
                seen.add((field.number, field.wire))
        except wire.Malformed as error:
            truncated = error.truncated
            if not truncated:
                return None
    if graph and seen <= _GRAPH_FIELDS:
        if truncated:
            return Content("truncated", "a truncated protobuf file (a frozen graph cut off?)")
        return Content("frozen-graph", "a frozen TensorFlow graph (GraphDef)")
    if (1, wire.VARINT) not in seen:
        return None
    if truncated:
        return Content("truncated", "a truncated protobuf file (an ONNX model cut off?)")
    if (7, wire.BYTES) in seen:
        return Content("onnx", "an ONNX model")
    if seen <= {(1, wire.VARINT), (2, wire.BYTES)} and (2, wire.BYTES) in seen:
        return Content("unknown", "the saved_model.pb of a SavedModel (name its directory)")
    return None


def _is_node(data: Any, field: wire.Field) -> bool:
    """Whether the field is a NodeDef: a name (1), an op that is one word (2), texts."""
    if (field.number, field.wire) != (1, wire.BYTES):
        return False
    try:
        inner = list(wire.fields(data, field.start, field.end))
    except wire.Malformed:
        return False
    ops = [wire.text(data, one) for one in inner if (one.number, one.wire) == (2, wire.BYTES)]
    shaped = all(one.wire == wire.BYTES and one.number <= 8 for one in inner)
    return shaped and len(ops) == 1 and ops[0].replace("_", "").replace(">", "").isalnum()
