"""Seeded faults in TFLite files, float and int8. Each returns the damaged ops' output tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from parity.layers.subjects.tflite import file as tflite_file
from parity.tensors import Array

Rng = np.random.Generator
Damage = set[str]

_CONVS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 9: np.int8}


class Model:
    """A model under the knife; tensors by index."""

    def __init__(self, path: str) -> None:
        self.model = schema.ModelT.InitFromPackedBuf(Path(path).read_bytes(), 0)
        self.graph = self.model.subgraphs[0]
        self.names = tflite_file.parse(self.model).names

    def kind(self, op: Any) -> str:
        return tflite_file.kind_of(self.model, op)

    def ops(self, *kinds: str) -> list[Any]:
        return [op for op in self.graph.operators if self.kind(op) in kinds]

    def readers(self, tensor: int) -> list[Any]:
        return [op for op in self.graph.operators if tensor in op.inputs]

    def get(self, tensor: int) -> Array:
        held = self.graph.tensors[tensor]
        raw = self.model.buffers[held.buffer].data
        return np.frombuffer(bytes(raw), dtype=_DTYPES[held.type]).reshape(held.shape)

    def put(self, tensor: int, array: Array) -> None:
        held = self.graph.tensors[tensor]
        stored = np.ascontiguousarray(array.astype(_DTYPES[held.type]))
        self.model.buffers[held.buffer].data = np.frombuffer(stored.tobytes(), dtype=np.uint8)

    def is_constant(self, tensor: int) -> bool:
        data = self.model.buffers[self.graph.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def scale(self, tensor: int) -> Array:
        return np.asarray(self.graph.tensors[tensor].quantization.scale, dtype=np.float64)

    def output(self, op: Any) -> Damage:
        return {self.names[op.outputs[0]]}

    def save(self, path: str) -> None:
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        Path(path).write_bytes(bytes(builder.Output()))


def _some(rng: Rng, options: list[Any]) -> Any:
    return options[int(rng.integers(len(options)))] if options else None


def _weighted(model: Model) -> list[Any]:
    return [op for op in model.ops(*_CONVS) if model.is_constant(op.inputs[1])]


def weights(share: float) -> Callable[[Model, Rng], Damage]:
    """Every weight of one layer off by the share, up or down."""

    def damage(model: Model, rng: Rng) -> Damage:
        op = _some(rng, _weighted(model))
        array = model.get(op.inputs[1])
        changed = array * (1 + share * rng.choice([-1.0, 1.0], size=array.shape))
        if array.dtype == np.int8:
            changed = np.clip(np.rint(changed), -127, 127)
        model.put(op.inputs[1], changed)
        return model.output(op)

    return damage


def transposed(model: Model, rng: Rng) -> Damage:
    """A square weight with its two equal axes swapped: channels, else the kernel's."""
    options = []
    for op in _weighted(model):
        shape = model.get(op.inputs[1]).shape
        if shape[0] == shape[3] > 1 and shape[1] == 1:
            options.append((op, (3, 1, 2, 0)))
        elif shape[1] == shape[2] > 1:
            options.append((op, (0, 2, 1, 3)))
    op, order = _some(rng, options)
    model.put(op.inputs[1], model.get(op.inputs[1]).transpose(order))
    return model.output(op)


def _fused(model: Model, kinds: tuple[int, ...]) -> list[Any]:
    wanted = (*_CONVS, "ADD", "MUL")
    return [op for op in model.ops(*wanted) if op.builtinOptions.fusedActivationFunction in kinds]


def missing_activation(model: Model, rng: Rng) -> Damage:
    """A fused activation left out."""
    op = _some(rng, _fused(model, (1, 3)))
    if op is None:
        return set()
    op.builtinOptions.fusedActivationFunction = 0
    return model.output(op)


def relu6_to_relu(model: Model, rng: Rng) -> Damage:
    """ReLU6 turned to ReLU."""
    op = _some(rng, _fused(model, (3,)))
    if op is None:
        return set()
    op.builtinOptions.fusedActivationFunction = 1
    return model.output(op)


