"""Fully cut ONNX models: every op reads inputs of its own and gives all its outputs.

What is *one op* in a quantised (QDQ) model: the op together with the DequantizeLinear that makes
each of its inputs, and with the QuantizeLinear behind it where that alone reads its output. This is
the unit that the runtime fuses into one integer kernel; cut between them, it would be a float op,
and the kernel that is deployed would never be measured. So such an op takes integers and gives
integers, and its output stands for the float tensor *after* rounding to the grid. A QuantizeLinear
or DequantizeLinear on its own is an op like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.layers.graph.dialects import qlinear
from parity.layers.graph.dialects.qlinear import Scaled
from parity.layers.graph.semantics import op_type, stores
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.cutting import Cut, Ends, Port, Sizes
from parity.layers.subjects.onnx.file import OnnxFile
from parity.layers.subjects.subject import OpFeeds
from parity.runtimes.contract import Op
from parity.tensors import Array

_SUBSTANTIAL = 4  # the IR version from which a constant need not be an input


class Units:
    """Which QuantizeLinear and DequantizeLinear belong to an op, and so on which grid it works."""

    def __init__(self, file: OnnxFile) -> None:
        self._file = file
        self._producers = file.graph.producers()
        self._consumers = file.graph.consumers()

    def source(self, op: Op, name: str) -> Op | None:
        """The DequantizeLinear that makes this input of an op, where it belongs to the unit."""
        maker = self._producers.get(name)
        if self._converts(op) or maker is None or not self._reads_back(maker):
            return None
        return maker if maker.inputs[0] in self._file.grids else None

    def behind(self, op: Op) -> Op | None:
        """The QuantizeLinear behind an op, where it belongs to the unit."""
        if self._converts(op) or len(op.outputs) != 1:
            return None
        if op.outputs[0] in self._file.graph.outputs:
            return None
        readers = self._consumers.get(op.outputs[0], ())
        if len(readers) != 1 or not stores(self._file.graph, readers[0]):
            return None
        quantised = any(self.source(op, name) for name in op.inputs if name)
        return readers[0] if quantised and readers[0].outputs[0] in self._file.grids else None

    def _reads_back(self, op: Op) -> bool:
        return op_type(self._file.graph, op) == "DequantizeLinear"

    def _converts(self, op: Op) -> bool:
        return stores(self._file.graph, op) or self._reads_back(op)

    def grid_in(self, op: Op, name: str) -> Grid | None:
        """The grid of an input of an op: its own, or that of the integers behind it."""
        source = self.source(op, name)
        tensor = name if source is None else source.inputs[0]
        return self._file.grids.get(tensor) if tensor in self._file.graph.quantization else None

    def grid_out(self, op: Op, name: str) -> Grid | None:
        """The grid on which an op's output comes out."""
        behind = self.behind(op)
        tensor = name if behind is None else behind.outputs[0]
        return self._file.grids.get(tensor) if tensor in self._file.graph.quantization else None


@dataclass
class _Builder:
    """The graph under construction; ``kept`` are the constants that it holds already."""

    file: OnnxFile
    graph: Any
    units: Units
    producers: Mapping[str, Op]
    kept: set[str] = field(default_factory=set)


def cut(
    file: OnnxFile,
    units: Units,
    shapes: Mapping[int, Sizes],
    dtypes: Mapping[str, str],
    weights: OpFeeds | None = None,
) -> Cut:
    """Cut these ops out, all into one model.

    ``shapes`` are those of each op's inputs that are no constants, by op index and tensor name;
    ``dtypes`` are numpy's names by tensor. With ``weights`` the model holds the *float* ops: no
    DequantizeLinear, no QuantizeLinear, float inputs and outputs, and for each op the given floats
    in the place of its constants of these names.
    """
    builder = _empty(file, units)
    ends = {
        index: _integer_ops(builder, [file.graph.ops[index]], sizes, dtypes)
        if weights is None
        else _float_op(builder, file.graph.ops[index], sizes, dtypes, weights.get(index, {}))
        for index, sizes in shapes.items()
    }
    return Cut(_packed(builder), ends)


