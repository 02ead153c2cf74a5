"""Which tensors of an ONNX file are integers for real numbers, and with what scale and zero point.

QuantizeLinear and DequantizeLinear say it of the tensor beside them (QDQ format); the QLinear ops
have the scales and zero points of all their operands among their inputs (QOperator format). What
only moves integers (pooling for the greatest, reshapes, slices) leaves them on the grid that they
are on. Sources: the ONNX operator specification and ONNX Runtime's list of contributed operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.layers.graph.dialects.qlinear import Scaled, operands
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.onnx.blocks import DOMAIN as BLOCKED
from parity.runtimes.contract import Quantization
from parity.tensors import Array, dequantize

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
    """What the nodes say. ``grids`` are of activations.

    ``opaque`` names integers whose scale is computed while the model runs, and ``blocked`` tensors
    whose channels lie in a processor's blocks: their stored numbers alone say nothing.
    """

    quantization: dict[str, Quantization] = field(default_factory=dict)
    grids: dict[str, Grid] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)


def read(nodes: Sequence[Any], constants: dict[str, Array], problems: dict[int, str]) -> Grids:
    """Quantisation by tensor.

    Adds to ``constants`` what a DequantizeLinear or an Identity makes of a constant, and to
    ``problems`` the ops that do not say their scales beforehand.
    """
    found = Grids()
    for index, node in enumerate(nodes):
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
        scaled = operands(node.op_type, len(node.input))
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            problem = _between(found, node, constants)
        elif scaled is not None and node.op_type in _TO_FLOAT:
            problem = _to_float(found, node, scaled, constants)
        elif scaled is not None and node.op_type not in _INTEGER:
            problem = _integer_op(found, node, scaled, constants)
        else:
            problem = None
            _pass_on(found, node)
            if node.op_type in _INTEGER:
                _unscaled(found, node, constants)
        if problem is not None:
            problems.setdefault(index, problem)
            found.opaque.update(node.output if node.op_type != "DequantizeLinear" else ())
    return found


def _between(found: Grids, node: Any, constants: dict[str, Array]) -> str | None:
    """A QuantizeLinear or DequantizeLinear: the integers on one side, the floats on the other."""
    taking = node.op_type == "DequantizeLinear"
    grid = _grid(node, constants)
    if isinstance(grid, str):
        return grid
    integers, floats = node.input[0], node.output[0]
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


def _grid(node: Any, constants: Mapping[str, Array]) -> Grid | str:
    options = {one.name: one.i for one in node.attribute}
    if options.get("block_size"):
        return f"{node.op_type} has one scale for a block of values"
    source = constants.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
    zero = node.input[2] if len(node.input) > 2 else ""
    return _scaled(node, node.input[1], zero, constants, int(options.get("axis", 1)), source)


def _scaled(
    node: Any,
    scale_name: str,
    zero_name: str,
    constants: Mapping[str, Array],
    axis: int,
    source: Array | None = None,
) -> Grid | str:
    scale = constants.get(scale_name)
    zero = constants.get(zero_name) if zero_name else None
    if scale is None or (zero_name and zero is None):
        return f"{node.op_type} computes its scale while it runs"
    values = zero if zero is not None else source
    dtype = np.dtype(np.uint8) if values is None else values.dtype
    if dtype.kind not in "iu":
        return f"{node.op_type} makes {dtype.name}, which is no integer"
    scales = np.asarray(scale, np.float64).reshape(-1)
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        return f"{node.op_type} has a scale that is not above 0"
    zeros = np.zeros(scales.size, np.int64) if zero is None else zero.reshape(-1)
    along = axis if scales.size > 1 else 0
    found = Quantization(tuple(scales.tolist()), tuple(int(one) for one in zeros), along)
    return Grid(found, dtype.name)


def _integer_op(
    found: Grids, node: Any, scaled: Scaled, constants: Mapping[str, Array]
) -> str | None:
    """A QLinear op: the grids of its operands and of its output; those of its weight and bias."""
    grids: dict[str, Grid] = {}
    for value, scale, zero in scaled.inputs:
        name = node.input[value]
        axis = _weight_axis(node, constants[name].ndim) if name in constants else 1
        grid = _scaled(node, node.input[scale], _named(node, zero), constants, axis)
        if isinstance(grid, str):
            return grid
        grids[name] = grid
    scale, zero = scaled.output
    if _named(node, scale):
        made = _scaled(node, node.input[scale], _named(node, zero), constants, 1)
        if isinstance(made, str):
            return made
        grids[node.output[0]] = made
    for name, grid in grids.items():
        found.quantization.setdefault(name, grid.quantization)
        if name not in constants:
            found.grids.setdefault(name, grid)
    if _named(node, scaled.bias):
        read, weight = (grids[node.input[slots[0]]].quantization for slots in scaled.inputs[:2])
        scales = tuple(read.scale[0] * one for one in weight.scale)
        found.quantization[node.input[scaled.bias]] = Quantization(scales, (0,) * len(scales), 0)
    return None


def _to_float(
    found: Grids, node: Any, scaled: Scaled, constants: Mapping[str, Array]
) -> str | None:
    """An op that reads integers and makes floats: the grid of its weight, and of its operand where
    that does not depend on the values."""
    for value, scale, zero in scaled.inputs:
        name = node.input[value]
        if name not in constants and _named(node, scale) not in constants:
            continue  # computed as it runs
        axis = _weight_axis(node, constants[name].ndim) if name in constants else 1
        source = constants.get(name)
        read = node.input[scale], _named(node, zero)
        grid = _scaled(node, *read, constants, axis, source)
        if isinstance(grid, str):
            return grid
        found.quantization.setdefault(name, grid.quantization)
        if name not in constants:
            found.grids.setdefault(name, grid)
    return None


def _unscaled(found: Grids, node: Any, constants: Mapping[str, Array]) -> None:
    """The weight of an op that leaves scales to others: its integers, counted from zero."""
    weight, zero = constants.get(node.input[1]), constants.get(_named(node, 3))
    if weight is None or (zero is None and _named(node, 3)):
        return
    zeros = (0,) if zero is None else tuple(int(one) for one in zero.reshape(-1))
    axis = 0 if node.op_type == "ConvInteger" else weight.ndim - 1
    along = axis if len(zeros) > 1 else 0
    found.quantization[node.input[1]] = Quantization((1.0,) * len(zeros), zeros, along)


def _named(node: Any, slot: int) -> str:
    return node.input[slot] if 0 <= slot < len(node.input) else ""


def _weight_axis(node: Any, ndim: int) -> int:
    """The axis of a weight along which its scales lie."""
    if node.op_type == "QLinearConv":
        return 0
    swapped = any(one.name == "transB" and one.i for one in node.attribute)
    return ndim - 2 if swapped else ndim - 1


def _pass_on(found: Grids, node: Any) -> None:
    """What is not told by scales of its own: moved integers, and numbers without a meaning."""
    source = node.input[0] if node.input else ""
    if node.op_type == "ReorderOutput" and node.domain == BLOCKED:
        return
    if node.domain == BLOCKED or found.blocked.intersection(node.input):
        found.blocked.update(node.output)
    elif node.op_type in _DYNAMIC:
        found.opaque.update(node.output[:1])
    elif source in found.opaque and node.op_type in (*_MOVING, *_UNSCALED):
        found.opaque.update(node.output)
    elif source in found.quantization and source in found.grids and node.op_type in _MOVING:
        for name in node.output if node.op_type == "Split" else node.output[:1]:
            found.quantization[name] = found.quantization[source]
            found.grids[name] = found.grids[source]
