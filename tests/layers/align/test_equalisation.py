"""Cross-layer equalisation: channels that one layer scales and the next one scales back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks
from equalising import arrays, change, equalised, layers, off

from parity.layers.numbers.channel_scales import fit_scales

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def plain(normed: bool = False) -> Any:
    """Convolutions with ReLU, leaky ReLU and a pooling between them."""
    net = stacks.Stack(5)
    x = net.conv("image", 3, 8)
    if normed:
        sizes = [net.constant(net.rng.uniform(0.5, 2, 8)) for _ in range(4)]
        x = net.op("BatchNormalization", x, *sizes)
    x = net.conv(net.op("Relu", x), 8, 12)
    x = net.op("MaxPool", net.op("LeakyRelu", x, alpha=0.1), kernel_shape=[2, 2], strides=[2, 2])
    x = net.op("Relu", net.conv(x, 12, 16))
    return net.model(net.conv(x, 16, 6, 1))


def separable() -> Any:
    """As MobileNets have it: convolution, depthwise convolution, pointwise convolution."""
    net = stacks.Stack(6)
    x = net.op("Relu", net.conv("image", 3, 8))
    bias = net.constant(net.rng.normal(size=8) / 10)
    weight = net.constant(net.rng.normal(size=(8, 1, 3, 3)) / 3)
    x = net.op("Relu", net.op("Conv", x, weight, bias, pads=[1] * 4, group=8))
    return net.model(net.conv(net.op("Relu", net.conv(x, 8, 12, 1)), 12, 4, 1))


@pytest.mark.parametrize("places", [(0,), (1,), (0, 1), (0, 1, 2)])
def test_equalised_layers_are_healthy(tmp_path: Path, places: tuple[int, ...]) -> None:
    """Everything is compared, nothing is blamed, and the rows between say what is scaled."""
    table = stacks.compared(tmp_path, plain(), equalised(plain(), places))
    assert (table.coverage, table.uncompared) == (1.0, ())
    assert {row.verdict for row in table.rows} == {"ok"}
    assert max(row.local_rel_l2 for row in table.rows) < 1e-5
    said = [row for row in table.rows if "times the reference's, as the next layer's" in row.note]
    assert {row.candidate_op for row in said} >= {"Conv"}


@pytest.mark.parametrize("places", [(0,), (1,), (0, 1), (0, 1, 2)])
def test_depthwise_layers_hand_the_scale_on(tmp_path: Path, places: tuple[int, ...]) -> None:
    """Their one factor is what they are scaled by, over what their input is scaled by."""
    table = stacks.compared(tmp_path, separable(), equalised(separable(), places))
    assert table.coverage == 1.0
    assert {row.verdict for row in table.rows} == {"ok"}
    assert max(row.local_rel_l2 for row in table.rows) < 1e-5


def folded(model: Any) -> Any:
    """The network with its batch norm folded into the convolution before it."""
    held, (first, *_) = arrays(model), layers(model)
    norm = next(one for one in model.graph.node if one.op_type == "BatchNormalization")
    gamma, beta, mean, variance = (held[one] for one in norm.input[1:])
    gain = gamma / np.sqrt(variance + 1e-5)
    weight, bias = first.input[1:]
    made = change(
        model,
        **{
            weight: held[weight] * gain.reshape(-1, 1, 1, 1),
            bias: (held[bias] - mean) * gain + beta,
        },
    )
    behind = next(one for one in made.graph.node if norm.output[0] in one.input)
    behind.input[0] = norm.input[0]
    made.graph.node.remove(next(one for one in made.graph.node if one.name == norm.name))
    return made


def test_norms_that_are_folded_besides_are_told_apart(tmp_path: Path) -> None:
    """The scale is what is left of a folded layer's factors."""
    table = stacks.compared(tmp_path, plain(True), equalised(folded(plain(True))))
    assert table.coverage == 1.0
    assert {row.verdict for row in table.rows} == {"ok"}


def test_a_dead_channel_before_a_norm_is_told_by_what_the_norm_adds(tmp_path: Path) -> None:
    """Folding makes a bias of it, which is all that is left of the channel."""
    model = off(plain(True), 0, (3,), 0.0)
    table = stacks.compared(tmp_path, model, equalised(folded(model)))
    assert table.coverage == 1.0
    assert {row.verdict for row in table.rows} == {"ok"}


