"""Weights recognised across formats."""

from __future__ import annotations

import numpy as np
import pytest
from numpy_subject import Net, NumpySubject

from parity.layers.align.weights.anchors import SAME_WEIGHT, pair
from parity.layers.align.weights.signatures import anchors, signature
from parity.layers.graph.view import View
from parity.runtimes.contract import Graph, Op, Quantization


def seeded(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal weights."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def view_of(graph: Graph, size: tuple[int, ...] = (1, 3, 8, 8)) -> View:
    """A graph with the shapes that a run of zeros shows."""
    image = np.zeros(size, np.float32)
    if graph.format == "tflite":
        image = image.transpose(0, 2, 3, 1)
    shapes = {name: array.shape for name, array in NumpySubject(graph).trace({"image": image})}
    return View(graph, {"image": image.shape, **shapes})


def test_a_signature_is_the_same_in_every_layout_and_after_folding():
    """Other axis orders and a factor per output channel change nothing."""
    weight = seeded(8, 4, 3, 3)
    folded = weight * np.linspace(0.5, 3, 8).reshape(8, 1, 1, 1)
    expected = signature(weight, (0,))
    assert expected.shape == (8, 3)
    assert np.allclose(signature(weight.transpose(2, 3, 1, 0), (3,)), expected)
    assert np.allclose(signature(-folded, (0,)), expected)


def test_a_transposed_square_weight_is_another_one():
    """Signatures are per output channel, so inputs and outputs are not mistaken."""
    weight = seeded(16, 16, 1, 1)
    apart = signature(weight, (0,)) - signature(weight, (1,))
    assert np.sqrt(np.mean(apart**2)) > SAME_WEIGHT


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_conv_counts_its_outputs_along_the_second_axis(groups):
    """ONNX and torch keep (in, out / groups, kh, kw)."""
    weight = seeded(4, 6, 3, 3)
    assert signature(weight, (1,), groups).shape == (6 * groups, 3)


def net(graph_format: str, weights: list[np.ndarray], order: list[int]) -> Graph:
    """Parallel convs on the image, in the given order, concatenated in the listed one."""
    built = Net(graph_format, graph_format)
    made = {place: built.conv("image", weights[place]) for place in order}
    axis = 1 if graph_format == "onnx" else -1
    return built.graph(built.concat(*(made[place] for place in sorted(made)), axis=axis))


def test_branches_in_another_order_are_paired_by_weight():
    """Converters reorder; weights tell."""
    weights = [seeded(4, 3, 1, 1, seed=seed) for seed in range(5)]
    found = pair(
        view_of(net("onnx", weights, [0, 1, 2, 3, 4])),
        view_of(net("tflite", weights, [3, 1, 4, 0, 2])),
    )
    assert [(one.reference.op.index, one.candidate.op.index) for one in found] == [
        (3, 0), (1, 1), (4, 2), (0, 3), (2, 4),
    ]  # fmt: skip
    assert {one.evidence for one in found} == {"weight"}


def test_two_identical_branches_are_told_apart_by_where_they_end():
    """Equal weights in slots 0 and 1 of a concatenation, built in the opposite order."""
    weights = [seeded(4, 3, 1, 1)] * 2
    found = pair(view_of(net("onnx", weights, [0, 1])), view_of(net("tflite", weights, [1, 0])))
    assert [(one.reference.op.index, one.candidate.op.index) for one in found] == [(1, 0), (0, 1)]
    assert not any(one.ambiguous for one in found)


def test_branches_that_nothing_tells_apart_are_called_ambiguous():
    """Equal weights, equal input, and a sum that does not mind the order."""
    built = [Net("onnx", "a"), Net("tflite", "b")]
    graphs = []
    for one in built:
        first, second = (one.conv("image", seeded(4, 3, 1, 1)) for _ in range(2))
        graphs.append(one.graph(one.add(first, second)))
    found = pair(view_of(graphs[0]), view_of(graphs[1]))
    assert [one.evidence for one in found] == ["weight (ambiguous)"] * 2


def test_a_tied_weight_is_paired_use_by_use():
    """One weight on maps of two sizes: the sizes tell which use is which."""
    weight = seeded(3, 3, 3, 3)
    graphs = []
    for graph_format, order in (("onnx", (1, 2)), ("tflite", (2, 1))):
        one = Net(graph_format, graph_format)
        for stride in order:
            one.conv("image", weight, stride=stride, pad=1)
        graphs.append(one.graph(*(op.outputs[0] for op in one.ops)))
    found = pair(view_of(graphs[0]), view_of(graphs[1]))
    sizes = [(one.reference.written_size, one.candidate.written_size) for one in found]
    assert len(sizes) == 2
    assert all(ours == theirs for ours, theirs in sizes)


def test_a_damaged_weight_is_paired_by_its_place():
    """What lies before and behind agrees: the pair stands, and says that the weights differ."""
    weights = [seeded(8, 3, 3, 3), seeded(8, 8, 1, 1, seed=1), seeded(8, 8, 1, 1, seed=2)]
    graphs = []
    for graph_format, change in (("onnx", lambda w: w), ("tflite", lambda w: w.swapaxes(0, 1))):
        one = Net(graph_format, graph_format)
        x = one.conv("image", weights[0], pad=1)
        x = one.conv(x, change(weights[1]))
        graphs.append(one.graph(one.conv(x, weights[2])))
    found = pair(view_of(graphs[0]), view_of(graphs[1]))
    assert [(one.reference.op.index, one.candidate.op.index) for one in found] == [
        (0, 0), (1, 1), (2, 2),
    ]  # fmt: skip
    assert found[1].evidence.startswith("place (weights differ: 0.")


def test_depthwise_and_int8_weights_are_recognised():
    """(C, 1, kh, kw) against integers (1, kh, kw, C) with a scale per channel."""
    weight = seeded(6, 1, 3, 3)
    float_net = Net("onnx", "a")
    reference = float_net.graph(float_net.conv("image", weight, group=6))
    scale = np.abs(weight).max(axis=(1, 2, 3)) / 127
    raw = np.rint(weight / scale.reshape(6, 1, 1, 1)).astype(np.int8).transpose(1, 2, 3, 0)
    op = Op(0, "x", "DEPTHWISE_CONV_2D", ("image", "w"), ("y",))
    quantization = {"w": Quantization(tuple(map(float, scale)), (0,) * 6, 3)}
    candidate = Graph("tflite", (op,), ("image",), ("y",), {"w": raw}, quantization)
    shapes = {"image": (1, 8, 8, 6), "y": (1, 6, 6, 6)}
    found = pair(view_of(reference, (1, 6, 8, 8)), View(candidate, shapes))
    assert [one.evidence for one in found] == ["weight"]
    assert 0 < found[0].distance < 0.02


def test_a_model_without_weights_has_no_anchors():
    """Nothing to pair, and no error."""
    one = Net("onnx")
    graph = one.graph(one.relu("image"))
    assert anchors(view_of(graph)) == ()
    assert pair(view_of(graph), view_of(graph)) == ()
