"""Keras 3, by its layers and operations."""

from __future__ import annotations

from parity.layers.graph.dialects.dialect import Dialect, by_type
from parity.layers.graph.roles import Role
from parity.runtimes.contract import Graph, Op

_ROLES = {
    Role.CONV: "Conv1D Conv2D Conv3D",
    Role.DEPTHWISE: "DepthwiseConv1D DepthwiseConv2D",
    Role.DECONV: "Conv1DTranspose Conv2DTranspose Conv3DTranspose",
    Role.DENSE: "Dense Matmul",
    Role.PAD: "ZeroPadding1D ZeroPadding2D ZeroPadding3D Pad",
    Role.TRANSPOSE: "Permute Transpose Swapaxes",
    Role.RESHAPE: "Reshape Flatten Squeeze ExpandDims",
    Role.IDENTITY: "Dropout SpatialDropout2D GaussianNoise GaussianDropout Cast Identity "
    "ActivityRegularization Copy",
    Role.ACTIVATION: "ReLU Activation LeakyReLU PReLU ELU Relu Relu6 Sigmoid Silu Clip Exp Log "
    "Sqrt Tanh HardSwish HardSigmoid HardSilu Gelu Softplus Abs Absolute Negative Floor Ceil "
    "Round",
    Role.ELEMENTWISE: "Add Subtract Multiply Average Maximum Minimum Rescaling Normalization "
    "Divide TrueDivide Power Where",
    Role.NORM: "BatchNormalization LayerNormalization GroupNormalization UnitNormalization",
    Role.POOL: "MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D "
    "MaxPooling1D AveragePooling1D",
    Role.RESIZE: "UpSampling2D UpSampling1D Resizing Resize",
    Role.CONCAT: "Concatenate",
    Role.SLICE: "Cropping1D Cropping2D GetItem Slice Split Take",
    Role.REDUCE: "Mean Sum Max Min Argmax Prod",
    Role.SOFTMAX: "Softmax LogSoftmax",
    Role.SHAPE: "Shape Arange Full Zeros Ones",
}


class Keras(Dialect):
    """What the operations of a Keras model mean."""

    roles = by_type(_ROLES)
    any_layout = frozenset({Role.NORM})

    def permutation(self, graph: Graph, op: Op, ndim: int) -> tuple[int, ...] | None:
        """Permute leaves out the batch; by default a transpose turns all axes round."""
        found = super().permutation(graph, op, ndim) or tuple(reversed(range(ndim)))
        return (0, *found) if op.kind == "Permute" else found