def padding(model: Model, rng: Rng) -> Damage:
    """Zeros on the other sides: of a PAD op, else of a conv with SAME padding, made explicit."""
    pads = [op for op in model.ops("PAD") if _uneven(model.get(op.inputs[1]))]
    if pads and rng.random() < 0.5:
        op = _some(rng, pads)
        model.put(op.inputs[1], model.get(op.inputs[1])[:, ::-1])
        return model.output(op)
    options = [
        op
        for op in _weighted(model)
        if op.builtinOptions.padding == 0 and _frame(model, op) is not None
    ]
    op = _some(rng, options)
    return set() if op is None else _framed(model, op)


def _uneven(pads: Array) -> bool:
    return bool((pads[:, 0] != pads[:, 1]).any())


def _frame(model: Model, op: Any) -> Array | None:
    """The zeros that SAME puts around a map, (4, 2); None where it puts none."""
    before = model.graph.tensors[op.inputs[0]].shape
    after = model.graph.tensors[op.outputs[0]].shape
    kernel = model.graph.tensors[op.inputs[1]].shape
    options = op.builtinOptions
    if options.dilationHFactor != 1 or options.dilationWFactor != 1:
        return None
    frame = np.zeros((4, 2), dtype=np.int32)
    for axis, stride in ((1, options.strideH), (2, options.strideW)):
        total = max((after[axis] - 1) * stride + kernel[axis] - before[axis], 0)
        frame[axis] = total // 2, total - total // 2
    return frame if frame.any() else None


def _framed(model: Model, op: Any) -> Damage:
    """The conv's SAME padding as a PAD op, with the zeros of the far side in front."""
    frame = _frame(model, op)
    assert frame is not None
    right = np.stack([frame.sum(axis=1), np.zeros(4, dtype=np.int32)], axis=1)
    moved = frame[:, ::-1] if _uneven(frame) else right
    source = model.graph.tensors[op.inputs[0]]
    shape = [int(size) + int(one.sum()) for size, one in zip(source.shape, frame, strict=True)]
    framed = _tensor(model, "framed", shape, source.type, source.quantization, None)
    sides = _tensor(model, "frame", [4, 2], 2, None, moved)
    pad = schema.OperatorT()
    pad.opcodeIndex = _code(model, 34)
    pad.inputs, pad.outputs = [op.inputs[0], sides], [framed]
    pad.builtinOptionsType, pad.builtinOptions = 22, schema.PadOptionsT()
    place = next(i for i, one in enumerate(model.graph.operators) if one is op)
    model.graph.operators.insert(place, pad)
    op.inputs = [framed, *list(op.inputs)[1:]]
    op.builtinOptions.padding = 1
    return {"framed", *model.output(op)}


def _tensor(
    model: Model, name: str, shape: list[int], kind: int, quantization: Any, value: Array | None
) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name.encode(), shape, kind
    tensor.quantization = quantization
    tensor.buffer = 0
    model.graph.tensors.append(tensor)
    model.names = (*model.names, name)
    if value is not None:
        tensor.buffer = len(model.model.buffers)
        model.model.buffers.append(schema.BufferT())
        model.put(len(model.graph.tensors) - 1, value)
    return len(model.graph.tensors) - 1


def _code(model: Model, builtin: int) -> int:
    for place, code in enumerate(model.model.operatorCodes):
        if code.builtinCode == builtin:
            return place
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 2
    model.model.operatorCodes.append(code)
    return len(model.model.operatorCodes) - 1


def epsilon(model: Model, rng: Rng) -> Damage:
    """A folded batch norm, folded with another epsilon."""
    op = _some(rng, _weighted(model))
    array = model.get(op.inputs[1])
    deep = model.kind(op) == "DEPTHWISE_CONV_2D"
    factors = rng.uniform(0.75, 1.0, size=array.shape[3] if deep else array.shape[0])
    along = (1, 1, 1, -1) if deep else (-1, 1, 1, 1)
    model.put(op.inputs[1], array * factors.reshape(along))
    return model.output(op)


