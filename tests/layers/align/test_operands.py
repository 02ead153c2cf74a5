"""What two ops of one weight read, where a scale or the preparation of the image lies between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks
from stacks import Stack

from parity.layers.align.matching import TracedGraph
from parity.layers.align.scales.affine import affines
from parity.layers.align.weights.signatures import anchors
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.verdict.tracing import all_tensors
from parity.runtimes.contract import Artifact

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def scaled(factor: float | None, fold: float = 1.0, norm: bool = False) -> Any:
    """Six convolutions; before the fourth a factor, or its weights are multiplied by ``fold``."""
    net = Stack(1)
    x, channels = "image", 3
    for place in range(6):
        if place == 3 and factor is not None:
            x = net.op("Mul", x, net.constant(np.float32(factor)))
        x = net.conv(x, channels, 8, factor=fold if place == 3 else 1.0)
        if norm and place == 3:
            x = net.op("BatchNormalization", x, *bn(net))
        x, channels = net.op("Relu", x), 8
    return net.model(x)


def bn(net: Stack) -> list[str]:
    """Scale, shift, mean and variance of eight channels."""
    rng = np.random.default_rng(9)
    values = [rng.uniform(0.5, 1.5, 8), rng.normal(size=8), rng.normal(size=8)]
    return [net.constant(one) for one in (*values, rng.uniform(0.5, 1.5, 8))]


def prepared(inside: bool, first: float = 1.0) -> Any:
    """Three convolutions of an image in [-1, 1], or of one in [0, 255] that it prepares."""
    net = Stack(5)
    x = "image"
    if inside:
        x = net.op("Div", x, net.constant(np.float32(127.5)))
        x = net.op("Sub", x, net.constant(np.float32(1)))
    x = net.op("Relu", net.conv(x, 3, 8, factor=first))
    x = net.op("Relu", net.conv(x, 8, 8))
    return net.model(net.conv(x, 8, 4))


def pictures() -> list[tuple[Any, Any]]:
    """Images in [-1, 1] and the same ones in [0, 255]."""
    small = [np.tanh(one) for one in stacks.images()]
    return [(one, ((one + 1) * 127.5).astype(np.float32)) for one in small]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("factor", [0.5, 1 / 255])
def test_a_scale_folded_into_the_next_weights_is_no_fault(
    tmp_path: Path, factor: float, norm: bool
) -> None:
    """Either way round, with a batch norm behind the convolution and without."""
    apart, folded = scaled(factor, norm=norm), scaled(None, factor, norm)
    for reference, candidate in ((apart, folded), (folded, apart)):
        table = stacks.compared(tmp_path, reference, candidate)
        assert {row.verdict for row in table.rows} == {"ok"}
        assert table.coverage == 1.0
        assert max(row.local_rel_l2 for row in table.rows) < 1e-5


def test_a_norm_that_is_folded_besides_hides_no_folded_scale(tmp_path: Path) -> None:
    """The candidate's weights hold both."""
    import onnx
    import onnxruntime as ort

    onnx.save(scaled(None, 0.5, norm=True), tmp_path / "plain.onnx")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    ort.InferenceSession(str(tmp_path / "plain.onnx"), options)
    table = stacks.compared(tmp_path, scaled(0.5, norm=True), tmp_path / "folded.onnx")
    assert {row.verdict for row in table.rows} == {"ok"}
    row = next(row for row in table.rows if "BatchNormalization" in row.op)
    assert row.op == "Mul + Conv + BatchNormalization"
    assert row.local_rel_l2 < 1e-5


def test_a_missing_scale_is_a_fault(tmp_path: Path) -> None:
    """The weights are the same ones, so nothing was folded."""
    table = stacks.compared(tmp_path, scaled(0.5), scaled(None))
    (row,) = table.suspects()
    assert (row.op, row.candidate_op) == ("Relu + Mul", "Relu")
    assert row.local_rel_l2 == pytest.approx(1.0)


def test_weights_damaged_behind_a_folded_scale_are_the_suspect(tmp_path: Path) -> None:
    """20 % beside the scale."""
    damaged = stacks.reweighted(scaled(None, 0.5), 3, 1.2)
    (row,) = stacks.compared(tmp_path, scaled(0.5), damaged).suspects()
    assert row.op.startswith("Mul + Conv")


def test_a_candidate_that_prepares_its_image_is_fed_its_own(tmp_path: Path) -> None:
    """What it makes of it is the image that the reference is fed."""
    table = stacks.compared(tmp_path, prepared(False), prepared(True), pictures())
    assert {row.verdict for row in table.rows} == {"ok"}
    first = table.rows[0]
    assert (first.op, first.candidate_op) == ("", "Div + Sub")
    assert first.local_rel_l2 < 1e-5


def test_an_image_that_is_prepared_wrongly_inside_is_the_suspect(tmp_path: Path) -> None:
    """The image in [0, 255] was already divided outside."""
    feeds = [(one, one) for one, _ in pictures()]
    table = stacks.compared(tmp_path, prepared(False), prepared(True), feeds)
    (row,) = table.suspects()
    assert row.candidate_op == "Div + Sub"


def test_a_reference_that_prepares_its_image_hides_no_first_layer(tmp_path: Path) -> None:
    """The candidate is fed what the reference makes of its image; the first layer is measured."""
    feeds = [(theirs, ours) for ours, theirs in pictures()]
    table = stacks.compared(tmp_path, prepared(True), prepared(False), feeds)
    assert {row.verdict for row in table.rows} == {"ok"}
    assert table.coverage == 1.0
    assert table.input_rel_l2 < 1e-5
    assert table.rows[0].op == "Conv"
    assert table.rows[0].local_rel_l2 < 1e-5
    damaged = stacks.reweighted(prepared(False), 0, 1.2)
    top = stacks.compared(tmp_path, prepared(True), damaged, feeds).suspects(1)[0]
    assert top.index == 0


def test_a_norm_of_a_constant_channel_has_the_gain_that_it_declares(tmp_path: Path) -> None:
    """One image tells nothing of a channel that is the same everywhere; the parameters do."""
    net = Stack(0)
    weight = net.constant(np.array([0.5, 2.0, -3.0]).reshape(3, 1, 1, 1))
    made = net.op("Conv", "image", weight, group=3)
    norm = [np.array(one) for one in ([4.0, -6.0, 1.0], [0.0] * 3, [0.0] * 3, [4.0, 9.0, 0.25])]
    made = net.op("BatchNormalization", made, *map(net.constant, norm), epsilon=0.0)
    onnx.save(net.model(made), str(tmp_path / "net.onnx"))
    image = np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)
    image[:, 1] = 0.5
    subject = OnnxSubject(Artifact(str(tmp_path / "net.onnx")))
    side = TracedGraph.of(subject, all_tensors(subject, {"image": image}))
    (anchor,) = anchors(side.view)
    found = [one.scale for one in affines(side, anchor)]
    np.testing.assert_allclose(found[0], [0.5, 2.0, 3.0])
    np.testing.assert_allclose(found[1], [0.5 * 4 / 2, 2.0 * 6 / 3, 3.0 * 1 / 0.5])
