"""ONNX, with the ops that ONNX Runtime adds when it optimises or quantises a file.

Sources: the ONNX operator specification and ONNX Runtime's list of contributed operators.
"""

from __future__ import annotations

import numpy as np

from parity.layers.graph.dialects import qlinear
from parity.layers.graph.dialects.dialect import ChannelsFirst, Integers, by_type, truth
from parity.layers.graph.roles import Role
from parity.runtimes.contract import Graph, Op

_ROLES = {
    Role.CONV: "Conv QLinearConv ConvInteger FusedConv NhwcConv NhwcFusedConv",
    Role.DECONV: "ConvTranspose",
    Role.DENSE: "Gemm MatMul QLinearMatMul MatMulInteger QGemm FusedGemm FusedMatMul "
    "FusedMatMulActivation DynamicQuantizeMatMul MatMulIntegerToFloat",
    Role.PAD: "Pad",
    Role.TRANSPOSE: "Transpose",
    Role.RESHAPE: "Reshape Flatten Squeeze Unsqueeze",
    Role.QUANTISE: "QuantizeLinear DequantizeLinear DynamicQuantizeLinear",
    Role.IDENTITY: "Identity Cast Dropout",
    Role.REARRANGE: "SpaceToDepth DepthToSpace",
    Role.ACTIVATION: "Relu Clip LeakyRelu PRelu Elu Selu Sigmoid HardSigmoid HardSwish Tanh "
    "Softplus Softsign Mish Gelu ThresholdedRelu Celu Exp Log Sqrt Erf Abs Neg Floor Ceil Round "
    "Reciprocal Sin Cos QLinearSigmoid QLinearLeakyRelu QuickGelu FastGelu BiasGelu",
    Role.ELEMENTWISE: "Add Sub Mul Div Pow Max Min Sum Mean Where QLinearAdd QLinearMul "
    "QLinearWhere",
    Role.NORM: "BatchNormalization InstanceNormalization LpNormalization LRN",
    Role.POOL: "MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool NhwcMaxPool "
    "QLinearGlobalAveragePool QLinearAveragePool",
    Role.RESIZE: "Resize Upsample",
    Role.CONCAT: "Concat QLinearConcat",
    Role.SLICE: "Slice Split Gather GatherElements",
    Role.REDUCE: "ReduceMean ReduceSum ReduceMax ReduceMin ReduceL2 ReduceProd ArgMax ArgMin "
    "QLinearReduceMean",
    Role.SOFTMAX: "Softmax LogSoftmax QLinearSoftmax BiasSoftmax",
    Role.SHAPE: "Shape Size ConstantOfShape Range",
}
_DYNAMIC = frozenset({"MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"})


class Onnx(ChannelsFirst):
    """What the ops of an ONNX file mean."""

    roles = by_type(_ROLES)
    any_layout = frozenset({Role.RESIZE})
    turning = (("transA",), ("transB",))
    integers = Integers(
        rounding=frozenset({"QuantizeLinear"}),
        converting=frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}),
        per_channel=frozenset({"Conv", "ConvTranspose", "QLinearConv"}),
        as_stored=_DYNAMIC | {"MatMul", "Gemm", "QLinearMatMul", "QGemm", "ConvInteger"},
        dynamic=_DYNAMIC,
    )

    def op_type(self, kind: str) -> str:
        """ "FusedConv" of "com.microsoft.FusedConv"; ops of other domains keep theirs."""
        domain, _, own = kind.rpartition(".")
        return own if domain == "com.microsoft" else kind

    def operands(self, op: Op) -> tuple[str, ...]:
        """Without the scales and zero points of ops that compute in integers."""
        scaled = qlinear.operands(self.op_type(op.kind), len(op.inputs))
        if scaled is None:
            return op.inputs
        return tuple(op.inputs[slot] for slot in scaled.operands if slot < len(op.inputs))

    def starts_at_zero(self, graph: Graph, op: Op) -> bool:
        """By the zero point of what the op makes."""
        slot = qlinear.zero_point(self.op_type(op.kind), len(op.inputs))
        if slot is None:
            return False
        name = op.inputs[slot] if slot < len(op.inputs) else ""
        zero = graph.constants.get(name)
        if zero is None or zero.dtype.kind not in "iu":
            return not name  # by default it is an unsigned 0
        return bool((zero == np.iinfo(zero.dtype).min).all())

    def channels_first(self, op: Op) -> bool:
        """But for ops that ONNX Runtime turned around for processors that want it so."""
        nhwc = self.op_type(op.kind).startswith("Nhwc")
        return not (nhwc or truth(op.attributes.get("channels_last")))

    def permutation(self, graph: Graph, op: Op, ndim: int) -> tuple[int, ...] | None:
        """By default, all axes the other way round."""
        return super().permutation(graph, op, ndim) or tuple(reversed(range(ndim)))
