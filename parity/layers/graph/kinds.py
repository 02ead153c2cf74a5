"""The role of every op kind that is known, by format; what is not listed has no known role."""

from __future__ import annotations

from typing import Final

_ONNX: Final = {
    "conv": "Conv QLinearConv ConvInteger FusedConv NhwcConv NhwcFusedConv",
    "transposed conv": "ConvTranspose",
    "dense": "Gemm MatMul QLinearMatMul MatMulInteger QGemm FusedGemm FusedMatMul "
    "FusedMatMulActivation DynamicQuantizeMatMul MatMulIntegerToFloat",
    "pad": "Pad",
    "transpose": "Transpose",
    "reshape": "Reshape Flatten Squeeze Unsqueeze",
    "quantise": "QuantizeLinear DequantizeLinear DynamicQuantizeLinear",
    "identity": "Identity Cast Dropout",
    "rearrange": "SpaceToDepth DepthToSpace",
    "activation": "Relu Clip LeakyRelu PRelu Elu Selu Sigmoid HardSigmoid HardSwish Tanh Softplus "
    "Softsign Mish Gelu ThresholdedRelu Celu Exp Log Sqrt Erf Abs Neg Floor Ceil Round Reciprocal "
    "Sin Cos QLinearSigmoid QLinearLeakyRelu QuickGelu FastGelu BiasGelu",
    "elementwise": "Add Sub Mul Div Pow Max Min Sum Mean Where QLinearAdd QLinearMul QLinearWhere",
    "norm": "BatchNormalization InstanceNormalization LpNormalization LRN",
    "pool": "MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool NhwcMaxPool "
    "QLinearGlobalAveragePool QLinearAveragePool",
    "resize": "Resize Upsample",
    "concat": "Concat QLinearConcat",
    "slice": "Slice Split Gather GatherElements",
    "reduce": "ReduceMean ReduceSum ReduceMax ReduceMin ReduceL2 ReduceProd ArgMax ArgMin "
    "QLinearReduceMean",
    "softmax": "Softmax LogSoftmax QLinearSoftmax BiasSoftmax",
    "shape": "Shape Size ConstantOfShape Range",
}

_TFLITE: Final = {
    "conv": "CONV_2D CONV_3D",
    "depthwise": "DEPTHWISE_CONV_2D",
    "transposed conv": "TRANSPOSE_CONV CONV_3D_TRANSPOSE",
    "dense": "FULLY_CONNECTED BATCH_MATMUL",
    "pad": "PAD PADV2 MIRROR_PAD",
    "transpose": "TRANSPOSE",
    "reshape": "RESHAPE SQUEEZE EXPAND_DIMS",
    "quantise": "QUANTIZE DEQUANTIZE FAKE_QUANT",
    "identity": "CAST",
    "blocks": "SPACE_TO_BATCH_ND",
    "rearrange": "BATCH_TO_SPACE_ND SPACE_TO_DEPTH DEPTH_TO_SPACE",
    "activation": "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU PRELU ELU LOGISTIC TANH "
    "HARD_SWISH GELU EXP LOG SQRT RSQRT SQUARE ABS NEG FLOOR CEIL ROUND SIN COS",
    "elementwise": "ADD SUB MUL DIV POW MAXIMUM MINIMUM ADD_N SELECT SELECT_V2 SQUARED_DIFFERENCE "
    "FLOOR_DIV",
    "norm": "L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION",
    "pool": "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D",
    "resize": "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR",
    "concat": "CONCATENATION",
    "slice": "SLICE STRIDED_SLICE SPLIT SPLIT_V GATHER UNPACK",
    "reduce": "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD ARG_MAX ARG_MIN",
    "softmax": "SOFTMAX LOG_SOFTMAX",
    "shape": "SHAPE RANGE FILL",
}

_TORCH: Final = {
    "conv": "conv1d conv2d conv3d convolution _convolution",
    "transposed conv": "conv_transpose1d conv_transpose2d conv_transpose3d",
    "dense": "linear addmm mm matmul",
    "pad": "pad constant_pad_nd reflection_pad2d replication_pad2d zero_pad2d",
    "transpose": "permute transpose swapaxes swapdims t",
    "reshape": "view reshape flatten unflatten squeeze unsqueeze _unsafe_view",
    "quantise": "quantize_per_tensor quantize_per_channel dequantize",
    "identity": "clone contiguous to _to_copy dropout alias detach lift_fresh_copy identity",
    "rearrange": "pixel_shuffle pixel_unshuffle",
    "activation": "relu relu6 hardtanh clamp clamp_min clamp_max leaky_relu prelu elu selu sigmoid "
    "hardsigmoid hardswish silu mish gelu tanh softplus exp log sqrt rsqrt erf abs neg floor ceil "
    "round reciprocal sin cos",
    "elementwise": "add sub rsub mul div pow maximum minimum where",
    "norm": "batch_norm _native_batch_norm_legit_no_training cudnn_batch_norm instance_norm "
    "group_norm native_group_norm",
    "pool": "max_pool2d avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d max_pool2d_with_indices "
    "_adaptive_avg_pool2d max_pool1d avg_pool1d",
    "resize": "upsample_nearest2d upsample_bilinear2d upsample_bicubic2d interpolate "
    "_upsample_bilinear2d_aa _upsample_nearest_exact2d",
    "concat": "cat concat",
    "slice": "slice select split split_with_sizes chunk index_select narrow unbind getitem",
    "reduce": "mean sum amax amin max min argmax argmin prod",
    "softmax": "softmax _softmax log_softmax _log_softmax",
    "shape": "sym_size size arange full zeros ones zeros_like ones_like",
}

