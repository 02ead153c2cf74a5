"""TensorFlow's GraphDef and its types, read by field number.

Source: tensorflow/core/framework/{graph,node_def,attr_value,types,tensor_shape}.proto.
"""

from typing import Iterator, Optional, Sequence, Tuple

from .. import wire
from ..content import Content
from ..contents import Contents, Tensor
from ..model_file import ModelFile
from ..protobuf import Message, Opened, ProtobufFile
from ..shapes import counted, elements
from ..source import Unreadable

DTYPES = (
    "", "float32", "float64", "int32", "uint8", "int16", "int8", "str", "complex64", "int64",
    "bool", "qint8", "quint8", "qint32", "bfloat16", "qint16", "quint16", "uint16", "complex128",
    "float16", "resource", "variant", "uint32", "uint64",
)  # fmt: skip
_FIELDS = {(1, wire.BYTES), (2, wire.BYTES), (3, wire.VARINT), (4, wire.BYTES)}
_PASSIVE = ("NoOp", "Assert", "Const", "Placeholder")


class GraphFile(ProtobufFile):
    """A frozen graph: a GraphDef whose weights are constants."""

    def _contents(self) -> Contents:
        graph = self.message
        nodes = graph.messages(1)
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


def of_message(path: str, top: Opened) -> Optional[ModelFile]:
    """A GraphDef is a list of nodes (1), functions (2) and versions (4)."""
    if not top.message.kinds() <= _FIELDS or not _begins_with_node(top.message):
        return None
    if top.message.broken is not None:
        phrase = "a truncated protobuf file (a frozen graph cut off?)"
        return ProtobufFile(path, Content("truncated", phrase), top)
    return GraphFile(path, Content("frozen-graph", "a frozen TensorFlow graph (GraphDef)"), top)


def _begins_with_node(top: Message) -> bool:
    """Whether the first field is a NodeDef: a name (1), an op that is one word (2), texts."""
    first = top.first
    if first is None or (first.number, first.wire) != (1, wire.BYTES):
        return False
    node = Message(top.data, first.start, first.end)
    ops = node.texts(2)
    shaped = all(kind == wire.BYTES and number <= 8 for number, kind in node.kinds())
    word = len(ops) == 1 and ops[0].replace("_", "").replace(">", "").isalnum()
    return node.broken is None and shaped and word


def dtype(number: int) -> str:
    """A DataType as numpy's name; references count from 101."""
    number = number - 100 if number > 100 else number
    return DTYPES[number] if 0 < number < len(DTYPES) else f"type {number}"


def shape(message: Optional[Message]) -> Optional[Tuple[Optional[int], ...]]:
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
