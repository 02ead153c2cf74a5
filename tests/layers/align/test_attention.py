"""A transpose that is missing inside attention: one region is named, and the place lies in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CHANNELS, HEADS = 32, 4


def block(gone: str = "") -> Any:
    """Patches, attention of four heads, a sum, a dense layer; ``gone`` names the transpose that is
    left out, whose result has the right shape and the wrong order."""
    net = stacks.Stack(3)

    def dense(x: str, made: int) -> str:
        weight = net.constant(net.rng.normal(size=(CHANNELS, made)) / CHANNELS**0.5)
        return net.op("Add", net.op("MatMul", x, weight), net.constant(net.rng.normal(size=made)))

    def shaped(x: str, *shape: int) -> str:
        return net.op("Reshape", x, net.constant(np.array(shape)))

    def split(x: str, name: str) -> str:
        if gone == name:
            return shaped(x, 1, HEADS, 16, CHANNELS // HEADS)
        return net.op("Transpose", shaped(x, 1, 16, HEADS, CHANNELS // HEADS), perm=[0, 2, 1, 3])

    weight = net.constant(net.rng.normal(size=(CHANNELS, 3, 4, 4)) / 7)
    patches = shaped(net.op("Conv", "image", weight, strides=[4, 4]), 1, CHANNELS, 16)
    x = net.op("Transpose", patches, perm=[0, 2, 1])
    query, key, value = (split(dense(x, CHANNELS), name) for name in ("q", "k", "v"))
    scores = net.op("MatMul", query, net.op("Transpose", key, perm=[0, 1, 3, 2]))
    scores = net.op("Softmax", net.op("Div", scores, net.constant(np.float32(8**0.5))), axis=-1)
    mixed = net.op("MatMul", scores, value)
    if gone != "out":
        mixed = net.op("Transpose", mixed, perm=[0, 2, 1, 3])
    x = net.op("Add", x, dense(shaped(mixed, 1, 16, CHANNELS), CHANNELS))
    return net.model(dense(net.op("Relu", dense(x, CHANNELS)), 5))


def test_attention_is_compared_op_by_op(tmp_path: Path) -> None:
    """Heads and positions have their axes; nothing is blamed."""
    table = stacks.compared(tmp_path, block(), block())
    assert table.coverage == 1.0
    assert {row.verdict for row in table.rows} == {"ok"}
    assert {row.layout for row in table.rows if row.op.endswith("Softmax")} == {"NCLC"}


@pytest.mark.parametrize("gone", ["q", "k", "v", "out"])
def test_a_missing_transpose_is_in_the_region_that_is_named(tmp_path: Path, gone: str) -> None:
    """And in no other: what is behind it is fed right, in a layout that fits."""
    table = stacks.compared(tmp_path, block(), block(gone))
    assert table.coverage == 1.0
    (suspect,) = table.suspects()
    assert suspect.op.count("Transpose") == suspect.candidate_op.count("Transpose") + 1
    wanted = {"q": "MatMul", "k": "MatMul", "v": "MatMul", "out": "Reshape"}[gone]
    assert wanted in suspect.candidate_op
    behind = [row for row in table.rows if row.index > suspect.index]
    assert {row.verdict for row in behind} == {"inherited"}


def optimised(folder: Path, model: Any) -> Path:
    """The file that ONNX Runtime writes: a dense layer's positions as rows of two axes."""
    import onnx
    import onnxruntime as ort

    onnx.save(model, folder / "plain.onnx")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    ort.InferenceSession(str(folder / "plain.onnx"), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(folder / "optimised.onnx").graph.node]
    assert "Gemm" in kinds
    return folder / "optimised.onnx"


def test_attention_in_rows_is_compared_too(tmp_path: Path) -> None:
    """Positions stay positions where a dense layer reads them as rows."""
    table = stacks.compared(tmp_path, block(), optimised(tmp_path, block()))
    assert table.coverage == 1.0
    assert {row.verdict for row in table.rows} == {"ok"}
    assert all(row.local_rel_l2 is not None for row in table.rows)


@pytest.mark.parametrize("gone", ["q", "k", "v", "out"])
def test_and_a_missing_transpose_in_it_is_named(tmp_path: Path, gone: str) -> None:
    """As in the file before that optimisation."""
    table = stacks.compared(tmp_path, block(), optimised(tmp_path, block(gone)))
    (suspect,) = table.suspects()
    ours, theirs = suspect.op.count("Transpose"), suspect.candidate_op.count("Transpose")
    assert ours - theirs - suspect.candidate_op.count("FusedMatMul") == 1  # it turns the keys
    assert suspect.local_rel_l2 is not None


def test_and_a_wrong_weight_in_it_is_named(tmp_path: Path) -> None:
    """2 % too large, in the layer behind the attention."""
    faulty = block()
    held = [one for one in faulty.graph.initializer if tuple(one.dims) == (CHANNELS, CHANNELS)][3]
    import onnx

    array = onnx.numpy_helper.to_array(held) * np.float32(1.02)
    held.CopyFrom(onnx.numpy_helper.from_array(array, held.name))
    table = stacks.compared(tmp_path, block(), optimised(tmp_path, faulty))
    (suspect,) = table.suspects()
    assert "Gemm" in suspect.candidate_op
    assert suspect.local_rel_l2 == pytest.approx(0.02, rel=0.3)
