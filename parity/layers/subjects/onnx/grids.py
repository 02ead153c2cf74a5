"""Which tensors of an ONNX file are integers for real numbers, and with what scale and zero point.

QuantizeLinear and DequantizeLinear say it of the tensor beside them (QDQ format); the QLinear ops
have the scales and zero points of all their operands among their inputs (QOperator format). What
only moves integers (pooling for the greatest, reshapes, slices) leaves them on the grid that they
are on. Sources: the ONNX operator specification and ONNX Runtime's list of contributed operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from parity.layers.graph.dialects.onnx import Onnx
from parity.layers.graph.dialects.qlinear import Scaled, operands
from parity.layers.graph.roles import Role
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.onnx.blocks import DOMAIN as BLOCKED
from parity.runtimes.contract import Op, Quantization
from parity.tensors import Array, dequantize

_ONNX = Onnx()
_MOVING = (
    "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "NhwcMaxPool", "Pad",
    "Reshape", "Resize", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose",
    "Unsqueeze",
)  # fmt: skip
_INTEGER = ("ConvInteger", "MatMulInteger")
_DYNAMIC = (*_INTEGER, "DynamicQuantizeLinear")
_TO_FLOAT = ("DynamicQuantizeMatMul", "MatMulIntegerToFloat")
_UNSCALED = ("Add", "Cast", "Relu")


@dataclass
class Grids:
    """What the ops say. ``grids`` are of activations.

    ``opaque`` names integers whose scale is computed while the model runs, and ``blocked`` tensors
    whose channels lie in a processor's blocks: their stored numbers alone say nothing.
    """

    quantization: dict[str, Quantization] = field(default_factory=dict)
    grids: dict[str, Grid] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)


def read(ops: Sequence[Op], constants: dict[str, Array], problems: dict[int, str]) -> Grids:
    """Quantisation by tensor.

    Adds to ``constants`` what a DequantizeLinear or an Identity makes of a constant, and to
    ``problems`` the ops that do not say their scales beforehand.
    """
    found = Grids()
    for op in ops:
        kind = _ONNX.op_type(op.kind)
        if kind == "Identity" and op.inputs[0] in constants:
            constants[op.outputs[0]] = constants[op.inputs[0]]
        scaled = operands(kind, len(op.inputs))
        if kind in ("QuantizeLinear", "DequantizeLinear"):
            problem = _between(found, op, constants)
        elif scaled is not None and kind in _TO_FLOAT:
            problem = _to_float(found, op, scaled, constants)
        elif scaled is not None and kind not in _INTEGER:
            problem = _integer_op(found, op, scaled, constants)
        else:
            problem = None
            _pass_on(found, op)
            if kind in _INTEGER:
                _unscaled(found, op, constants)
        if problem is not None:
            problems.setdefault(op.index, problem)
            found.opaque.update(op.outputs if kind != "DequantizeLinear" else ())
    return found


def _between(found: Grids, op: Op, constants: dict[str, Array]) -> str | None:
    """A QuantizeLinear or DequantizeLinear: the integers on one side, the floats on the other."""
    taking = _reads_back(op)
    grid = _grid(op, constants)
    if isinstance(grid, str):
        return grid
    integers, floats = op.inputs[0], op.outputs[0]
    if not taking:
        integers, floats = floats, integers
    found.quantization[integers] = grid.quantization
    if taking and integers in constants:
        constants[floats] = dequantize(constants[integers], grid.quantization)
    else:
        found.grids[integers] = grid
        if taking or floats not in found.grids:
            found.grids[floats] = grid
    return None


def _grid(op: Op, constants: Mapping[str, Array]) -> Grid | str:
    if op.attributes.get("block_size"):
        return f"{_ONNX.op_type(op.kind)} has one scale for a block of values"
    source = constants.get(op.inputs[0]) if _reads_back(op) else None
    zero = op.inputs[2] if len(op.inputs) > 2 else ""
    return _scaled(op, op.inputs[1], zero, constants, int(op.attributes.get("axis", 1)), source)


def _scaled(
    op: Op,
    scale_name: str,
    zero_name: str,
    constants: Mapping[str, Array],
    axis: int,
    source: Array | None = None,
) -> Grid | str:
    kind = _ONNX.op_type(op.kind)
    scale = constants.get(scale_name)
    zero = constants.get(zero_name) if zero_name else None
    if scale is None or (zero_name and zero is None):
        return f"{kind} computes its scale while it runs"
    values = zero if zero is not None else source
    dtype = np.dtype(np.uint8) if values is None else values.dtype
    if dtype.kind not in "iu":
        return f"{kind} makes {dtype.name}, which is no integer"
    scales = np.asarray(scale, np.float64).reshape(-1)
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        return f"{kind} has a scale that is not above 0"
    zeros = np.zeros(scales.size, np.int64) if zero is None else zero.reshape(-1)
    along = axis if scales.size > 1 else 0
    found = Quantization(tuple(scales.tolist()), tuple(int(one) for one in zeros), along)
    return Grid(found, dtype.name)


def _integer_op(found: Grids, op: Op, scaled: Scaled, constants: Mapping[str, Array]) -> str | None:
    """A QLinear op: the grids of its operands and of its output; those of its weight and bias."""
    grids: dict[str, Grid] = {}
    for value, scale, zero in scaled.inputs:
        name = op.inputs[value]
        axis = _weight_axis(op, constants[name].ndim) if name in constants else 1
        grid = _scaled(op, op.inputs[scale], _named(op, zero), constants, axis)
        if isinstance(grid, str):
            return grid
        grids[name] = grid
    scale, zero = scaled.output
    if _named(op, scale):
        made = _scaled(op, op.inputs[scale], _named(op, zero), constants, 1)
        if isinstance(made, str):
            return made
        grids[op.outputs[0]] = made
    for name, grid in grids.items():
        found.quantization.setdefault(name, grid.quantization)
        if name not in constants:
            found.grids.setdefault(name, grid)
    if _named(op, scaled.bias):
        read, weight = (grids[op.inputs[slots[0]]].quantization for slots in scaled.inputs[:2])
        scales = tuple(read.scale[0] * one for one in weight.scale)
        found.quantization[op.inputs[scaled.bias]] = Quantization(scales, (0,) * len(scales), 0)
    return None


def _to_float(found: Grids, op: Op, scaled: Scaled, constants: Mapping[str, Array]) -> str | None:
    """An op that reads integers and makes floats: the grid of its weight, and of its operand where
    that does not depend on the values."""
    for value, scale, zero in scaled.inputs:
        name = op.inputs[value]
        if name not in constants and _named(op, scale) not in constants:
            continue  # computed as it runs
        axis = _weight_axis(op, constants[name].ndim) if name in constants else 1
        source = constants.get(name)
        read = op.inputs[scale], _named(op, zero)
        grid = _scaled(op, *read, constants, axis, source)
        if isinstance(grid, str):
            return grid
        found.quantization.setdefault(name, grid.quantization)
        if name not in constants:
            found.grids.setdefault(name, grid)
    return None


def _unscaled(found: Grids, op: Op, constants: Mapping[str, Array]) -> None:
    """The weight of an op that leaves scales to others: its integers, counted from zero."""
    weight, zero = constants.get(op.inputs[1]), constants.get(_named(op, 3))
    if weight is None or (zero is None and _named(op, 3)):
        return
    zeros = (0,) if zero is None else tuple(int(one) for one in zero.reshape(-1))
    along = _weight_axis(op, weight.ndim) if len(zeros) > 1 else 0
    found.quantization[op.inputs[1]] = Quantization((1.0,) * len(zeros), zeros, along)


def _named(op: Op, slot: int) -> str:
    return op.inputs[slot] if 0 <= slot < len(op.inputs) else ""


def _weight_axis(op: Op, ndim: int) -> int:
    """The axis of a weight along which its scales lie: that of its output channels."""
    role = _ONNX.roles.get(_ONNX.op_type(op.kind))
    return _ONNX.output_axes(role, ndim)[0] if role is Role.CONV else _ONNX.dense_axis(op, 1, ndim)


def _reads_back(op: Op) -> bool:
    return _ONNX.op_type(op.kind) == "DequantizeLinear"


def _pass_on(found: Grids, op: Op) -> None:
    """What is not told by scales of its own: moved integers, and numbers without a meaning."""
    source = op.inputs[0] if op.inputs else ""
    kind = _ONNX.op_type(op.kind)
    if kind == f"{BLOCKED}.ReorderOutput":
        return
    if kind.startswith(f"{BLOCKED}.") or found.blocked.intersection(op.inputs):
        found.blocked.update(op.outputs)
    elif kind in _DYNAMIC:
        found.opaque.update(op.outputs[:1])
    elif source in found.opaque and kind in (*_MOVING, *_UNSCALED):
        found.opaque.update(op.outputs)
    elif source in found.quantization and source in found.grids and kind in _MOVING:
        for name in op.outputs if kind == "Split" else op.outputs[:1]:
            found.quantization[name] = found.quantization[source]
            found.grids[name] = found.grids[source]
