"""ONNX files as graphs, from the file alone; and the same file with every tensor as an output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.errors import ParityError
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.onnx import blocks as onnx_blocks
from parity.layers.subjects.onnx import grids as onnx_grids
from parity.layers.subjects.onnx import order as onnx_order
from parity.layers.subjects.onnx import values as onnx_values
from parity.layers.subjects.refusals import first_line
from parity.runtimes.contract import Graph, Op
from parity.tensors import Array

_STANDARD = ("", "ai.onnx")
_OF_ONNXRUNTIME = ("ai.onnx.ml", "com.microsoft", onnx_blocks.DOMAIN)
_INFERRED = (*_STANDARD, "com.microsoft", onnx_blocks.DOMAIN)  # types that the runtime can infer
_RANDOM = (
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike",
)  # fmt: skip
# Kinds that can make something that is not a tensor of numbers.
_NOT_NUMBERS = (
    "ConcatFromSequence", "If", "LabelEncoder", "Loop", "Optional", "OptionalGetElement", "Scan",
    "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
    "SequenceMap", "SplitToSequence", "StringConcat", "StringNormalizer", "StringSplit",
    "TfIdfVectorizer", "ZipMap",
)  # fmt: skip
# A protobuf message ends here, so a cut or tapped copy of a larger model cannot be written.
_LARGEST = (1 << 31) - (1 << 20)


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """An ONNX model that has been read.

    ``nodes`` are by op index; ``grids`` by tensor name, for every activation that is stored in
    integers of a known scale, and for the floats beside a QuantizeLinear or DequantizeLinear.
    ``stored`` names the protobuf message of each constant (a TensorProto, or a Constant node).
    """

    model: Any
    graph: Graph
    nodes: tuple[Any, ...]
    grids: Mapping[str, Grid]
    stored: Mapping[str, Any]


def read(path: str | Path, block: Callable[[], int | None] | None = None) -> OnnxFile:
    """Read an ONNX file, with the weights that lie in files beside it.

    ``block`` is asked for how many channels the runtime has in a block, should the file hold such;
    see ``blocks.py``. Where that is not known they stay as they are, and cannot be compared.
    """
    onnx = _library(path)
    try:
        return parse(_without_blocks(onnx.load(str(path)), block))
    except ParityError:
        raise
    except Exception as error:
        raise ParityError(f"{path}: expected an ONNX model, found {first_line(error)}") from error


def _without_blocks(model: Any, block: Callable[[], int | None] | None) -> Any:
    """The model without blocks of channels, as far as they are understood."""
    size = block() if block is not None and onnx_blocks.is_blocked(model) else None
    if size is None:
        return model
    try:
        return onnx_blocks.unblocked(model, size)
    except ValueError:  # its rows say what to compare instead
        return model


def parse(model: Any) -> OnnxFile:
    """An ``onnx.ModelProto`` as a graph."""
    size = model.ByteSize()
    if size > _LARGEST:
        raise ParityError(
            f"expected an ONNX model of at most 2 GiB with its weights, found {size / 2**30:.1f} "
            f"GiB: a larger one cannot be written with other outputs"
        )
    stored = {one.name: one for one in model.graph.initializer}
    nodes = []
    for node in onnx_order.in_order(model.graph.node):
        if node.op_type == "Constant" and node.domain in _STANDARD:
            stored[node.output[0]] = node
        else:
            nodes.append(node)
    constants = onnx_values.constants(stored)
    problems = dict(_problems(model, nodes, constants))
    ops = tuple(_op(index, node) for index, node in enumerate(nodes))
    found = onnx_grids.read(ops, constants, problems)
    graph = Graph(
        format="onnx",
        ops=ops,
        inputs=tuple(one.name for one in model.graph.input if one.name not in stored),
        outputs=tuple(one.name for one in model.graph.output),
        constants=constants,
        quantization=found.quantization,
        problems=problems,
        opaque=frozenset(found.opaque | found.blocked),
    )
    return OnnxFile(model, graph, tuple(nodes), found.grids, stored)


def tapped(
    file: OnnxFile, names: Iterable[str], shapes: Mapping[str, tuple[int, ...]] | None = None
) -> bytes:
    """The same model with further outputs: bare names, whose types the runtime infers.

    ``shapes`` fixes open dimensions of inputs, so that the runtime can tell those of the tensors.
    """
    onnx = _library("the model")
    model = onnx.ModelProto()
    model.CopyFrom(file.model)
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in file.graph.outputs
    )
    for one in model.graph.input:
        sizes = (shapes or {}).get(one.name, ())
        declared = one.type.tensor_type.shape.dim
        if len(sizes) == len(declared):
            for dimension, size in zip(declared, sizes, strict=True):
                dimension.dim_value = size
    content: bytes = model.SerializeToString()
    return content


def tappable(file: OnnxFile) -> tuple[str, ...]:
    """The tensors that ops make, in execution order, without constants and what is no tensor."""
    made = [name for op in file.graph.ops for name in op.outputs if name]
    made = [name for name in made if name not in file.graph.constants]
    unknown = {
        name
        for op, node in zip(file.graph.ops, file.nodes, strict=True)
        if node.op_type in _NOT_NUMBERS or node.domain not in _INFERRED
        for name in op.outputs
    }
    if not unknown:
        return tuple(made)
    numeric = set(_inferred(file.model)) | set(file.graph.outputs)
    return tuple(name for name in made if name not in unknown or name in numeric)


def _inferred(model: Any) -> Iterator[str]:
    """The names of values that shape inference knows to be tensors of numbers."""
    onnx = _library("the model")
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except Exception:  # inference is a help: what it cannot tell is not tapped
        return
    for one in inferred.graph.value_info:
        is_tensor = one.type.WhichOneof("value") == "tensor_type"
        if is_tensor and one.type.tensor_type.elem_type not in (0, onnx.TensorProto.STRING):
            yield one.name


def _library(path: str | Path) -> Any:
    try:
        import onnx
        import onnx.shape_inference
    except ImportError as error:
        raise ParityError(
            f"{path}: expected the onnx package, which reads ONNX files, found {error}; "
            f"install it with: pip install 'detector-parity[export]'"
        ) from error
    return onnx


def _op(index: int, node: Any) -> Op:
    kind = node.op_type if node.domain in _STANDARD else f"{node.domain}.{node.op_type}"
    return Op(
        index=index,
        name=node.name or f"{node.op_type}_{index}",
        kind=kind,
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        attributes={one.name: plain for one in node.attribute for plain in onnx_values.plain(one)},
    )


def _problems(
    model: Any, nodes: list[Any], constants: Mapping[str, Array]
) -> Iterator[tuple[int, str]]:
    functions = {(one.domain, one.name) for one in model.functions}
    sparse = {one.values.name for one in model.graph.sparse_initializer}
    captured = any(_graphs(attribute) for node in nodes for attribute in node.attribute)
    for index, node in enumerate(nodes):
        known = node.domain in (*_STANDARD, *_OF_ONNXRUNTIME)
        if captured and any(_graphs(attribute) for attribute in node.attribute):
            yield index, f"{node.op_type} holds graphs of its own (control flow)"
        elif not known and (node.domain, node.op_type) not in functions:
            yield index, f"{node.op_type} is of the custom domain {node.domain!r}"
        elif node.domain == onnx_blocks.DOMAIN:
            yield (
                index,
                (
                    f"{node.op_type} has its channels in one processor's blocks ({node.domain}): "
                    f"compare the file before that optimisation, or one saved at level extended"
                ),
            )
        elif node.op_type in _RANDOM:
            yield index, f"{node.op_type} draws random numbers"
        elif sparse.intersection(node.input):
            yield index, f"{node.op_type} reads a sparse constant"


def _graphs(attribute: Any) -> bool:
    return attribute.type in (attribute.GRAPH, attribute.GRAPHS)
