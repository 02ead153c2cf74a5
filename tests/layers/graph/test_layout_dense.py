"""A dense layer sums over the last axis: what lies there is channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks
from stacks import Stack

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def tokens(turned: bool) -> Any:
    """As many positions as channels, put last for dense layers or left in front of them."""
    net = Stack(4, (1, 3, 8, 8))
    x = net.op("Relu", net.conv("image", 3, 64))
    x = net.op("Reshape", x, net.constant(np.array([1, 64, 64])))
    x = net.op("Transpose", x, perm=[0, 2, 1]) if turned else x
    for made in (64, 32, 5):
        weight = net.constant(net.rng.normal(size=(64 if made > 5 else 32, made)) / 8)
        if made == 32:
            x = net.op("Tanh", x)
        x = net.op("MatMul", x, weight)
    return net.model(x)


def test_a_missing_transpose_of_a_square_does_not_hide(tmp_path: Path) -> None:
    """The layers behind it are measured, and only it is marked."""
    fed = [(one[..., :8, :8], one[..., :8, :8]) for one in stacks.images()]
    table = stacks.compared(tmp_path, tokens(True), tokens(False), fed)
    assert stacks.marked(table) == ["Reshape"]
    assert all(row.local_rel_l2 is not None for row in table.rows)
    healthy = stacks.compared(tmp_path, tokens(True), tokens(True), fed)
    assert {row.verdict for row in healthy.rows} == {"ok"}
