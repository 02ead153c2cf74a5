"""What nobody behind it can put right is compared in the order of its values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

ORDER = "its values lie in another order than the reference's"


def head(net: stacks.Stack, x: str, last: int, turned: bool = True) -> str:
    """A map (N, C, H, W) as rows of ``last`` numbers; the channels go last before, if turned."""
    x = net.op("Transpose", x, perm=[0, 2, 3, 1]) if turned else x
    return net.op("Reshape", x, net.constant(np.array([1, -1, last])))


def detector(turned: bool = True, function: str = "Sigmoid") -> Any:
    """Boxes and, behind a function, scores of 256 places."""
    net = stacks.Stack(7)
    x = net.op("Relu", net.conv("image", 3, 8))
    boxes = head(net, net.conv(x, 8, 4, 1), 4)
    return net.model(boxes, net.op(function, head(net, net.conv(x, 8, 4, 1), 4, turned)))


def levels(missing: tuple[int, int] | None = None) -> Any:
    """Two anchors of 4 box numbers and 2 classes at two levels, concatenated over the levels."""
    net = stacks.Stack(7)
    first = net.op("Relu", net.conv("image", 3, 8))
    pooled = net.op("MaxPool", first, kernel_shape=[2, 2], strides=[2, 2])
    second = net.op("Relu", net.conv(pooled, 8, 16))
    heads = [
        [head(net, net.conv(x, read, 2 * last), last, missing != (level, task))
         for task, last in enumerate((4, 2))]
        for level, (x, read) in enumerate(((first, 8), (second, 16)))
    ]  # fmt: skip
    boxes, scores = (net.op("Concat", heads[0][task], heads[1][task], axis=1) for task in (0, 1))
    return net.model(boxes, net.op("Softmax", scores, axis=2))


@pytest.mark.parametrize("function", ["Sigmoid", "Identity", "Relu"])
def test_a_missing_transpose_before_an_output_is_found(tmp_path: Path, function: str) -> None:
    """The shape is right, and so are the values, but not where they lie."""
    found = stacks.compared(tmp_path, detector(True, function), detector(False, function))
    (suspect,) = found.suspects()
    assert "Reshape" in suspect.candidate_op
    assert "Transpose" not in suspect.candidate_op
    assert suspect.note.startswith(ORDER)


@pytest.mark.parametrize("missing", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_and_before_a_concatenation(tmp_path: Path, missing: tuple[int, int]) -> None:
    """It is found where it is missing; concatenation and softmax only pass it on."""
    found = stacks.compared(tmp_path, levels(), levels(missing))
    (suspect,) = found.suspects()
    assert (suspect.op, suspect.candidate_op) == ("Transpose + Reshape", "Reshape")
    assert suspect.note == f"{ORDER} N(HWC)C"
    behind = {row.op: row.verdict for row in found.rows if row.verdict != "ok"}
    assert set(behind) <= {"Transpose + Reshape", "Concat", "Softmax"}
    assert behind["Concat"] == "inherited"
    assert not found.uncompared


@pytest.mark.parametrize("build", [detector, levels])
def test_a_network_with_its_transposes_is_fine(tmp_path: Path, build: Any) -> None:
    """The healthy twin."""
    found = stacks.compared(tmp_path, build(), build())
    assert {row.verdict for row in found.rows} == {"ok"}
    assert found.coverage == 1.0


def suppressed(missing: bool) -> Any:
    """Boxes and scores that only an NMS inside reads."""
    net = stacks.Stack(7)
    x = net.op("Relu", net.conv("image", 3, 8))
    boxes = net.op("Sigmoid", head(net, net.conv(x, 8, 4, 1), 4, not missing))
    scores = net.op("Reshape", net.op("Sigmoid", net.conv(x, 8, 1, 1)),
                    net.constant(np.array([1, 1, -1])))  # fmt: skip
    limits = net.constant(np.array(20)), net.constant(np.float32(0.5))
    kept = net.op("NonMaxSuppression", boxes, scores, *limits, net.constant(np.float32(0.3)))
    places = net.op("Gather", kept, net.constant(np.array(2)), axis=1)
    return net.model(net.op("Gather", boxes, places, axis=1))


def test_and_before_a_suppression_inside(tmp_path: Path) -> None:
    """Boxes are read beside scores, place by place."""
    found = stacks.compared(tmp_path, suppressed(False), suppressed(True))
    assert "Reshape" in min(found.suspects(), key=lambda row: row.index).candidate_op
    assert any(ORDER in row.note for row in found.suspects())
    healthy = stacks.compared(tmp_path, suppressed(False), suppressed(False))
    assert not healthy.suspects()


def flattened(last: bool) -> Any:
    """A map, flattened before a dense layer by channels or by positions."""
    net = stacks.Stack(3)
    x = net.conv(net.op("Relu", net.conv("image", 3, 8)), 8, 4)
    weight = net.rng.normal(size=(4, 256, 5)) / 16
    if last:
        x, weight = net.op("Transpose", x, perm=[0, 2, 3, 1]), weight.transpose(1, 0, 2)
    flat = net.op("Relu", net.op("Reshape", x, net.constant(np.array([1, -1]))))
    return net.model(net.op("Gemm", flat, net.constant(weight.reshape(-1, 5))))


def test_a_dense_layer_may_read_another_order(tmp_path: Path) -> None:
    """A converter that turns a map around turns the weights with it."""
    found = stacks.compared(tmp_path, flattened(False), flattened(True))
    assert {row.verdict for row in found.rows} == {"ok"}


def square(last: bool) -> Any:
    """A network whose output is a map as high and wide as it has channels."""
    net = stacks.Stack(5)
    x = net.conv(net.op("Relu", net.conv("image", 3, 8)), 8, 16)
    return net.model(net.op("Transpose", x, perm=[0, 2, 3, 1]) if last else x)


def test_a_map_with_its_channels_last_is_the_same_map(tmp_path: Path) -> None:
    """Converters to other layouts turn the outputs too; here the shape does not show it."""
    found = stacks.compared(tmp_path, square(False), square(True))
    assert {row.verdict for row in found.rows} == {"ok"}
