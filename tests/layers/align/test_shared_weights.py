"""One weight in two branches: what is around it says which branch is which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import stacks
from stacks import Stack

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def branches(swapped: bool, alike: bool = False) -> Any:
    """Two convolutions of one weight, of a tensor and of its sigmoid, concatenated."""
    net = Stack(8)
    first = net.op("Relu", net.conv("image", 3, 8))
    second = net.op("Relu" if alike else "Sigmoid", net.op("Neg", first) if alike else first)
    weight = net.constant(net.rng.normal(size=(8, 8, 3, 3)) / 5)
    left = net.op("Tanh", net.op("Conv", first, weight, pads=[1] * 4))
    right = net.op("Relu", net.op("Conv", second, weight, pads=[1] * 4))
    both = (right, left) if swapped else (left, right)
    return net.model(net.conv(net.op("Concat", *both, axis=1), 16, 4))


@pytest.mark.parametrize("alike", [False, True])
def test_a_swapped_concatenation_is_the_suspect(tmp_path: Path, alike: bool) -> None:
    """And not the branches, which are what they were."""
    table = stacks.compared(tmp_path, branches(False, alike), branches(True, alike))
    assert stacks.marked(table) == ["Concat"]
    assert max(row.local_rel_l2 for row in table.rows if row.op != "Concat") < 1e-6


def test_a_healthy_pair_of_branches_has_no_suspect(tmp_path: Path) -> None:
    """Each is paired with its own."""
    table = stacks.compared(tmp_path, branches(False), branches(False))
    assert {row.verdict for row in table.rows} == {"ok"}
