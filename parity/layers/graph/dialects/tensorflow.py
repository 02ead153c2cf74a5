"""TensorFlow, by its raw ops, as frozen SavedModels hold them."""

from __future__ import annotations

from parity.layers.graph.dialects.dialect import Dialect, Integers, by_type
from parity.layers.graph.roles import Role

_ROLES = {
    Role.CONV: "Conv2D Conv3D _FusedConv2D",
    Role.DEPTHWISE: "DepthwiseConv2dNative _FusedDepthwiseConv2dNative",
    Role.DECONV: "Conv2DBackpropInput Conv3DBackpropInputV2",
    Role.DENSE: "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 _FusedMatMul",
    Role.PAD: "Pad PadV2 MirrorPad",
    Role.TRANSPOSE: "Transpose",
    Role.RESHAPE: "Reshape Squeeze ExpandDims",
    Role.QUANTISE: "QuantizeV2 Dequantize FakeQuantWithMinMaxVars "
    "FakeQuantWithMinMaxVarsPerChannel",
    Role.IDENTITY: "Identity Cast StopGradient NoOp ReadVariableOp PreventGradient Snapshot",
    Role.BLOCKS: "SpaceToBatchND",
    Role.REARRANGE: "BatchToSpaceND SpaceToDepth DepthToSpace",
    Role.ACTIVATION: "Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softplus Softsign Exp Log Sqrt "
    "Rsqrt Square Abs Neg Floor Ceil Round Rint Erf Reciprocal Inv Sin Cos ClipByValue",
    Role.ELEMENTWISE: "Add AddV2 Sub Mul Div RealDiv Pow Maximum Minimum AddN BiasAdd BiasAddV1 "
    "Select SelectV2 SquaredDifference FloorDiv",
    Role.NORM: "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN _FusedBatchNormEx",
    Role.POOL: "MaxPool AvgPool MaxPoolV2",
    Role.RESIZE: "ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea",
    Role.CONCAT: "Concat ConcatV2",
    Role.SLICE: "Slice StridedSlice Split SplitV GatherV2 Gather Unpack",
    Role.REDUCE: "Mean Sum Max Min Prod ArgMax ArgMin",
    Role.SOFTMAX: "Softmax LogSoftmax",
    Role.SHAPE: "Shape ShapeN Size Range Fill Rank",
}
_FAKE = frozenset({"FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"})


class TensorFlow(Dialect):
    """What the ops of a SavedModel mean."""

    roles = by_type(_ROLES)
    turning = (("transpose_a", "adj_x"), ("transpose_b", "adj_y"))
    integers = Integers(rounding=_FAKE | {"QuantizeV2"})
