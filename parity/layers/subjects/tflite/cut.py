"""Fully cut TFLite models: every op reads inputs of its own and gives all its outputs."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.layers.subjects.cutting import Cut, Ends, Port, Sizes
from parity.layers.subjects.subject import OpFeeds
from parity.layers.subjects.tflite.file import TFLiteFile, schema
from parity.runtimes.contract import Op
from parity.tensors import Array

_MAGIC = b"TFL3"


@dataclass
class _Builder:
    """The model under construction. ``kept`` says where a tensor of the whole model is in it."""

    file: TFLiteFile
    producers: Mapping[str, Op]
    model: Any
    kept: dict[str, int] = field(default_factory=dict)

    @property
    def graph(self) -> Any:
        return self.model.subgraphs[0]


def cut(
    file: TFLiteFile,
    shapes: Mapping[int, Sizes],
    made: Sizes,
    weights: OpFeeds | None = None,
) -> Cut:
    """Cut these ops out, all into one model.

    ``shapes`` are those of each op's inputs that are no constants, by op index and tensor name, and
    ``made`` those of tensors as a run has shown them: what the file says may be open or wrong. With
    ``weights`` the model holds the *float* ops: every quantised tensor is float32, and each op
    reads the given floats in the place of its constants of these names.
    """
    builder = _Builder(file, file.graph.producers(), _empty(file))
    ends = {}
    for index, sizes in shapes.items():
        floats = None if weights is None else weights.get(index, {})
        ends[index] = _ops(builder, [file.graph.ops[index]], sizes, made, floats)
    return Cut(_packed(builder.model), ends)


def joined(file: TFLiteFile, indices: Sequence[int], sizes: Sizes, made: Sizes) -> Cut:
    """Cut these ops out as they are connected; the model has the outputs of the last one.

    ``indices`` are in execution order; ``sizes`` are the shapes of what they read from other ops.
    """
    builder = _Builder(file, file.graph.producers(), _empty(file))
    ops = [file.graph.ops[index] for index in indices]
    ends = _ops(builder, ops, sizes, made, None)
    return Cut(_packed(builder.model), {ops[-1].index: ends})


def _packed(model: Any) -> bytes:
    import flatbuffers  # type: ignore[import-untyped]

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _MAGIC)
    return bytes(builder.Output())


def _empty(file: TFLiteFile) -> Any:
    generated = schema()
    model = generated.ModelT()
    model.version = file.model.version
    model.operatorCodes = file.model.operatorCodes
    model.buffers = [generated.BufferT()]
    graph = generated.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    model.subgraphs = [graph]
    return model


def _ops(
    builder: _Builder,
    ops: Sequence[Op],
    sizes: Sizes,
    made: Sizes,
    floats: Mapping[str, Array] | None,
) -> Ends:
    """One op, or several in execution order with the outputs of the last."""
    inputs: list[Port] = []
    outputs: list[Port] = []
    places: dict[str, int] = {}
    for op in ops:
        for slot, name in enumerate(op.inputs):
            if name in sizes and name not in places:
                port = _port(builder.file, f"i{op.index}.{slot}", name, floats is not None)
                places[name] = _tensor(builder, port, sizes[name])
                builder.graph.inputs.append(places[name])
                inputs.append(port)
            elif name and name not in places:
                given = (floats or {}).get(name)
                places[name] = (
                    _keep(builder, name) if given is None else _floats(builder, name, given)
                )
        for slot, name in enumerate(op.outputs):
            port = _port(builder.file, f"o{op.index}.{slot}", name, floats is not None)
            places[name] = _tensor(builder, port, made.get(name))
            if op is ops[-1]:
                builder.graph.outputs.append(places[name])
                outputs.append(port)
        _operator(builder, op, places)
    return Ends(tuple(inputs), tuple(outputs))


def _operator(builder: _Builder, op: Op, places: Mapping[str, int]) -> None:
    operator = copy.copy(builder.file.model.subgraphs[0].operators[op.index])
    operator.inputs = [places[name] if name else -1 for name in op.inputs]
    operator.outputs = [places[name] for name in op.outputs]
    operator.intermediates = None
    builder.graph.operators.append(operator)


def _port(file: TFLiteFile, name: str, tensor: str, as_float: bool) -> Port:
    quantization = file.graph.quantization.get(tensor)
    if as_float and quantization is not None:
        return Port(name, tensor, "float32")
    return Port(name, tensor, file.dtypes[tensor], quantization)


def _tensor(builder: _Builder, port: Port, shape: tuple[int, ...] | None) -> int:
    """A tensor without data, of the type that the port says."""
    generated = schema()
    tensor = copy.copy(builder.file.model.subgraphs[0].tensors[builder.file.indices[port.tensor]])
    tensor.name = port.name.encode()
    tensor.buffer = 0
    tensor.shapeSignature = None
    if shape is not None:
        tensor.shape = np.asarray(shape, np.int32)
    if port.quantization is None and builder.file.dtypes[port.tensor] != port.dtype:
        tensor.type = generated.TensorType.FLOAT32
        tensor.quantization = None
    builder.graph.tensors.append(tensor)
    return len(builder.graph.tensors) - 1


def _keep(builder: _Builder, name: str) -> int:
    """A constant of the whole model, with the op that makes it of another one if there is such."""
    if name in builder.kept:
        return builder.kept[name]
    file = builder.file
    tensor = copy.copy(file.model.subgraphs[0].tensors[file.indices[name]])
    maker = builder.producers.get(name)
    places = {} if maker is None else {one: _keep(builder, one) for one in maker.inputs if one}
    tensor.buffer = _buffer(builder, file.model.buffers[tensor.buffer].data)
    builder.graph.tensors.append(tensor)
    builder.kept[name] = len(builder.graph.tensors) - 1
    if maker is not None:
        _operator(builder, maker, {**places, name: builder.kept[name]})
    return builder.kept[name]


def _buffer(builder: _Builder, data: Any) -> int:
    if data is None or not len(data):
        return 0
    buffer = schema().BufferT()
    buffer.data = data
    builder.model.buffers.append(buffer)
    return len(builder.model.buffers) - 1


def _floats(builder: _Builder, name: str, array: Array) -> int:
    """A constant of the float op."""
    generated = schema()
    tensor = generated.TensorT()
    tensor.name = name.encode()
    tensor.type = generated.TensorType.FLOAT32
    tensor.shape = np.asarray(array.shape, np.int32)
    data = np.ascontiguousarray(array, np.float32).reshape(-1).view(np.uint8)
    tensor.buffer = _buffer(builder, data)
    builder.graph.tensors.append(tensor)
    return len(builder.graph.tensors) - 1
