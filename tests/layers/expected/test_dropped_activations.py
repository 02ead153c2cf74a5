"""Int8 files without the ReLU that their integers saturate to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

from parity.layers.numbers.grids import Grid
from parity.layers.numbers.rounding import saturated
from parity.runtimes.contract import Quantization

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

VALUES = np.array([-3.0, -0.1, 0.0, 2.0, 7.0], np.float32)


def qdq(folder: Path, model: Any, name: str) -> Path:
    """Per channel; ONNX Runtime's tool drops the ReLU by default."""
    return stacks.quantised(model, folder, name, per_channel=True)


@pytest.mark.parametrize(
    ("scale", "zero", "dtype", "expected"),
    [
        (0.1, -128, "int8", [0, 0, 0, 2, 7]),
        (0.1, 0, "uint8", [0, 0, 0, 2, 7]),
        (6 / 255, -128, "int8", [0, 0, 0, 2, 6]),
        (0.1, 0, "int8", [-3, -0.1, 0, 2, 7]),
        (0.01, -127, "int8", [-3, -0.1, 0, 2, 7]),
    ],
)
def test_a_grid_from_zero_is_a_relu(
    scale: float, zero: int, dtype: str, expected: list[float]
) -> None:
    """And one from zero to six a ReLU6; what lies above any other limit is clipping, and stays."""
    grid = Grid(Quantization((scale,), (zero,)), dtype)
    assert np.array_equal(saturated(VALUES, grid), np.float32(expected))


def test_healthy_files_without_their_relus_are_not_marked(tmp_path: Path) -> None:
    """What the convolution makes is paired with what the reference's ReLU makes."""
    table = stacks.compared(tmp_path, stacks.relus(), qdq(tmp_path, stacks.relus(), "q"))
    rows = [row for row in table.rows if "Conv" in row.candidate_op]
    assert [row.op for row in rows] == ["Conv + Relu"] * 4 + ["Conv"]
    assert stacks.marked(table) == []
    assert max(row.expected_rel_l2 for row in rows) < 0.03
    assert max(row.range_score for row in rows) < 0.03


def test_a_fault_in_such_a_file_is_the_only_one_marked(tmp_path: Path) -> None:
    """Weights 20 % off before quantisation."""
    faulty = qdq(tmp_path, stacks.reweighted(stacks.relus(), 2, 1.2), "q")
    table = stacks.compared(tmp_path, stacks.relus(), faulty)
    (row,) = [row for row in table.rows if row.verdict == "introduced"]
    assert (row.index, row.op) == (3, "Conv + Relu")
    assert row.local_ratio > 5


def test_one_scale_a_weight_is_a_format_and_no_fault(tmp_path: Path) -> None:
    """ONNX Runtime's tool with no options: every weight has one scale, and none is marked."""
    file = stacks.quantised(stacks.relus(6), tmp_path, "q")
    table = stacks.compared(tmp_path, stacks.relus(6), file)
    assert stacks.marked(table) == []
    assert max(row.local_ratio for row in table.rows if row.local_ratio) < 1.25
