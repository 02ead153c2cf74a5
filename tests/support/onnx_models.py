"""ONNX detectors of a few nodes, written at once: no framework, no export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest


def constant_heads(path: Path, heads: Mapping[str, np.ndarray], image: Sequence[int]) -> Path:
    """A detector that gives these heads whatever it is fed, an ``image`` of this shape."""
    helper, _ = _onnx()
    nodes = [
        helper.make_node("ReduceSum", ["image"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "none"], ["nothing"]),
    ]
    constants = {"none": np.float32(0)}
    for name, values in heads.items():
        constants[f"{name}_values"] = np.asarray(values, np.float32)
        nodes.append(helper.make_node("Add", [f"{name}_values", "nothing"], [name]))
    shapes = {name: np.shape(values) for name, values in heads.items()}
    return _save(path, nodes, constants, image, shapes)


def mean_score(
    path: Path, box: Sequence[float], image: Sequence[int | str], white: float = 1
) -> Path:
    """A detector of one box, whose score is the mean of the pixels / ``white``."""
    helper, _ = _onnx()
    constants = {
        "white": np.float32(white),
        "none": np.float32(0),
        "box": np.array([[box]], np.float32),
        "whole": np.array([1, 1, 1]),
    }
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["score"]),
        helper.make_node("Reshape", ["score", "whole"], ["scores"]),
        helper.make_node("Mul", ["mean", "none"], ["nothing"]),
        helper.make_node("Add", ["box", "nothing"], ["boxes"]),
    ]
    return _save(path, nodes, constants, image, {"boxes": (1, 1, 4), "scores": (1, 1, 1)})


def _onnx() -> tuple:
    onnx = pytest.importorskip("onnx")
    return onnx.helper, onnx.numpy_helper


def _save(path: Path, nodes: list, constants: Mapping, image: Sequence, heads: Mapping) -> Path:
    helper, numpy_helper = _onnx()
    import onnx

    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, list(image))],
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))
            for name, shape in heads.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    return path