_KERAS: Final = {
    "conv": "Conv1D Conv2D Conv3D",
    "depthwise": "DepthwiseConv1D DepthwiseConv2D",
    "transposed conv": "Conv1DTranspose Conv2DTranspose Conv3DTranspose",
    "dense": "Dense Matmul",
    "pad": "ZeroPadding1D ZeroPadding2D ZeroPadding3D Pad",
    "transpose": "Permute Transpose Swapaxes",
    "reshape": "Reshape Flatten Squeeze ExpandDims",
    "identity": "Dropout SpatialDropout2D GaussianNoise GaussianDropout Cast Identity "
    "ActivityRegularization Copy",
    "activation": "ReLU Activation LeakyReLU PReLU ELU Relu Relu6 Sigmoid Silu Clip Exp Log Sqrt "
    "Tanh HardSwish HardSigmoid HardSilu Gelu Softplus Abs Absolute Negative Floor Ceil Round",
    "elementwise": "Add Subtract Multiply Average Maximum Minimum Rescaling Normalization Divide "
    "TrueDivide Power Where",
    "norm": "BatchNormalization LayerNormalization GroupNormalization UnitNormalization",
    "pool": "MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D MaxPooling1D "
    "AveragePooling1D",
    "resize": "UpSampling2D UpSampling1D Resizing Resize",
    "concat": "Concatenate",
    "slice": "Cropping1D Cropping2D GetItem Slice Split Take",
    "reduce": "Mean Sum Max Min Argmax Prod",
    "softmax": "Softmax LogSoftmax",
    "shape": "Shape Arange Full Zeros Ones",
}

_TENSORFLOW: Final = {
    "conv": "Conv2D Conv3D _FusedConv2D",
    "depthwise": "DepthwiseConv2dNative _FusedDepthwiseConv2dNative",
    "transposed conv": "Conv2DBackpropInput Conv3DBackpropInputV2",
    "dense": "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 _FusedMatMul",
    "pad": "Pad PadV2 MirrorPad",
    "transpose": "Transpose",
    "reshape": "Reshape Squeeze ExpandDims",
    "quantise": "QuantizeV2 Dequantize FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel",
    "identity": "Identity Cast StopGradient NoOp ReadVariableOp PreventGradient Snapshot",
    "blocks": "SpaceToBatchND",
    "rearrange": "BatchToSpaceND SpaceToDepth DepthToSpace",
    "activation": "Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softplus Softsign Exp Log Sqrt Rsqrt "
    "Square Abs Neg Floor Ceil Round Rint Erf Reciprocal Inv Sin Cos ClipByValue",
    "elementwise": "Add AddV2 Sub Mul Div RealDiv Pow Maximum Minimum AddN BiasAdd BiasAddV1 "
    "Select SelectV2 SquaredDifference FloorDiv",
    "norm": "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN _FusedBatchNormEx",
    "pool": "MaxPool AvgPool MaxPoolV2",
    "resize": "ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea",
    "concat": "Concat ConcatV2",
    "slice": "Slice StridedSlice Split SplitV GatherV2 Gather Unpack",
    "reduce": "Mean Sum Max Min Prod ArgMax ArgMin",
    "softmax": "Softmax LogSoftmax",
    "shape": "Shape ShapeN Size Range Fill Rank",
}


def _by_kind(table: dict[str, str]) -> dict[str, str]:
    return {kind: role for role, kinds in table.items() for kind in kinds.split()}


ROLES: Final = {
    "onnx": _by_kind(_ONNX),
    "tflite": _by_kind(_TFLITE),
    "torch": _by_kind(_TORCH),
    "keras": _by_kind(_KERAS),
    "savedmodel": _by_kind(_TENSORFLOW),
}
"""Format → op kind → role. Torch kinds without their namespace and overload, those of ONNX Runtime
without their domain."""
