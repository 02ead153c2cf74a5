"""Small ONNX networks, op by op, for tests that compare two of them in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import quantising

from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.verdict.comparing import compare_layers
from parity.layers.verdict.table import LayerTable
from parity.runtimes.contract import Artifact
from parity.tensors import Array


class OnnxNet:
    """A network in the making; its weights are drawn from a seed, and so the same every time."""

    def __init__(self, seed: int = 0, shape: tuple[int, ...] = (1, 3, 16, 16)) -> None:
        self._rng = np.random.default_rng(seed)
        self._shape = shape
        self._nodes: list[Any] = []
        self._constants: dict[str, Array] = {}

    def constant(self, value: Any) -> str:
        """A constant's name."""
        name = f"constant_{len(self._constants)}"
        self._constants[name] = np.asarray(value)
        return name

    def draw(self, *shape: int, scale: float = 1.0) -> str:
        """A constant of normal numbers."""
        return self.constant((self._rng.normal(size=shape) * scale).astype(np.float32))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The name of what an op of one output makes, which is its own name too."""
        from onnx import helper

        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def conv(self, x: str, channels: tuple[int, int], factor: float = 1.0, **more: Any) -> str:
        """A 3x3 convolution, from so many channels to so many; ``factor`` is a fault."""
        into, out = channels
        weight = self._rng.normal(size=(out, into, 3, 3)) * np.sqrt(2 / (9 * into))
        named = self.constant((weight * factor).astype(np.float32))
        return self.op("Conv", x, named, self.draw(out, scale=0.1), pads=[1, 1, 1, 1], **more)

    def model(self, *outputs: str) -> Any:
        """The finished model; its input is called image."""
        from onnx import TensorProto, helper, numpy_helper

        weights = [numpy_helper.from_array(one, name) for name, one in self._constants.items()]
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        given = [helper.make_tensor_value_info("image", TensorProto.FLOAT, self._shape)]
        graph = helper.make_graph(self._nodes, "net", given, made, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def subject(folder: Path, model: Any) -> OnnxSubject:
    """A model, saved and open for looking."""
    import onnx

    path = folder / f"{len(list(folder.iterdir()))}.onnx"
    onnx.save(model, path)
    return OnnxSubject(Artifact(str(path)))


def compared(
    folder: Path, reference: Any, candidate: Any, fed: list[tuple[Array, Array]]
) -> LayerTable:
    """The table of two models; ``fed`` are both sides' images."""
    sides = subject(folder, reference), subject(folder, candidate)
    feeds = [({"image": one}, {"image": other}) for one, other in fed]
    quantized = bool(sides[1].grids)
    try:
        return compare_layers(sides[0], sides[1], feeds, quantized)
    finally:
        for side in sides:
            side.close()


def int8(folder: Path, model: Any, images: list[Array]) -> Any:
    """A model quantised by ONNX Runtime: QDQ, weights per channel in 7 bits."""
    import onnx

    made = folder / f"{len(list(folder.iterdir()))}_int8.onnx"
    return onnx.load(quantising.static(model, made, images, per_channel=True))
