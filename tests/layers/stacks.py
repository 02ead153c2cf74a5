"""Stacks of convolutions as ONNX models, for tests of what exporters make of one network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import file_nets
import numpy as np
import quantising

from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.table import LayerRow, LayerTable
from parity.runtimes.contract import Artifact
from parity.tensors import Array


class Stack:
    """Builds a model op by op from "image" (1, 3, 16, 16); each op returns its output's name."""

    def __init__(self, seed: int = 0, shape: tuple[int, ...] = (1, 3, 16, 16)) -> None:
        self.rng = np.random.default_rng(seed)
        self.shape = shape
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, value: Any) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.weights)}"
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], output, **attributes))
        return output

    def conv(self, x: str, read: int, made: int, kernel: int = 3, factor: float = 1.0) -> str:
        weight = self.rng.normal(size=(made, read, kernel, kernel)) * factor
        weight *= np.sqrt(2 / (read * kernel * kernel))
        bias = self.constant(self.rng.normal(size=made) / 10)
        return self.op("Conv", x, self.constant(weight), bias, pads=[kernel // 2] * 4)

    def model(self, *outputs: str) -> Any:
        from onnx import TensorProto, helper

        floats = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "stack",
            [helper.make_tensor_value_info("image", floats, self.shape)],
            [helper.make_tensor_value_info(one, floats, None) for one in outputs],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def relus(depth: int = 4, seed: int = 0) -> Any:
    """Convolutions, each with a ReLU behind it, and a last one without."""
    net = Stack(seed)
    x, channels = "image", 3
    for _ in range(depth):
        x, channels = net.op("Relu", net.conv(x, channels, 8)), 8
    return net.model(net.conv(x, 8, 4))


def reweighted(model: Any, place: int, factor: float) -> Any:
    """A copy in which the weights of the convolution at this place are multiplied."""
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    one = [tensor for tensor in copy.graph.initializer if len(tensor.dims) == 4][place]
    array = numpy_helper.to_array(one) * np.float32(factor)
    one.CopyFrom(numpy_helper.from_array(array.astype(np.float32), one.name))
    return copy


def quantised(model: Any, folder: Path, name: str, **options: Any) -> Path:
    """The model quantised on eight images, its weights in 7 bits."""
    return quantising.static(model, folder / f"{name}.onnx", images(8), **options)


def images(count: int = 2) -> list[Array]:
    """Seeded images (1, 3, 16, 16)."""
    return [file_nets.image(seed) for seed in range(count)]


def compared(
    folder: Path, reference: Any, candidate: Any, feeds: list[tuple[Array, Array]] | None = None
) -> LayerTable:
    """The table of two models under ONNX Runtime; ``feeds`` are both sides' images."""
    subjects = [subject(folder, name, one) for name, one in (("a", reference), ("b", candidate))]
    fed = feeds or [(one, one) for one in images()]
    try:
        return compare_layers(
            subjects[0],
            subjects[1],
            [({"image": ours}, {"image": theirs}) for ours, theirs in fed],
            quantized=bool(subjects[1].grids),
        )
    finally:
        for one in subjects:
            one.close()


def subject(folder: Path, name: str, model: Any) -> OnnxSubject:
    """A model, or the file of one, open for looking."""
    import onnx

    if isinstance(model, Path):
        return OnnxSubject(Artifact(str(model), {}))
    onnx.save(model, folder / f"{name}.onnx")
    return OnnxSubject(Artifact(str(folder / f"{name}.onnx"), {}))


def marked(table: LayerTable) -> list[str]:
    """The candidate's kinds of the rows that introduce an error."""
    return [row.candidate_op for row in table.rows if row.verdict == "introduced"]


def row_of(table: LayerTable, kinds: str) -> LayerRow:
    """The first row of these candidate ops."""
    return next(row for row in table.rows if row.candidate_op == kinds)
