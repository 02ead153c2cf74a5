"""What an op means, whatever its format calls it: its role, and where its weight's channels lie.

Sources: the ONNX operator specification, the TensorFlow Lite op list, the ATen native functions,
the Keras 3 layers and the TensorFlow raw ops, for the op names and the axes of their weights.
"""

from __future__ import annotations

import re
from enum import StrEnum

import numpy as np

from parity.layers.graph import qlinear
from parity.layers.graph.kinds import ROLES
from parity.runtimes.graph import Graph, Op


class Role(StrEnum):
    """What an op does to the tensor that flows through it."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    DECONV = "transposed conv"
    DENSE = "dense"
    PAD = "pad"
    TRANSPOSE = "transpose"
    RESHAPE = "reshape"
    QUANTISE = "quantise"
    IDENTITY = "identity"
    BLOCKS = "blocks"
    REARRANGE = "rearrange"
    ACTIVATION = "activation"
    ELEMENTWISE = "elementwise"
    NORM = "norm"
    POOL = "pool"
    RESIZE = "resize"
    CONCAT = "concat"
    SLICE = "slice"
    REDUCE = "reduce"
    SOFTMAX = "softmax"
    SHAPE = "shape"
    OTHER = "other"


WEIGHTED = frozenset({Role.CONV, Role.DEPTHWISE, Role.DECONV, Role.DENSE})
"""Ops with a weight that can be recognised on the other side."""

LOOK_THROUGH = frozenset(
    {Role.PAD, Role.TRANSPOSE, Role.RESHAPE, Role.QUANTISE, Role.IDENTITY, Role.BLOCKS}
)
"""Ops that move, frame or store values but do not compute new ones."""

SAME_PLACE = frozenset(
    {Role.ACTIVATION, Role.ELEMENTWISE, Role.NORM, Role.SOFTMAX, Role.QUANTISE, Role.IDENTITY}
)
"""Ops whose output lies as their input does, position by position."""

_FUNCTIONS = ("exp", "log_softmax", "relu", "sigmoid", "softmax", "tanh")
_WINDOWED = frozenset({Role.CONV, Role.DEPTHWISE, Role.DECONV, Role.POOL, Role.NORM, Role.RESIZE})
_ANY_AXIS = frozenset({("onnx", Role.RESIZE), ("keras", Role.NORM), ("tflite", Role.NORM)})
_STORING = (
    "QuantizeLinear", "QUANTIZE", "FAKE_QUANT", "QuantizeV2",
    "quantize_per_tensor", "quantize_per_channel", "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxVarsPerChannel",
)  # fmt: skip


def plain_kind(graph_format: str, kind: str) -> str:
    """The op's own word: "conv2d" of "aten.conv2d.default" or "aten::conv2d_", "FusedConv" of
    "com.microsoft.FusedConv" (ONNX Runtime's own ops); else as it is.
    """
    if graph_format == "torch":
        found = re.search(r"(?:aten|prims|quantized)(?:\.|::)([a-z0-9_]+?)_?(?:\.|$)", kind.lower())
        return found.group(1) if found else kind.lower()
    return _of_onnxruntime(kind) if graph_format == "onnx" else kind


def _of_onnxruntime(kind: str) -> str:
    before, _, own = kind.rpartition(".")
    return own if before == "com.microsoft" else kind


def role(graph: Graph, op: Op) -> Role:
    """The role of one op."""
    kind = plain_kind(graph.format, op.kind)
    found = Role(ROLES.get(graph.format, {}).get(kind, "other"))
    return _kind_of_conv(graph, op) if found is Role.CONV else found


def stores(graph: Graph, op: Op) -> bool:
    """Whether the op rounds real numbers to a quantised tensor (and does not read one back)."""
    return plain_kind(graph.format, op.kind) in _STORING


def operands(graph: Graph, op: Op) -> tuple[str, ...]:
    """An op's inputs without scales and zero points, where it has those among them."""
    if graph.format == "onnx":
        scaled = qlinear.operands(plain_kind("onnx", op.kind), len(op.inputs))
        if scaled is not None:
            return tuple(op.inputs[slot] for slot in scaled.operands if slot < len(op.inputs))
    return op.inputs


def starts_at_zero(graph: Graph, op: Op) -> bool:
    """Whether an op stores integers of which the least stands for zero.

    Then it ends in a ReLU, whether or not there is one in the file: exporters to int8 drop it.
    """
    kind = plain_kind(graph.format, op.kind) if graph.format == "onnx" else ""
    slot = qlinear.zero_point(kind, len(op.inputs))
    if slot is None:
        return False
    name = op.inputs[slot] if slot < len(op.inputs) else ""
    zero = graph.constants.get(name)
    if zero is None or zero.dtype.kind not in "iu":
        return not name  # by default it is an unsigned 0
    return bool((zero == np.iinfo(zero.dtype).min).all())


def _kind_of_conv(graph: Graph, op: Op) -> Role:
    if graph.format == "torch" and _truth(op.attributes.get("transposed")):
        return Role.DECONV
    groups = op.attributes.get("group", op.attributes.get("groups", 1))
    for name in operands(graph, op)[1:2]:
        weight = graph.constants.get(name)
        if weight is not None and graph.format in ("onnx", "torch") and weight.ndim >= 3:
            return Role.DEPTHWISE if groups not in (1, None) and weight.shape[1] == 1 else Role.CONV
    return Role.CONV


def channel_axis(graph: Graph, op: Op) -> int | None:
    """1 or -1: where this op's semantics put the channels; None where it takes any layout."""
    found = role(graph, op)
    if found not in _WINDOWED or (graph.format, found) in _ANY_AXIS:
        return None
    if graph.format in ("onnx", "torch"):
        return -1 if _channels_last(graph, op) else 1
    if graph.format == "tflite":
        return -1
    text = str(op.attributes.get("data_format") or "").upper()
    first = text in ("CHANNELS_FIRST", "NCHW", "NCW", "NCDHW")
    return 1 if first else -1


def _channels_last(graph: Graph, op: Op) -> bool:
    """Ops that ONNX Runtime turned around for processors that want it so."""
    kind = plain_kind(graph.format, op.kind)
    return kind.startswith("Nhwc") or _truth(op.attributes.get("channels_last"))


def output_axes(graph: Graph, op: Op, position: int, ndim: int) -> tuple[int, ...]:
    """The axes of the weight at input ``position`` that count output channels, major first."""
    found = role(graph, op)
    if found is Role.DENSE:
        return (_dense_axis(graph, op, position, ndim),)
    if graph.format in ("onnx", "torch"):
        return (1,) if found is Role.DECONV else (0,)
    if graph.format == "tflite":
        return (ndim - 1,) if found is Role.DEPTHWISE else (0,)
    if found is Role.DEPTHWISE:
        return (ndim - 2, ndim - 1)
    return (ndim - 2,) if found is Role.DECONV else (ndim - 1,)


def _dense_axis(graph: Graph, op: Op, position: int, ndim: int) -> int:
    kind = plain_kind(graph.format, op.kind)
    if position == 0 and kind not in ("addmm",):
        return ndim - 2  # the weight on the left: its rows are the outputs
    if kind in ("FULLY_CONNECTED", "linear"):
        return 0
    names = ("transB", "transpose_b", "adj_y", "adjY")
    swapped = any(_truth(op.attributes.get(name)) for name in names)
    return ndim - 2 if swapped else ndim - 1


def function(graph: Graph, op: Op) -> str:
    """One name in all formats for a well-known activation; "" for other ops."""
    kind = plain_kind(graph.format, op.kind).lower().strip("_")
    kind = {"logistic": "sigmoid", "relu6": "relu"}.get(kind, kind)
    return kind if kind in _FUNCTIONS else ""


def activated(op: Op) -> bool:
    """Whether the op ends in an activation of its own."""
    fused = op.attributes.get("fused_activation_function", op.attributes.get("activation"))
    return fused not in (None, "", "NONE", "linear", "None") or adds(op)


def adds(op: Op) -> bool:
    """Whether a convolution also adds a tensor to what it makes (ONNX Runtime's FusedConv)."""
    return op.kind.endswith("FusedConv") and len(op.inputs) > 3 and bool(op.inputs[3])


def groups(op: Op) -> int:
    """The op's number of groups; 1 where it has no such attribute."""
    value = op.attributes.get("group", op.attributes.get("groups", 1))
    return int(value) if isinstance(value, (int, float)) and value else 1


def permutation(graph: Graph, op: Op, ndim: int) -> tuple[int, ...] | None:
    """Output axis → input axis of a transpose; None where the op does not say it."""
    given = op.attributes
    kind = plain_kind(graph.format, op.kind)
    if kind in ("transpose", "swapaxes", "swapdims", "t") and graph.format == "torch":
        order = list(range(ndim))
        first, second = int(given.get("dim0", 0)), int(given.get("dim1", 1))
        order[first], order[second] = order[second], order[first]
        return tuple(order)
    for name in ("perm", "dims", "axes"):
        if isinstance(given.get(name), (tuple, list)):
            listed = tuple(int(axis) for axis in given[name])
            if graph.format == "keras" and kind == "Permute":
                return (0, *listed)
            return tuple(axis % ndim for axis in listed)
    if len(op.inputs) > 1 and op.inputs[1] in graph.constants:
        return tuple(int(axis) for axis in graph.constants[op.inputs[1]].ravel())
    return tuple(reversed(range(ndim))) if graph.format in ("onnx", "keras") else None


def _truth(value: object) -> bool:
    return bool(value) and value not in ("False", "false", "0")