def joined(
    file: OnnxFile, units: Units, indices: Sequence[int], sizes: Sizes, dtypes: Mapping[str, str]
) -> Cut:
    """Cut these ops out as they are connected; the model has the outputs of the last one.

    ``indices`` are in execution order; ``sizes`` are the shapes of what they read from other ops,
    by tensor name. Quantisation belongs to the ops at both ends as it does to an op cut alone.
    """
    builder = _empty(file, units)
    ops = [file.graph.ops[index] for index in indices]
    ends = _integer_ops(builder, ops, sizes, dtypes)
    return Cut(_packed(builder), {ops[-1].index: ends})


def _empty(file: OnnxFile, units: Units) -> _Builder:
    from onnx import GraphProto

    return _Builder(file, GraphProto(name="cut"), units, file.graph.producers())


def _packed(builder: _Builder) -> bytes:
    from onnx import ModelProto

    whole = builder.file.model
    model = ModelProto(
        ir_version=max(whole.ir_version, _SUBSTANTIAL),
        opset_import=whole.opset_import,
        functions=whole.functions,
    )
    model.graph.CopyFrom(builder.graph)
    content: bytes = model.SerializeToString()
    return content


def _integer_ops(
    builder: _Builder, ops: Sequence[Op], sizes: Sizes, dtypes: Mapping[str, str]
) -> Ends:
    """One op, or several in execution order with the outputs of the last."""
    op = ops[-1]
    renamed = {name: f"t{one.index}.{slot}" for one in ops[:-1]
               for slot, name in enumerate(one.outputs) if name}  # fmt: skip
    inputs = []
    for one in ops:
        for slot, name in _read(builder, one):
            if name not in renamed:
                inputs.append(_integer_input(builder, one, slot, sizes[name], dtypes, renamed))
        if one is not op:
            _node(builder, one, renamed)
    behind = builder.units.behind(op)
    outputs = []
    for slot, name in enumerate(op.outputs):
        if not name:
            continue
        tensor = name if behind is None else behind.outputs[0]
        port = _port(builder.file, f"o{op.index}.{slot}", name, tensor, dtypes)
        renamed[name] = port.name if behind is None else f"q{op.index}.{slot}"
        outputs.append(port)
    _node(builder, op, renamed)
    if behind is not None:
        _node(builder, behind, {**renamed, behind.outputs[0]: outputs[0].name})
    _outputs(builder, outputs)
    return Ends(tuple(inputs), tuple(outputs))


def _integer_input(
    builder: _Builder,
    op: Op,
    slot: int,
    shape: tuple[int, ...],
    dtypes: Mapping[str, str],
    renamed: dict[str, str],
) -> Port:
    """An input of the model, with the DequantizeLinear that belongs to the op that reads it."""
    name = op.inputs[slot]
    source = builder.units.source(op, name)
    tensor = name if source is None else source.inputs[0]
    port = _port(builder.file, f"i{op.index}.{slot}", name, tensor, dtypes)
    _input(builder, port, shape)
    renamed[name] = port.name
    if source is not None:
        renamed[name] = f"d{op.index}.{slot}"
        _node(builder, source, {source.inputs[0]: port.name, name: renamed[name]})
    return port


def _float_op(
    builder: _Builder, op: Op, sizes: Sizes, dtypes: Mapping[str, str], weights: Mapping[str, Array]
) -> Ends:
    from onnx import numpy_helper

    renamed = {}
    inputs = []
    integers = (*builder.file.grids, *builder.file.graph.opaque)
    floating = {**dtypes, **dict.fromkeys(integers, "float32")}
    for slot, name in _read(builder, op):
        port = Port(f"i{op.index}.{slot}", name, floating[name])
        _input(builder, port, sizes[name])
        renamed[name] = port.name
        inputs.append(port)
    for slot, (name, array) in enumerate(weights.items()):
        renamed[name] = f"w{op.index}.{slot}"
        builder.graph.initializer.append(numpy_helper.from_array(np.asarray(array), renamed[name]))
    outputs = [
        Port(f"o{op.index}.{slot}", name, floating[name])
        for slot, name in enumerate(op.outputs)
        if name
    ]
    renamed.update((port.tensor, port.name) for port in outputs)
    scaled = qlinear.operands(op_type(builder.file.graph, op), len(op.inputs))
    if scaled is None:
        _node(builder, op, renamed)
    else:
        _float_twin(builder, op, scaled, renamed)
    _outputs(builder, outputs)
    return Ends(tuple(inputs), tuple(outputs))


