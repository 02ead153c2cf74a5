"""Seeded faults in ONNX files, float and int8 (QDQ); each returns what damaged ops make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from parity.tensors import Array

Rng = np.random.Generator
Damage = set[str]


class Model:
    """A model under the knife."""

    def __init__(self, path: str) -> None:
        self.proto = onnx.load(path)
        self.graph = self.proto.graph
        self.constants = {one.name: one for one in self.graph.initializer}
        for node in self.graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = node.attribute[0].t

    def nodes(self, *kinds: str) -> list[Any]:
        return [node for node in self.graph.node if node.op_type in kinds]

    def maker(self, name: str) -> Any:
        return next((node for node in self.graph.node if name in node.output), None)

    def readers(self, name: str) -> list[Any]:
        return [node for node in self.graph.node if name in node.input]

    def get(self, name: str) -> Array:
        return numpy_helper.to_array(self.constants[name])

    def put(self, name: str, array: Array) -> None:
        stored = self.constants[name]
        raw = numpy_helper.from_array(array.astype(self.get(name).dtype), name)
        stored.CopyFrom(raw)

    def weight(self, node: Any) -> str | None:
        """The stored constant of a conv's weight, also behind a DequantizeLinear."""
        name = node.input[1]
        if name in self.constants:
            return str(name)
        maker = self.maker(name)
        if maker is not None and maker.input[0] in self.constants:
            return str(maker.input[0])
        return None

    def uses(self, weight: str) -> Damage:
        """The outputs of all convs that hold a weight."""
        return {node.output[0] for node in self.nodes("Conv") if self.weight(node) == weight}

    def replace_reads(self, old: str, new: str, only: Any = None) -> None:
        for node in self.graph.node if only is None else [only]:
            for place, name in enumerate(node.input):
                if name == old:
                    node.input[place] = new

    def save(self, path: str) -> None:
        onnx.save(self.proto, path)


def _some(rng: Rng, options: list[Any]) -> Any:
    return options[int(rng.integers(len(options)))] if options else None


def _change_weight(model: Model, rng: Rng, change: Callable[[Array], Array]) -> Damage:
    node = _some(rng, [node for node in model.nodes("Conv") if model.weight(node)])
    name = model.weight(node)
    assert name is not None
    array = model.get(name)
    changed = change(array.astype(np.float64))
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        changed = np.clip(np.rint(changed), limits.min, limits.max)
    model.put(name, changed)
    return model.uses(name)


def weights(share: float) -> Callable[[Model, Rng], Damage]:
    """Every weight of one layer off by the share, up or down."""

    def damage(model: Model, rng: Rng) -> Damage:
        return _change_weight(
            model, rng, lambda w: w * (1 + share * rng.choice([-1.0, 1.0], size=w.shape))
        )

    return damage


def transposed(model: Model, rng: Rng) -> Damage:
    """A square weight with its two equal axes swapped: channels, else the kernel's."""
    options = []
    for node in model.nodes("Conv"):
        name = model.weight(node)
        shape = model.get(name).shape if name else ()
        if len(shape) == 4 and (shape[0] == shape[1] > 1 or shape[2] == shape[3] > 1):
            options.append((name, (1, 0, 2, 3) if shape[0] == shape[1] else (0, 1, 3, 2)))
    if not options:
        return set()
    name, order = _some(rng, options)
    model.put(name, np.ascontiguousarray(model.get(name).transpose(order)))
    return model.uses(name)


def missing_activation(model: Model, rng: Rng) -> Damage:
    """Readers of an activation read what is before it."""
    node = _some(rng, _activations(model))
    if node is None:
        return set()
    before = _operand(model, node)
    model.replace_reads(node.output[0], before)
    model.graph.node.remove(node)
    return {before, *_chain(model, before)}


