"""Where the reference's weights are known, their rounding is the one that was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks

from parity.layers.align.matching import TracedGraph
from parity.layers.align.structure import structural
from parity.layers.expected.true_weights import given

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def quantised(folder: Path, seed: int = 0, **options: Any) -> Path:
    """A stack in integers, its weights with one scale in all if not told otherwise."""
    return stacks.quantised(stacks.relus(seed=seed), folder, "int8", **options)


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("per_channel", [False, True])
def test_what_quantisation_costs_is_what_it_was_expected_to(
    tmp_path: Path, per_channel: bool, seed: int
) -> None:
    """A few patches that are much alike see few of a weight's errors, so that drawn ones would be
    off by half in one layer of twenty."""
    file = quantised(tmp_path, seed, per_channel=per_channel)
    found = stacks.compared(tmp_path, stacks.relus(seed=seed), file)
    assert not found.suspects()
    ratios = [row.local_ratio for row in found.rows if row.local_ratio]
    assert len(ratios) > 5
    assert 0.9 < min(ratios) <= max(ratios) < 1.1


def test_weights_that_were_cut_off_and_not_rounded_are_found(tmp_path: Path) -> None:
    """Towards zero: twice the error that rounding makes."""
    file = quantised(tmp_path)
    model = onnx.load(file)
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    name = [one for one in model.graph.initializer if tuple(one.dims) == (8, 8, 3, 3)][1].name
    (reader,) = (node for node in model.graph.node if name in node.input)
    plain = [one for one in stacks.relus().graph.initializer if len(one.dims) == 4][2]
    exact = onnx.numpy_helper.to_array(plain) / stored[reader.input[1]]
    assert np.abs(np.rint(exact) - stored[name]).max() <= 1
    held = next(one for one in model.graph.initializer if one.name == name)
    held.CopyFrom(onnx.numpy_helper.from_array(np.trunc(exact).astype(np.int8), name))
    onnx.save(model, file)
    (suspect,) = stacks.compared(tmp_path, stacks.relus(), file).suspects()
    assert suspect.layer == "t4"
    assert suspect.local_ratio == pytest.approx(2, abs=0.5)


def sides(folder: Path, reference: Any, candidate: Any) -> tuple[TracedGraph, TracedGraph]:
    """Both traced on one image."""
    found = []
    for name, model in (("a", reference), ("b", candidate)):
        subject = stacks.subject(folder, name, model)
        image = stacks.images(1)[0]
        found.append(
            TracedGraph.of(subject, {"image": image, **dict(subject.trace({"image": image}))})
        )
        subject.close()
    return found[0], found[1]


def kinds() -> Any:
    """A convolution, a depthwise, a grouped and a transposed one, a dense layer."""
    net = stacks.Stack(6)

    def layer(kind: str, x: str, shape: tuple[int, ...], **more: Any) -> str:
        return net.op(kind, x, net.constant(net.rng.normal(size=shape) / 8), **more)

    x = net.op("Relu", net.conv("image", 3, 8))
    x = net.op("Relu", layer("Conv", x, (8, 1, 3, 3), group=8, pads=[1] * 4))
    x = net.op("Relu", layer("Conv", x, (8, 2, 3, 3), group=4, pads=[1] * 4))
    x = net.op("Relu", layer("ConvTranspose", x, (8, 6, 2, 2), strides=[2, 2]))
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    return net.model(layer("Gemm", x, (6, 5)))


def test_each_kind_of_layer_has_its_own_weight(tmp_path: Path) -> None:
    """To the last bit; a grouped convolution's is not asked for."""
    first, second = sides(tmp_path, kinds(), kinds())
    matching = structural(first, second)
    found = given(matching)
    own = {op.index: op for op in second.view.graph.ops}
    assert [own[index].kind for index in found] == ["Conv", "Conv", "ConvTranspose", "Gemm"]
    for index, weights in found.items():
        for name, weight in weights.items():
            assert name in own[index].inputs
            assert np.array_equal(weight, second.view.constant(name))


def test_a_factor_for_each_channel_is_taken_along(tmp_path: Path) -> None:
    """A batch norm folded in."""
    model = stacks.relus(2)
    held = [one for one in model.graph.initializer if len(one.dims) == 4][1]
    array = onnx.numpy_helper.to_array(held)
    factors = np.linspace(0.5, 2, 8, dtype=np.float32)[:, None, None, None]
    held.CopyFrom(onnx.numpy_helper.from_array(array * factors, held.name))
    matching = structural(*sides(tmp_path, stacks.relus(2), model))
    np.testing.assert_allclose(given(matching)[2][held.name], array * factors, rtol=1e-6)


def test_a_weight_of_another_kind_is_not_taken(tmp_path: Path) -> None:
    """One that a fault has scattered by a half is expected to be itself, as before."""
    model = stacks.relus(2)
    held = [one for one in model.graph.initializer if len(one.dims) == 4][1]
    array = onnx.numpy_helper.to_array(held)
    noise = np.random.default_rng(0).normal(size=array.shape) * array.std() / 2
    held.CopyFrom(onnx.numpy_helper.from_array((array + noise).astype(np.float32), held.name))
    assert 2 not in given(structural(*sides(tmp_path, stacks.relus(2), model)))
