"""PyTorch, by its ATen functions, as exported programs, TorchScript and tracing name them."""

from __future__ import annotations

import re

from parity.layers.graph.dialects.dialect import ChannelsFirst, Integers, by_type, truth
from parity.layers.graph.roles import Role
from parity.runtimes.contract import Graph, Op

_ROLES = {
    Role.CONV: "conv1d conv2d conv3d convolution _convolution",
    Role.DECONV: "conv_transpose1d conv_transpose2d conv_transpose3d",
    Role.DENSE: "linear addmm mm matmul",
    Role.PAD: "pad constant_pad_nd reflection_pad2d replication_pad2d zero_pad2d",
    Role.TRANSPOSE: "permute transpose swapaxes swapdims t",
    Role.RESHAPE: "view reshape flatten unflatten squeeze unsqueeze _unsafe_view",
    Role.QUANTISE: "quantize_per_tensor quantize_per_channel dequantize",
    Role.IDENTITY: "clone contiguous to _to_copy dropout alias detach lift_fresh_copy identity",
    Role.REARRANGE: "pixel_shuffle pixel_unshuffle",
    Role.ACTIVATION: "relu relu6 hardtanh clamp clamp_min clamp_max leaky_relu prelu elu selu "
    "sigmoid hardsigmoid hardswish silu mish gelu tanh softplus exp log sqrt rsqrt erf abs neg "
    "floor ceil round reciprocal sin cos",
    Role.ELEMENTWISE: "add sub rsub mul div pow maximum minimum where",
    Role.NORM: "batch_norm _native_batch_norm_legit_no_training cudnn_batch_norm instance_norm "
    "group_norm native_group_norm",
    Role.POOL: "max_pool2d avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d "
    "max_pool2d_with_indices _adaptive_avg_pool2d max_pool1d avg_pool1d",
    Role.RESIZE: "upsample_nearest2d upsample_bilinear2d upsample_bicubic2d interpolate "
    "_upsample_bilinear2d_aa _upsample_nearest_exact2d",
    Role.CONCAT: "cat concat",
    Role.SLICE: "slice select split split_with_sizes chunk index_select narrow unbind getitem",
    Role.REDUCE: "mean sum amax amin max min argmax argmin prod",
    Role.SOFTMAX: "softmax _softmax log_softmax _log_softmax",
    Role.SHAPE: "sym_size size arange full zeros ones zeros_like ones_like",
}
_NAMED = re.compile(r"(?:aten|prims|quantized)(?:\.|::)([a-z0-9_]+?)_?(?:\.|$)")
_SWAPPING = ("transpose", "swapaxes", "swapdims", "t")


class Torch(ChannelsFirst):
    """What the functions of a torch graph mean."""

    roles = by_type(_ROLES)
    integers = Integers(rounding=frozenset({"quantize_per_tensor", "quantize_per_channel"}))

    def op_type(self, kind: str) -> str:
        """ "conv2d" of "aten.conv2d.default" or of "aten::conv2d_", which writes in place."""
        found = _NAMED.search(kind.lower())
        return found.group(1) if found else kind.lower()

    def role(self, graph: Graph, op: Op) -> Role:
        """One function may convolve and transpose."""
        found = super().role(graph, op)
        transposed = self.roles.get(self.op_type(op.kind)) is Role.CONV and truth(
            op.attributes.get("transposed")
        )
        return Role.DECONV if transposed else found

    def dense_axis(self, op: Op, position: int, ndim: int) -> int:
        """A linear layer has a row for each output; addmm has its bias first."""
        kind = self.op_type(op.kind)
        if kind == "addmm" or position:
            return 0 if kind == "linear" else ndim - 1
        return ndim - 2

    def permutation(self, graph: Graph, op: Op, ndim: int) -> tuple[int, ...] | None:
        """Also of what swaps two axes."""
        if self.op_type(op.kind) not in _SWAPPING:
            return super().permutation(graph, op, ndim)
        order = list(range(ndim))
        first, second = int(op.attributes.get("dim0", 0)), int(op.attributes.get("dim1", 1))
        order[first], order[second] = order[second], order[first]
        return tuple(order)