def _activations(model: Model) -> list[Any]:
    found = model.nodes("Relu", "Clip", "LeakyRelu")
    for node in model.nodes("Mul"):
        makers = [model.maker(_root(model, name)) for name in node.input]
        if any(maker is not None and maker.op_type == "Sigmoid" for maker in makers):
            found.append(node)
    return [node for node in found if node.output[0] not in {o.name for o in model.graph.output}]


def _chain(model: Model, name: str) -> list[str]:
    """A tensor and those above it that only QuantizeLinear and DequantizeLinear part from it."""
    names = [name]
    while (maker := model.maker(names[-1])) is not None:
        if maker.op_type not in ("DequantizeLinear", "QuantizeLinear"):
            break
        names.append(maker.input[0])
    return names


def _root(model: Model, name: str) -> str:
    return _chain(model, name)[-1]


def _operand(model: Model, node: Any) -> str:
    for name in node.input:
        maker = model.maker(_root(model, name))
        if maker is None or maker.op_type != "Sigmoid":
            return str(name)
    return str(node.input[0])


def relu6_to_relu(model: Model, rng: Rng) -> Damage:
    """A clip to 0..6 without its upper end."""
    node = _some(rng, model.nodes("Clip"))
    if node is None:
        return set()
    if len(node.input) < 3 or not node.input[2]:
        return set()
    high = f"{node.output[0]}_high"
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1e30), high))
    node.input[2] = high
    return {node.output[0]}


def padding(model: Model, rng: Rng) -> Damage:
    """The padding of one conv on the other sides."""
    options = [
        (node, attribute)
        for node in model.nodes("Conv")
        for attribute in node.attribute
        if attribute.name == "pads" and any(attribute.ints)
    ]
    if not options:
        return set()
    node, attribute = _some(rng, options)
    top, left, bottom, right = attribute.ints
    moved = [bottom, right, top, left]
    if list(moved) == list(attribute.ints):
        moved = [top + bottom, left + right, 0, 0]
    del attribute.ints[:]
    attribute.ints.extend(moved)
    return {node.output[0]}


def resize(model: Model, rng: Rng) -> Damage:
    """Linear instead of nearest."""
    node = _some(rng, model.nodes("Resize"))
    if node is None:
        return set()
    wanted = {"mode": b"linear", "coordinate_transformation_mode": b"half_pixel"}
    for attribute in node.attribute:
        if attribute.name in wanted:
            attribute.s = wanted[attribute.name]
    return {node.output[0]}


def epsilon(model: Model, rng: Rng) -> Damage:
    """A batch norm with a wrong epsilon; folded ones are scaled as such an epsilon would."""
    nodes = model.nodes("BatchNormalization")
    if nodes:
        node = _some(rng, nodes)
        variance = model.get(node.input[4])
        for attribute in node.attribute:
            if attribute.name == "epsilon":
                attribute.f = float(np.median(variance) * 0.2)
        return {node.output[0]}
    factors = rng.uniform(0.75, 1.0, size=4096)
    return _change_weight(
        model, rng, lambda w: w * factors[: len(w)].reshape(-1, *[1] * (w.ndim - 1))
    )


def swapped(model: Model, rng: Rng) -> Damage:
    """Two operands of one concatenation the wrong way round."""
    nodes = [node for node in model.nodes("Concat") if len(node.input) > 1]
    nodes = [node for node in nodes if node.attribute[0].i != 0]  # along 0, shapes are put together
    node = _some(rng, nodes)
    if node is None:
        return set()
    first, second = rng.choice(len(node.input), size=2, replace=False)
    node.input[first], node.input[second] = node.input[second], node.input[first]
    return {node.output[0]}


