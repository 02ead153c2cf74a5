"""TensorFlow's GraphDef and its types, read by field number.

Source: tensorflow/core/framework/{graph,node_def,attr_value,types,tensor_shape}.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from parity.formats.contents import Contents, Tensor
from parity.formats.shapes import counted, elements
from parity.formats.source import Unreadable, bytes_of
from parity.inspecting.protobuf import Message

DTYPES = (
    "", "float32", "float64", "int32", "uint8", "int16", "int8", "str", "complex64", "int64",
    "bool", "qint8", "quint8", "qint32", "bfloat16", "qint16", "quint16", "uint16", "complex128",
    "float16", "resource", "variant", "uint32", "uint64",
)  # fmt: skip
_PASSIVE = ("NoOp", "Assert", "Const", "Placeholder")


def read(path: Path) -> Contents:
    """A frozen graph: a GraphDef whose weights are constants."""
    with bytes_of(str(path)) as data:
        graph = Message(data)
        nodes = list(graph.messages(1))
        if not nodes:
            raise Unreadable("the graph has no node")
        versions = graph.message(4)
        producer = versions.number(1) if versions is not None else 0
        variables = [one.text(1) for one in nodes if one.text(2) in ("VariableV2", "VarHandleOp")]
        notes = ["no runtime here loads a frozen graph: convert it to a SavedModel or to ONNX"]
        if variables:
            notes.append(
                f"it is not frozen: {len(variables)} variables have no value in it "
                f"({variables[0]}); freeze it with its checkpoint"
            )
        return Contents(
            "frozen TensorFlow graph" if not variables else "TensorFlow graph with variables",
            {"graph_version": producer, "ops": counted(one.text(2) for one in nodes)},
            tuple(_placeholders(nodes)),
            tuple(Tensor(name) for name in _ends(nodes)),
            sum(float_constant(one) for one in nodes),
            f"TensorFlow (graph version {producer})" if producer else None,
            tuple(notes),
        )


def dtype(number: int) -> str:
    """A DataType as numpy's name; references count from 101."""
    number = number - 100 if number > 100 else number
    return DTYPES[number] if 0 < number < len(DTYPES) else f"type {number}"


def shape(message: Message | None) -> tuple[int | None, ...] | None:
    """A TensorShapeProto; None where the rank is unknown."""
    if message is None or message.number(3):
        return None
    sizes = [one.number(1) for one in message.messages(2)]
    return tuple(None if size < 0 else size for size in sizes)


def _placeholders(nodes: Sequence[Message]) -> Iterator[Tensor]:
    for node in nodes:
        if node.text(2) == "Placeholder":
            attributes = node.entries(5)
            kind, size = attributes.get("dtype"), attributes.get("shape")
            yield Tensor(
                node.text(1),
                dtype(kind.number(6)) if kind is not None else "",
                shape(size.message(7)) if size is not None else None,
            )


def _ends(nodes: Sequence[Message]) -> Iterator[str]:
    """The nodes that nothing reads."""
    read_names = {name.lstrip("^").split(":")[0] for one in nodes for name in one.texts(3)}
    for node in nodes:
        if node.text(1) not in read_names and node.text(2) not in _PASSIVE:
            yield node.text(1)


def float_constant(node: Message) -> int:
    """How many numbers a node holds, where it is a constant of floats; shapes do not count."""
    if node.text(2) != "Const":
        return 0
    value = node.entries(5).get("value")
    tensor = value.message(8) if value is not None else None
    if tensor is None or "float" not in dtype(tensor.number(1)):
        return 0
    return elements(shape(tensor.message(2)) or ())
