"""A softmax along an inner axis, written in two ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks
from stacks import Stack

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def distances(moved: bool, axis: int = -1) -> Any:
    """The last layers of YOLOv8: sixteen bins for each of four sides, their softmax, their mean.

    Older exporters move the axis to the end for the softmax and back.
    """
    net = Stack(3)
    x = net.op("Reshape", net.conv("image", 3, 64), net.constant(np.array([1, 4, 16, 256])))
    x = net.op("Transpose", x, perm=[0, 2, 1, 3])
    if moved:
        x = net.op("Softmax", net.op("Transpose", x, perm=[0, 3, 2, 1]), axis=axis)
        x = net.op("Transpose", x, perm=[0, 3, 2, 1])
    else:
        x = net.op("Softmax", x, axis=1)
    bins = net.constant(np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1))
    return net.model(
        net.op("Reshape", net.op("Conv", x, bins), net.constant(np.array([1, 4, 256])))
    )


@pytest.mark.parametrize("moved", [False, True])
def test_it_is_the_same_however_it_is_written(tmp_path: Path, moved: bool) -> None:
    """Both ways round every layer is measured, and none is marked."""
    table = stacks.compared(tmp_path, distances(moved), distances(not moved))
    assert {row.verdict for row in table.rows} == {"ok"}
    assert table.coverage == 1.0
    assert max(row.local_rel_l2 for row in table.rows) < 1e-6
    assert [row.note for row in table.rows] == [""] * len(table.rows)


def test_along_a_wrong_axis_it_is_the_suspect(tmp_path: Path) -> None:
    """Four sides in the place of sixteen bins."""
    (row,) = stacks.compared(tmp_path, distances(False), distances(True, axis=-2)).suspects()
    assert (row.op, row.candidate_op) == ("Softmax", "Softmax + Transpose")
