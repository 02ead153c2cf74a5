"""What cross-layer equalisation makes of ONNX chains of convolutions, and faults in the result."""

from __future__ import annotations

from typing import Any

import numpy as np

LAYERS = ("Conv", "ConvTranspose")


def layers(model: Any) -> list[Any]:
    """The convolutions, in order."""
    return [one for one in model.graph.node if one.op_type in LAYERS]


def change(model: Any, **arrays: Any) -> Any:
    """A copy with these initializers in the place of those of the same names."""
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for one in copy.graph.initializer:
        if one.name in arrays:
            value = np.asarray(arrays[one.name], np.float32)
            one.CopyFrom(numpy_helper.from_array(value, one.name))
    return copy


def arrays(model: Any) -> dict[str, Any]:
    """The initializers by name."""
    from onnx import numpy_helper

    return {one.name: numpy_helper.to_array(one).copy() for one in model.graph.initializer}


def equalised(
    model: Any, places: tuple[int, ...] = (0, 1, 2), seed: int = 0, most: float = 1.6
) -> Any:
    """The same function: after each of these convolutions the channels are scaled, by default 1/5
    to 5 times, and the next one scales them back. Channels without weights stay as they are.
    """
    rng = np.random.default_rng(seed)
    held, found = arrays(model), layers(model)
    for place in places:
        one, behind = found[place], found[place + 1]
        weight = held[one.input[1]]
        made = _made(one, weight)
        size = made.shape[0] * made.shape[2]
        scale = np.exp(rng.uniform(-most, most, size)).reshape(made.shape[0], 1, made.shape[2], 1)
        scale = np.where((made != 0).any(axis=(1, 3), keepdims=True), scale, 1)
        made *= scale
        if len(one.input) > 2:
            held[one.input[2]] *= scale.ravel()
        read = _read(behind, held[behind.input[1]])
        read /= scale.reshape(read.shape[0], 1, read.shape[2], 1)
    return change(model, **held)


def _made(node: Any, weight: Any) -> Any:
    """A view of a weight as (groups, others, output channels of one, others)."""
    count = _groups(node)
    if node.op_type == "Conv":
        return weight.reshape(count, 1, weight.shape[0] // count, -1)
    return weight.reshape(count, weight.shape[0] // count, weight.shape[1], -1)


def _read(node: Any, weight: Any) -> Any:
    """A view of a weight as (groups, others, input channels of one, others)."""
    count = _groups(node)
    if node.op_type == "Conv":
        return weight.reshape(count, weight.shape[0] // count, weight.shape[1], -1)
    return weight.reshape(count, 1, weight.shape[0] // count, -1)


def _groups(node: Any) -> int:
    return next((one.i for one in node.attribute if one.name == "group"), 1)


def off(model: Any, place: int, index: tuple[Any, ...], factor: float, biases: bool = False) -> Any:
    """With some of a convolution's weights so many times what they are."""
    held, node = arrays(model), layers(model)[place]
    held[node.input[1]][index] *= factor
    if biases:
        held[node.input[2]][index] *= factor
    return change(model, **held)
