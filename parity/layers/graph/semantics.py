"""What an op means, whatever its format calls it: its role, and where its weight's channels lie.

What differs from format to format is asked of its dialect (``dialects/``). Sources: the ONNX
operator specification, the TensorFlow Lite op list, the ATen native functions, the Keras 3 layers
and the TensorFlow raw ops, for the op types and the axes of their weights.
"""

from __future__ import annotations

from typing import Final

from parity.layers.graph.dialects.dialect import Dialect
from parity.layers.graph.dialects.keras import Keras
from parity.layers.graph.dialects.onnx import Onnx
from parity.layers.graph.dialects.tensorflow import TensorFlow
from parity.layers.graph.dialects.tflite import TFLite
from parity.layers.graph.dialects.torch import Torch
from parity.layers.graph.roles import Role
from parity.runtimes.contract import Graph, Op

_DIALECTS: Final[dict[str, Dialect]] = {
    "onnx": Onnx(),
    "tflite": TFLite(),
    "torch": Torch(),
    "keras": Keras(),
    "savedmodel": TensorFlow(),
}
_UNKNOWN: Final = Dialect()

_FUNCTIONS: Final = {
    "exp": "exp",
    "logistic": "sigmoid",
    "logsoftmax": "log_softmax",
    "relu": "relu",
    "relu6": "relu",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "tanh": "tanh",
}
_COMMUTATIVE: Final = {
    "add": "add", "addv2": "add", "addn": "add", "mul": "mul", "multiply": "mul",
}  # fmt: skip


def dialect_of(graph: Graph) -> Dialect:
    """What knows the ops of a graph; of a format without a dialect, nothing has a role."""
    return _DIALECTS.get(graph.format, _UNKNOWN)


def op_type(graph: Graph, op: Op) -> str:
    """The op's own word: "conv2d" of "aten.conv2d.default", "FusedConv" of
    "com.microsoft.FusedConv" (ONNX Runtime's own ops); else as it is.
    """
    return dialect_of(graph).op_type(op.kind)


def bare_type(graph: Graph, op: Op) -> str:
    """The op's own word in small letters alone, as formats differ in no more for many ops."""
    return op_type(graph, op).lower().replace("_", "")


def role(graph: Graph, op: Op) -> Role:
    """The role of one op."""
    return dialect_of(graph).role(graph, op)


def stores(graph: Graph, op: Op) -> bool:
    """Whether the op rounds real numbers to a quantised tensor (and does not read one back)."""
    dialect = dialect_of(graph)
    return dialect.op_type(op.kind) in dialect.integers.rounding


def operands(graph: Graph, op: Op) -> tuple[str, ...]:
    """An op's inputs without scales and zero points, where it has those among them."""
    return dialect_of(graph).operands(op)


def variable_inputs(graph: Graph, op: Op) -> tuple[str, ...]:
    """The tensors that an op reads and that are no constants, each once."""
    return tuple(dict.fromkeys(n for n in op.inputs if n and n not in graph.constants))


def starts_at_zero(graph: Graph, op: Op) -> bool:
    """Whether an op stores integers of which the least stands for zero.

    Then it ends in a ReLU, whether or not there is one in the file: exporters to int8 drop it.
    """
    return dialect_of(graph).starts_at_zero(graph, op)


def channel_axis(graph: Graph, op: Op) -> int | None:
    """1 or -1: where this op's semantics put the channels; None where it takes any layout."""
    return dialect_of(graph).channel_axis(graph, op)


def output_axes(graph: Graph, op: Op, position: int, ndim: int) -> tuple[int, ...]:
    """The axes of the weight at input ``position`` that count output channels, major first."""
    dialect = dialect_of(graph)
    found = dialect.role(graph, op)
    if found is Role.DENSE:
        return (dialect.dense_axis(op, position, ndim),)
    return dialect.output_axes(found, ndim)


def input_axis(graph: Graph, op: Op, ndim: int) -> int:
    """The axis of a convolution's weight that counts input channels; not of depthwise ones."""
    dialect = dialect_of(graph)
    return dialect.input_axis(dialect.role(graph, op), ndim)


def turned(graph: Graph, op: Op) -> bool:
    """Whether a dense op transposes what flows through it before it multiplies."""
    return dialect_of(graph).turned(op, 0)


def function(graph: Graph, op: Op) -> str:
    """One name in all formats for a well-known activation; "" for other ops."""
    return _FUNCTIONS.get(bare_type(graph, op), "")


def commutative(graph: Graph, op: Op) -> str:
    """One name for sums and products, which do not mind the order of operands; "" for others."""
    return _COMMUTATIVE.get(bare_type(graph, op), "")


def activated(op: Op) -> bool:
    """Whether the op ends in an activation of its own."""
    fused = op.attributes.get("fused_activation_function", op.attributes.get("activation"))
    return fused not in (None, "", "NONE", "linear", "None") or adds(op)


def adds(op: Op) -> bool:
    """Whether a convolution also adds a tensor to what it makes (ONNX Runtime's FusedConv)."""
    return op.kind.endswith("FusedConv") and len(op.inputs) > 3 and bool(op.inputs[3])


def permutation(graph: Graph, op: Op, ndim: int) -> tuple[int, ...] | None:
    """Output axis → input axis of a transpose; None where the op does not say it."""
    return dialect_of(graph).permutation(graph, op, ndim)
