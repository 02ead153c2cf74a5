"""Ranges that an op's definition fixes are not called too wide, whatever values lie in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

from parity.layers.expected.fixed_grids import fixed
from parity.layers.graph.view import View
from parity.layers.numbers.grids import Grid
from parity.layers.numbers.ranges import fit
from parity.runtimes.contract import Graph, Op, Quantization

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def classes() -> Any:
    """A softmax over 30 classes that are all about as likely, joined with itself."""
    net = stacks.Stack(1)
    x = net.op("Relu", net.conv("image", 3, 8))
    x = net.op("Transpose", net.conv(x, 8, 30, 1, 0.2), perm=[0, 2, 3, 1])
    x = net.op("Softmax", net.op("Reshape", x, net.constant(np.array([1, -1, 30]))), axis=2)
    return net.model(net.op("Concat", x, x, axis=1))


def quantised(folder: Path, times: float = 1.0) -> Path:
    """Of these classes; the scale of the softmax's result so many times as large."""
    file = stacks.quantised(classes(), folder, "int8", per_channel=True)
    model = onnx.load(file)
    (made,) = (node.output[0] for node in model.graph.node if node.op_type == "Softmax")
    (stored,) = (node for node in model.graph.node if made in node.input)
    for held in model.graph.initializer:
        if held.name == stored.input[1]:
            scale = onnx.numpy_helper.to_array(held) * np.float32(times)
            assert float(scale) == pytest.approx(times / 256, rel=0.01)
            held.CopyFrom(onnx.numpy_helper.from_array(scale, held.name))
    onnx.save(model, file)
    return file


def test_a_softmax_of_many_classes_fits(tmp_path: Path) -> None:
    """It reaches a sixth of its range, which ONNX Runtime fixes at 0 to 1, and so does what is
    concatenated of it."""
    found = stacks.compared(tmp_path, classes(), quantised(tmp_path))
    assert not found.suspects()
    (row,) = (row for row in found.rows if "Softmax" in row.candidate_op)
    assert row.range_score is not None
    assert row.range_score > 0.02
    assert row.range_fault == ""


def test_a_softmax_with_another_range_does_not(tmp_path: Path) -> None:
    """The planted fault: from 0 to 10."""
    found = stacks.compared(tmp_path, classes(), quantised(tmp_path, 10))
    row = next(row for row in found.suspects() if "Softmax" in row.candidate_op)
    assert row.range_fault == "too wide"


def grid(scale: float, zero: int, dtype: str = "int8") -> Grid:
    """A grid of one scale."""
    return Grid(Quantization((scale,), (zero,)), dtype)


@pytest.mark.parametrize(
    ("kind", "dtype", "wanted"),
    [
        ("LOGISTIC", "int8", grid(1 / 256, -128)),
        ("SOFTMAX", "uint8", grid(1 / 256, 0, "uint8")),
        ("SOFTMAX", "int16", grid(1 / 32768, 0, "int16")),
        ("TANH", "int8", grid(1 / 128, 0)),
        ("L2_NORMALIZATION", "int8", grid(1 / 128, 0)),
        ("LOG_SOFTMAX", "int8", grid(16 / 256, 127)),
        ("RELU", "int8", None),
    ],
)
def test_the_grids_are_those_of_the_specification(
    kind: str, dtype: str, wanted: Grid | None
) -> None:
    """Scale and zero point, also behind what only moves the values."""
    ops = (Op(0, "f", kind, ("x",), ("y",), {}), Op(1, "r", "RESHAPE", ("y",), ("z",), {}))
    graph = Graph("tflite", ops, ("x",), ("z",), {}, {})
    view = View(graph, {"x": (1, 4), "y": (1, 4), "z": (4,)})
    assert fixed(view, "y", dtype) == fixed(view, "z", dtype) == wanted


def test_clipping_is_judged_all_the_same() -> None:
    """Scores up to a half in a grid that ends at a quarter."""
    values = np.linspace(0, 0.5, 5000, dtype=np.float32)
    definition = grid(1 / 256, -128)
    narrow, whole = (fit(one, values, definition) for one in (grid(1 / 1024, -128), definition))
    assert narrow is not None
    assert whole is not None
    assert (narrow.excess > 1, narrow.clips, whole.excess <= 1) == (True, True, True)
