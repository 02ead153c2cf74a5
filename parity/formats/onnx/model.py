"""ONNX models, read by field number (onnx/onnx.proto); no weight is looked at."""

import os
from collections import Counter
from typing import Any, Dict, Iterator, List, Optional, Union
from typing import Counter as Counts

from .. import wire
from ..content import Content
from ..contents import Contents, Tensor
from ..model_file import ModelFile
from ..protobuf import Message, Opened, ProtobufFile
from ..shapes import counted, elements, listed
from ..source import Unreadable
from . import external

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


class OnnxModel(ProtobufFile):
    """An ONNX model; what else is asked of one than by every format is asked here."""

    def __init__(self, path: str, top: Opened) -> None:
        super().__init__(path, Content("onnx", "an ONNX model"), top)

    def beside(self) -> List[str]:
        """The files in which its weights are, sorted; those that are there."""
        folder = os.path.dirname(self.path)
        names = set(external.locations(self.message))
        found = [os.path.normpath(os.path.join(folder, name)) for name in names]
        return sorted(one for one in found if os.path.isfile(one))

    def externals(self) -> Iterator[external.External]:
        """Where the weights of its graphs are that lie in other files."""
        for graph in self.message.messages(7):
            yield from external.externals(graph.messages(5))

    def metadata(self) -> Dict[str, str]:
        """The texts that whoever exported it put beside the network, by name."""
        return {one.text(1): one.text(2) for one in self.message.messages(14)}

    def numbers(self) -> Counts[str]:
        """How many numbers the initializers hold, by type."""
        counts: Counts[str] = Counter()
        for graph in self.message.messages(7):
            for tensor in graph.messages(5):
                counts[_dtype(tensor.number(2))] += elements(tensor.numbers(1))
        return counts

    def _calls(self) -> Iterator[str]:
        yield from external.outside(self.path, self.message)

    def _contents(self) -> Contents:
        graph = self.message.message(7)
        if graph is None:
            raise Unreadable("the model has no graph")
        return _described(self.path, self.message, graph)


def _described(path: str, model: Message, graph: Message) -> Contents:
    opsets = {one.text(1) or "ai.onnx": one.number(2) for one in model.messages(8)}
    nodes = list(_nodes(graph))
    ops = [_op(node) for node in nodes]
    weights = [*graph.messages(5), *_constants(nodes)]
    domains = sorted({node.text(7) for node in nodes} - {*_STANDARD, *_OF_ONNXRUNTIME})
    local = sorted({one.text(10) for one in model.messages(25)})
    custom = [domain for domain in domains if domain not in local]
    outside, faults = external.judged(path, weights)
    facts: Dict[str, Any] = {
        "ir_version": model.number(1),
        "opsets": opsets,
        "graph": graph.text(2),
        "custom_domains": custom,
        "quantization": _quantization(ops),
        "weights": counted(_dtype(one.number(2)) for one in weights),
        "external_data": outside,
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


def _constants(nodes: List[Message]) -> Iterator[Message]:
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


def _ops_of(nodes: List[Message], domain: str) -> List[str]:
    return sorted({node.text(4) for node in nodes if node.text(7) == domain})


def _quantization(ops: List[str]) -> Dict[str, Any]:
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


def _dimension(one: Message) -> Union[int, str, None]:
    return one.number(1) if one.count(1) else one.text(2) or None


def of_message(path: str, top: Opened) -> Optional[ModelFile]:
    """ONNX's ModelProto has a version of the format (1), and a graph (7)."""
    kinds = top.message.kinds()
    if (1, wire.VARINT) not in kinds:
        return None
    if top.message.broken is not None:
        phrase = "a truncated protobuf file (an ONNX model cut off?)"
        return ProtobufFile(path, Content("truncated", phrase), top)
    return OnnxModel(path, top) if (7, wire.BYTES) in kinds else None