def swapped(model: Model, rng: Rng) -> Damage:
    """Two operands of one concatenation the wrong way round."""
    op = _some(rng, [op for op in model.ops("CONCATENATION") if len(op.inputs) > 1])
    if op is None:
        return set()
    first, second = rng.choice(len(op.inputs), size=2, replace=False)
    inputs = list(op.inputs)
    inputs[first], inputs[second] = inputs[second], inputs[first]
    op.inputs = inputs
    return model.output(op)


def miswired(model: Model, rng: Rng) -> Damage:
    """A conv at a fork that reads another, earlier map of the same shape."""
    made: list[int] = []
    options = []
    for op in model.graph.operators:
        if model.kind(op) in _CONVS and len(model.readers(op.inputs[0])) > 1:
            shape = list(model.graph.tensors[op.inputs[0]].shape)
            same = [one for one in made if list(model.graph.tensors[one].shape) == shape]
            options += [(op, one) for one in same if one != op.inputs[0]]
        if model.kind(op) in (*_CONVS, "ADD"):
            made.append(op.outputs[0])
    if not options:
        return set()
    op, wrong = _some(rng, options)
    op.inputs = [wrong, *list(op.inputs)[1:]]
    if model.get(op.inputs[1]).dtype == np.int8:
        _rescale_bias(model, op)
    return model.output(op)


def per_tensor_depthwise(model: Model, rng: Rng) -> Damage:
    """A depthwise weight with one scale for all channels."""
    op = _some(rng, model.ops("DEPTHWISE_CONV_2D"))
    if op is None:
        return set()
    weight, scales = op.inputs[1], model.scale(op.inputs[1])
    real = model.get(weight) * scales
    step = float(np.abs(real).max() / 127)
    model.put(weight, np.clip(np.rint(real / step), -127, 127))
    model.graph.tensors[weight].quantization.scale = np.full(scales.size, step, np.float32)
    _rescale_bias(model, op)
    return model.output(op)


def _rescale_bias(model: Model, op: Any) -> None:
    """Keep a bias's real values where its scale follows the weight's and the input's."""
    if len(op.inputs) < 3 or op.inputs[2] < 0:
        return
    bias = op.inputs[2]
    before = model.scale(bias)
    after = model.scale(op.inputs[0])[0] * model.scale(op.inputs[1])
    model.put(bias, np.rint(model.get(bias) * before / after))
    model.graph.tensors[bias].quantization.scale = after.astype(np.float32)


def bad_range(model: Model, rng: Rng) -> Damage:
    """An activation's scale a quarter, or eight times, of what it should be."""
    options = []
    for op in model.ops(*_CONVS, "ADD"):
        readers = model.readers(op.outputs[0])
        if readers and all(model.kind(one) in (*_CONVS, "ADD") for one in readers):
            options.append((op, readers))
    op, readers = _some(rng, options)
    factor = float(rng.choice([0.25, 8.0]))
    held = model.graph.tensors[op.outputs[0]].quantization
    held.scale = (model.scale(op.outputs[0]) * factor).astype(np.float32)
    for reader in readers:
        if model.kind(reader) in _CONVS:
            _rescale_bias(model, reader)
    return model.output(op)


FLOAT = {
    "weights 2 %": weights(0.02),
    "weights 20 %": weights(0.2),
    "missing activation": missing_activation,
    "relu6 to relu": relu6_to_relu,
    "wrong padding": padding,
    "epsilon": epsilon,
    "transposed weight": transposed,
    "swapped branch": swapped,
    "miswired branch": miswired,
}
INT8 = {
    "weights 2 %": weights(0.02),
    "epsilon": epsilon,
    "weights 20 %": weights(0.2),
    "missing activation": missing_activation,
    "wrong padding": padding,
    "transposed weight": transposed,
    "swapped branch": swapped,
    "miswired branch": miswired,
    "per-tensor depthwise": per_tensor_depthwise,
    "bad range": bad_range,
}