@pytest.mark.parametrize(("place", "layer"), [(0, "t0"), (1, "t3"), (2, "t6"), (3, "t8")])
def test_what_a_norm_adds_tells_the_size_of_a_scale(tmp_path: Path, place: int, layer: str) -> None:
    """As a bias does; so a weight that is off as a whole is found where it is."""
    wrong = off(equalised(folded(plain(True))), place, (slice(None),), 1.2)
    (suspect,) = stacks.compared(tmp_path, plain(True), wrong).suspects()
    assert suspect.layer == layer


@pytest.mark.parametrize("places", [(0,), (0, 1, 2)])
@pytest.mark.parametrize("biases", [False, True])
def test_a_channel_that_is_scaled_and_not_scaled_back_is_found(
    tmp_path: Path, places: tuple[int, ...], biases: bool
) -> None:
    """Of two layers that disagree about a channel, the suspects are among them."""
    wrong = off(equalised(plain(), places), 0, (3,), 1.5, biases)
    table = stacks.compared(tmp_path, plain(), wrong)
    suspects = table.suspects()
    assert suspects
    assert {row.layer for row in suspects} <= {"t0", "t1", "t2"}
    assert any("do not undo how input channel 3 is scaled" in row.note for row in suspects)


@pytest.mark.parametrize("factor", [0.98, 1.01, 3.0])
def test_an_input_channel_that_is_scaled_back_wrongly_is_found(
    tmp_path: Path, factor: float
) -> None:
    """In the layer that does it, also where rounding would explain less."""
    wrong = off(equalised(plain()), 1, (slice(None), 2), factor)
    (suspect,) = stacks.compared(tmp_path, plain(), wrong).suspects()
    assert suspect.layer == "t2"


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_all_of_a_weight_that_is_off_is_found_where_it_is(tmp_path: Path, place: int) -> None:
    """Biases tell the size of a scale, so that it is not taken for one."""
    wrong = off(equalised(plain()), place, (slice(None),), 1.2)
    (suspect,) = stacks.compared(tmp_path, plain(), wrong).suspects()
    assert suspect.layer == ["t0", "t2", "t5", "t7"][place]


@pytest.mark.parametrize("index", [(3,), (slice(None), 2), (slice(None),)])
def test_a_fault_without_equalisation_is_none(tmp_path: Path, index: tuple[Any, ...]) -> None:
    """One channel scaled alone, and scaled back by nobody, is a fault of its own layer."""
    (suspect,) = stacks.compared(tmp_path, plain(), off(plain(), 1, index, 1.5)).suspects()
    assert suspect.layer == "t2"
    assert "undo" not in suspect.note


def test_a_missing_activation_is_seen_between_scaled_layers(tmp_path: Path) -> None:
    """The scale excuses nothing else."""
    made = equalised(plain())
    relu = next(one for one in made.graph.node if one.op_type == "Relu")
    behind = next(one for one in made.graph.node if relu.output[0] in one.input)
    behind.input[0] = relu.input[0]
    made.graph.node.remove(relu)
    (suspect,) = stacks.compared(tmp_path, plain(), made).suspects()
    assert suspect.op == "Conv + Relu"
    assert "the candidate has no Relu here" in suspect.note


def test_equalised_int8_is_healthy_and_a_fault_in_it_is_found(tmp_path: Path) -> None:
    """What equalisation is for: weights quantised afterwards."""
    made = stacks.quantised(equalised(plain(), most=0.5), tmp_path, "int8", per_channel=True)
    table = stacks.compared(tmp_path, plain(), made)
    assert table.coverage == 1.0
    assert stacks.marked(table) == []
    wrong = off(equalised(plain(), most=0.5), 1, (slice(None), 2), 1.5)
    made = stacks.quantised(wrong, tmp_path, "wrong", per_channel=True)
    assert stacks.compared(tmp_path, plain(), made).suspects()[0].layer == "t2"


def test_factors_are_those_of_whole_channels() -> None:
    """Exact for scaled weights, whatever one channel does; none for other weights."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(1, 6, 5, 9))
    made, read = rng.uniform(0.2, 5, 6), rng.uniform(0.2, 5, 5)
    read /= np.sort(read)[2]
    found = fit_scales(weight, weight * made[:, None, None] * read[:, None])
    assert found is not None
    np.testing.assert_allclose(found.output, made)
    np.testing.assert_allclose(found.input, read)
    assert fit_scales(weight, rng.normal(size=(1, 6, 5, 9))) is None
    assert fit_scales(weight[:, :2, :2, :1], weight[:, :2, :2, :1]) is None
