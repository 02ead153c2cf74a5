"""TensorFlow Lite.

Sources: the op list of TensorFlow Lite and its 8-bit quantization specification.
"""

from __future__ import annotations

from parity.layers.graph.dialects.dialect import Dialect, Integers, by_type
from parity.layers.graph.roles import Role
from parity.runtimes.contract import Op

_ROLES = {
    Role.CONV: "CONV_2D CONV_3D",
    Role.DEPTHWISE: "DEPTHWISE_CONV_2D",
    Role.DECONV: "TRANSPOSE_CONV CONV_3D_TRANSPOSE",
    Role.DENSE: "FULLY_CONNECTED BATCH_MATMUL",
    Role.PAD: "PAD PADV2 MIRROR_PAD",
    Role.TRANSPOSE: "TRANSPOSE",
    Role.RESHAPE: "RESHAPE SQUEEZE EXPAND_DIMS",
    Role.QUANTISE: "QUANTIZE DEQUANTIZE FAKE_QUANT",
    Role.IDENTITY: "CAST",
    Role.BLOCKS: "SPACE_TO_BATCH_ND",
    Role.REARRANGE: "BATCH_TO_SPACE_ND SPACE_TO_DEPTH DEPTH_TO_SPACE",
    Role.ACTIVATION: "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU PRELU ELU LOGISTIC TANH "
    "HARD_SWISH GELU EXP LOG SQRT RSQRT SQUARE ABS NEG FLOOR CEIL ROUND SIN COS",
    Role.ELEMENTWISE: "ADD SUB MUL DIV POW MAXIMUM MINIMUM ADD_N SELECT SELECT_V2 "
    "SQUARED_DIFFERENCE FLOOR_DIV",
    Role.NORM: "L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION",
    Role.POOL: "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D",
    Role.RESIZE: "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR",
    Role.CONCAT: "CONCATENATION",
    Role.SLICE: "SLICE STRIDED_SLICE SPLIT SPLIT_V GATHER UNPACK",
    Role.REDUCE: "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD ARG_MAX ARG_MIN",
    Role.SOFTMAX: "SOFTMAX LOG_SOFTMAX",
    Role.SHAPE: "SHAPE RANGE FILL",
}


class TFLite(Dialect):
    """What the ops of a TFLite file mean."""

    roles = by_type(_ROLES)
    any_layout = frozenset({Role.NORM})
    turning = (("adj_x",), ("adj_y",))
    integers = Integers(
        rounding=frozenset({"QUANTIZE", "FAKE_QUANT"}),
        converting=frozenset({"QUANTIZE", "DEQUANTIZE"}),
        per_channel=frozenset({"CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"}),
        as_stored=frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"}),
    )

    def channels_first(self, op: Op) -> bool:
        """Never."""
        return False

    def output_axes(self, role: Role, ndim: int) -> tuple[int, ...]:
        """First; last in a depthwise convolution. Kernels with a depth lie as in TensorFlow."""
        if ndim == _VOLUME:
            return super().output_axes(role, ndim)
        return (ndim - 1,) if role is Role.DEPTHWISE else (0,)

    def input_axis(self, role: Role, ndim: int) -> int:
        """Last, but in kernels with a depth."""
        return super().input_axis(role, ndim) if ndim == _VOLUME else ndim - 1

    def dense_axis(self, op: Op, position: int, ndim: int) -> int:
        """FULLY_CONNECTED has a row for each output."""
        if position and op.kind == "FULLY_CONNECTED":
            return 0
        return super().dense_axis(op, position, ndim)


_VOLUME = 5  # axes of the weight of CONV_3D and CONV_3D_TRANSPOSE