def _float_twin(builder: _Builder, op: Op, scaled: Scaled, renamed: Mapping[str, str]) -> None:
    """The float op of a QLinear op: the same operands without scales and zero points."""
    if op.attributes.get("channels_last"):
        raise ValueError(f"{op.kind} has its channels last, and no float op has")
    read = [op.inputs[slot] for slot in scaled.operands if slot < len(op.inputs)]
    for name in read:
        if name and name not in renamed:
            _keep(builder, name)
    names = [renamed.get(name, name) for name in read]
    made = [renamed.get(name, name) for name in op.outputs]
    node = builder.graph.node.add()
    node.CopyFrom(builder.file.nodes[op.index])
    node.name, node.op_type, node.domain = f"{len(builder.graph.node)}", scaled.floats, ""
    node.input[:], node.output[:] = names, made
    if scaled.floats == "MatMul" and names[2:] and names[2]:  # the float op has no bias of its own
        node.input[:], node.output[:] = names[:2], [f"s{op.index}"]
        builder.graph.node.add(
            name=f"s{op.index}", op_type="Add",
            input=[f"s{op.index}", names[2]], output=made,
        )  # fmt: skip
    elif scaled.floats == "MatMul":
        node.input[:] = names[:2]
    kept = [one for one in node.attribute if one.name not in ("channels_last", "opset")]
    del node.attribute[:]
    node.attribute.extend(kept)


def _read(builder: _Builder, op: Op) -> Iterator[tuple[int, str]]:
    """The tensors that an op reads and that are no constants, each once, with its slot."""
    constants = builder.file.graph.constants
    seen = set()
    for slot, name in enumerate(op.inputs):
        if name and name not in constants and name not in builder.file.stored and name not in seen:
            seen.add(name)
            yield slot, name


def _port(
    file: OnnxFile, name: str, stands_for: str, tensor: str, dtypes: Mapping[str, str]
) -> Port:
    quantization = file.graph.quantization.get(tensor)
    grid = file.grids.get(tensor)
    if quantization is not None and grid is not None:
        return Port(name, stands_for, grid.dtype, quantization)
    return Port(name, stands_for, dtypes[tensor])


def _input(builder: _Builder, port: Port, shape: tuple[int, ...]) -> None:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
    builder.graph.input.append(helper.make_tensor_value_info(port.name, kind, shape))


def _outputs(builder: _Builder, ports: Iterable[Port]) -> None:
    from onnx import ValueInfoProto

    builder.graph.output.extend(ValueInfoProto(name=port.name) for port in ports)


def _node(builder: _Builder, op: Op, renamed: Mapping[str, str]) -> None:
    """A copy of a node with other names, and the constants that it reads."""
    for name in op.inputs:
        if name and name not in renamed:
            _keep(builder, name)
    copy = builder.graph.node.add()
    copy.CopyFrom(builder.file.nodes[op.index])
    copy.name = f"{len(builder.graph.node)}"
    copy.input[:] = [renamed.get(name, name) for name in op.inputs]
    copy.output[:] = [renamed.get(name, name) for name in op.outputs]


def _keep(builder: _Builder, name: str) -> None:
    """Add a constant, and the ops that make it of other constants."""
    if name in builder.kept:
        return
    builder.kept.add(name)
    message = builder.file.stored.get(name)
    if message is None:
        _node(builder, builder.producers[name], {})
    elif hasattr(message, "op_type"):
        builder.graph.node.add().CopyFrom(message)
    else:
        builder.graph.initializer.add().CopyFrom(message)