def miswired(model: Model, rng: Rng) -> Damage:
    """A conv at a fork that reads another, earlier map of the same shape."""
    inferred = onnx.shape_inference.infer_shapes(model.proto).graph.value_info
    shapes = {one.name: [d.dim_value for d in one.type.tensor_type.shape.dim] for one in inferred}
    made: list[str] = []
    options = []
    for node in model.graph.node:
        conv = node.op_type == "Conv" and node.input[0] in shapes
        if conv and len(model.readers(node.input[0])) > 1:
            same = [one for one in made if shapes[one] == shapes[node.input[0]]]
            options += [(node, one) for one in same if one != node.input[0]]
        if node.op_type in ("Conv", "Relu", "Clip", "Mul") and node.output[0] in shapes:
            made.append(node.output[0])
    if not options:
        return set()
    node, wrong = _some(rng, options)
    node.input[0] = wrong
    return {node.output[0]}


def per_tensor_depthwise(model: Model, rng: Rng) -> Damage:
    """A depthwise weight with one scale for all channels."""
    options = []
    for node in model.nodes("Conv"):
        name, maker = model.weight(node), model.maker(node.input[1])
        deep = name and maker is not None and model.get(name).shape[1] == 1
        if deep and model.get(maker.input[1]).size > 1:
            options.append((node, name, maker))
    if not options:
        return set()
    node, name, maker = _some(rng, options)
    scales = model.get(maker.input[1])
    along = scales.reshape(-1, 1, 1, 1)
    real = model.get(name).astype(np.float64) * along
    step = float(np.abs(real).max() / 127)
    model.put(name, np.clip(np.rint(real / step), -127, 127))
    model.put(maker.input[1], np.full_like(scales, step))
    for use in model.nodes("Conv"):
        if model.weight(use) == name and len(use.input) > 2:
            _rescale_bias(model, use, scales.astype(np.float64), step)
    return model.uses(name)


def _rescale_bias(model: Model, node: Any, before: Array, after: float | Array) -> None:
    """Keep a bias's real values where its scale follows the weight's or the input's."""
    maker = model.maker(node.input[2])
    if maker is None or maker.op_type != "DequantizeLinear":
        return
    scale = model.get(maker.input[1]).astype(np.float64)
    raw = model.get(maker.input[0]).astype(np.float64)
    changed = scale * after / before
    model.put(maker.input[0], np.rint(raw * scale / changed))
    model.put(maker.input[1], np.broadcast_to(changed, scale.shape))


def bad_range(model: Model, rng: Rng) -> Damage:
    """An activation's scale a quarter, or eight times, of what it should be."""
    options = []
    for node in model.nodes("QuantizeLinear"):
        readers = model.readers(node.output[0])
        behind = [one for reader in readers for one in model.readers(reader.output[0])]
        kinds = {one.op_type for one in behind}
        if readers and kinds and kinds <= {"Conv", "Mul", "Add", "Sigmoid"}:
            options.append((node, readers, behind))
    if not options:
        return set()
    node, readers, behind = _some(rng, options)
    factor = float(rng.choice([0.25, 8.0]))
    scale = f"{node.output[0]}_scale_damaged"
    value = model.get(node.input[1]) * np.float32(factor)
    model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), scale))
    model.constants[scale] = model.graph.initializer[-1]
    for one in (node, *readers):
        one.input[1] = scale
    for one in behind:
        if one.op_type == "Conv" and len(one.input) > 2:
            _rescale_bias(model, one, np.float64(1.0), factor)
    return {node.output[0], node.input[0]}


FLOAT = {
    "weights 2 %": weights(0.02),
    "weights 20 %": weights(0.2),
    "missing activation": missing_activation,
    "relu6 to relu": relu6_to_relu,
    "wrong padding": padding,
    "resize mode": resize,
    "epsilon": epsilon,
    "transposed weight": transposed,
    "swapped branch": swapped,
    "miswired branch": miswired,
}
INT8 = {
    "weights 2 %": weights(0.02),
    "epsilon": epsilon,
    "weights 20 %": weights(0.2),
    "missing activation": missing_activation,
    "wrong padding": padding,
    "resize mode": resize,
    "transposed weight": transposed,
    "swapped branch": swapped,
    "per-tensor depthwise": per_tensor_depthwise,
    "bad range": bad_range,
}
