"""Equalised layers of which little can be told: outputs, dead channels, small heads, no biases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stacks
from equalising import arrays, change, equalised, layers, off

from parity.layers.numbers.channel_scales import fit_scales, fit_scales_near
from parity.layers.verdict.table import LayerTable

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def chain(
    widths: Sequence[int] = (8, 12, 16, 6),
    biases: Sequence[bool] | None = None,
    dead: dict[int, list[int]] | None = None,
    head: int = 3,
    shown: str = "",
    attributes: dict[str, Any] | None = None,
) -> Any:
    """Convolutions with ReLU between them. ``dead`` are channels without weights, by layer;
    ``shown`` is an op, with its ``attributes``, by which the first one's result is an output."""
    net = stacks.Stack(5)
    x, read, outputs = "image", 3, []
    for place, made in enumerate(widths):
        size = head if place == len(widths) - 1 else 3
        weight = net.rng.normal(size=(made, read, size, size)) * np.sqrt(2 / (read * size * size))
        weight[(dead or {}).get(place, [])] = 0
        bias = [net.constant(net.rng.uniform(0.02, 0.2, made))]
        bias = bias if biases is None or biases[place] else []
        x = net.op("Conv", x, net.constant(weight), *bias, pads=[size // 2] * 4)
        x, read = net.op("Relu", x) if place < len(widths) - 1 else x, made
        if shown and not place:
            outputs.append(x if shown == "Relu" else net.op(shown, x, **(attributes or {})))
    return net.model(*outputs, x)


def assert_healthy(table: LayerTable) -> None:
    """Everything was compared, and nothing is wrong."""
    assert (table.coverage, table.uncompared, table.undecided) == (1.0, (), False)
    assert {row.verdict for row in table.rows} == {"ok"}


def suspects(folder: Path, reference: Any, candidate: Any) -> list[str]:
    """The layers that are blamed, the first in the table first."""
    table = stacks.compared(folder, reference, candidate)
    return [row.layer for row in table.rows if row.verdict == "introduced"]


@pytest.mark.parametrize(
    ("shown", "attributes", "blamed"),
    [
        ("Relu", {}, "t0"),
        ("Identity", {}, "t0"),
        ("Transpose", {}, "t0"),
        ("Flatten", {}, "t0"),
        ("MaxPool", {"kernel_shape": [2, 2]}, "t2"),
    ],
)
def test_a_scaled_output_is_never_excused(
    tmp_path: Path, shown: str, attributes: dict[str, Any], blamed: str
) -> None:
    """Whoever reads it gets other values, whatever the next layer undoes."""
    model = chain((8, 12, 6), shown=shown, attributes=attributes)
    table = stacks.compared(tmp_path, model, equalised(model, (0,)))
    first = next(row for row in table.rows if row.verdict == "introduced")
    assert first.layer == blamed
    assert first.local_rel_l2 > 1
    assert table.rows[-1].verdict == "ok"


def test_outputs_that_are_not_scaled_change_nothing(tmp_path: Path) -> None:
    """Only the tensors of which an output is made are compared as they are."""
    model = chain(shown="Relu")
    assert_healthy(stacks.compared(tmp_path, model, equalised(model, (1, 2))))


@pytest.mark.parametrize("dead", [{0: [3]}, {1: [3, 4]}, {0: [0, 1], 1: [5], 2: [2]}])
def test_channels_without_weights_are_told_by_the_others(
    tmp_path: Path, dead: dict[int, list[int]]
) -> None:
    """They have no factor, and nothing to disagree about."""
    model = chain(dead=dead)
    assert_healthy(stacks.compared(tmp_path, model, equalised(model)))


def test_dead_channels_of_depthwise_layers_are_left_out_too(tmp_path: Path) -> None:
    """As networks have them whose channels were pruned."""
    net = stacks.Stack(6)
    x = net.op("Relu", net.conv("image", 3, 8))
    weight = net.rng.normal(size=(8, 1, 3, 3)) / 3
    weight[[2, 5]] = 0
    bias = net.constant(net.rng.normal(size=8) / 10)
    x = net.op("Conv", x, net.constant(weight), bias, pads=[1] * 4, group=8)
    model = net.model(net.conv(net.op("Relu", x), 8, 12, 1))
    assert_healthy(stacks.compared(tmp_path, model, equalised(model, (0, 1))))


@pytest.mark.parametrize(
    ("place", "index", "blamed"),
    [
        (0, (2,), ["t0"]),  # a channel dies
        (2, (slice(None), 4), ["t4"]),  # what a dead channel makes of its bias is misread
    ],
)
def test_a_fault_beside_dead_channels_is_found(
    tmp_path: Path, place: int, index: tuple[Any, ...], blamed: list[str]
) -> None:
    """In the layer that has it."""
    model = chain(dead={0: [1], 1: [3, 4]})
    factor = 0.0 if place == 0 else 1.5
    wrong = off(equalised(model), place, index, factor)
    assert suspects(tmp_path, model, wrong) == blamed


def test_a_dead_channel_that_comes_alive_is_found(tmp_path: Path) -> None:
    """1 stands for its factor, and excuses nothing that it makes."""
    model = chain(dead={1: [3]})
    held, node = arrays(equalised(model)), layers(model)[1]
    held[node.input[1]][3] = 0.1
    assert suspects(tmp_path, model, change(model, **held)) == ["t2"]


@pytest.mark.parametrize("widths", [(16, 32, 1), (16, 32, 2), (16, 64, 2), (4, 4, 1)])
def test_small_heads_undo_a_scale(tmp_path: Path, widths: tuple[int, ...]) -> None:
    """As the scores of a detector are made: too few weights to tell all factors of themselves."""
    model = chain(widths, head=1)
    assert_healthy(stacks.compared(tmp_path, model, equalised(model, (0, 1))))


@pytest.mark.parametrize("made", [1, 2])
@pytest.mark.parametrize(
    ("place", "index", "blamed"),
    [
        (2, (slice(None), 5), ["t4"]),
        (2, (slice(None),), ["t4"]),
        (1, (slice(None),), ["t2"]),
        (1, (3,), ["t2", "t4"]),  # which of the two is wrong about one channel, nobody knows
    ],
)
def test_a_fault_before_or_in_a_small_head_is_found(
    tmp_path: Path, made: int, place: int, index: tuple[Any, ...], blamed: list[str]
) -> None:
    """The scale that the layer before tells is tested, not believed."""
    model = chain((16, 32, made), head=1)
    wrong = off(equalised(model, (0, 1)), place, index, 1.2)
    assert suspects(tmp_path, model, wrong) == blamed


def test_a_small_first_layer_scales(tmp_path: Path) -> None:
    """Too few weights to tell what is read, too; but nobody scales an image."""
    net = stacks.Stack(5)
    x = net.op("Relu", net.conv("image", 3, 2, 1))
    model = net.model(net.conv(net.op("Relu", net.conv(x, 2, 8)), 8, 6))
    assert_healthy(stacks.compared(tmp_path, model, equalised(model, (0, 1))))
    wrong = off(equalised(model, (0, 1)), 0, (slice(None),), 1.2)
    assert suspects(tmp_path, model, wrong) == ["t0"]


def test_a_small_head_of_other_weights_excuses_nothing(tmp_path: Path) -> None:
    """Neither itself nor the layer before it."""
    model = chain((16, 32, 1), head=1)
    held, node = arrays(equalised(model, (0, 1))), layers(model)[2]
    held[node.input[1]] = np.random.default_rng(1).normal(size=(1, 32, 1, 1))
    found = suspects(tmp_path, model, change(model, **held))
    assert {"t2", "t4"} <= set(found)


def test_small_heads_in_int8(tmp_path: Path) -> None:
    """Healthy, and found where one column of three times the size is wrong."""
    model = chain((16, 32, 1), head=1)
    right = equalised(model, (0, 1), most=0.5)
    made = stacks.quantised(right, tmp_path, "int8", per_channel=True)
    assert stacks.marked(stacks.compared(tmp_path, model, made)) == []
    faulty = off(right, 2, (slice(None), 5), 3.0)
    wrong = stacks.quantised(faulty, tmp_path, "wrong", per_channel=True)
    assert stacks.compared(tmp_path, model, wrong).suspects()[0].layer == "t4"


NONE = (False,) * 4


@pytest.mark.parametrize("biases", [NONE, (False, True, True, True), (True, False, False, True)])
def test_equalised_layers_without_biases_are_healthy(
    tmp_path: Path, biases: tuple[bool, ...]
) -> None:
    """Where the last one ends at the reference's size, the sizes between are nobody's fault."""
    model = chain(biases=biases)
    assert_healthy(stacks.compared(tmp_path, model, equalised(model)))


@pytest.mark.parametrize("factor", [1.02, 1.2])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_without_biases_a_whole_weight_is_off_in_any_layer_of_the_chain(
    tmp_path: Path, place: int, factor: float
) -> None:
    """The very same file is made by the same fault in any of them: so all are suspects, and not
    the last one alone."""
    wrong = off(equalised(chain(biases=NONE)), place, (slice(None),), factor)
    assert suspects(tmp_path, chain(biases=NONE), wrong) == ["t0", "t2", "t4", "t6"]


@pytest.mark.parametrize(("place", "blamed"), [(0, "t0"), (1, "t2"), (2, "t2"), (3, "t6")])
def test_biases_end_the_doubt(tmp_path: Path, place: int, blamed: str) -> None:
    """Before and behind layers that have some, the fault is where it is."""
    biases = (True, False, True, True)
    wrong = off(equalised(chain(biases=biases)), place, (slice(None),), 1.2)
    found = suspects(tmp_path, chain(biases=biases), wrong)
    assert found == (["t2", "t4"] if place in (1, 2) else [blamed])


def test_a_second_reader_tells_that_a_size_is_right(tmp_path: Path) -> None:
    """Of two heads on one scaled tensor without biases, only the one that is off is blamed."""
    net = stacks.Stack(5)
    weights = [net.rng.normal(size=(8, 3, 3, 3)) / 4, *net.rng.normal(size=(2, 6, 8, 3, 3)) / 6]
    first, left, right = (net.constant(one) for one in weights)
    x = net.op("Relu", net.op("Conv", "image", first, pads=[1] * 4))
    model = net.model(*(net.op("Conv", x, one, pads=[1] * 4) for one in (left, right)))
    scale = np.exp(np.random.default_rng(0).uniform(-1.6, 1.6, 8)).reshape(-1, 1, 1)
    held = {first: weights[0] * scale[..., None], left: weights[1] / scale}
    assert_healthy(
        stacks.compared(tmp_path, model, change(model, **held, **{right: weights[2] / scale}))
    )
    wrong = change(model, **held, **{right: weights[2] / scale * 1.2})
    assert suspects(tmp_path, model, wrong) == ["t3"]


def through(kind: str) -> Any:
    """A convolution, one of the kind, and two more, with ReLU between them."""
    net = stacks.Stack(11)
    x = net.op("Relu", net.conv("image", 3, 16))
    shape, more = {
        "grouped": ((12, 4, 3, 3), {"group": 4, "pads": [1] * 4}),
        "transposed": ((16, 12, 2, 2), {"strides": [2, 2]}),
        "both": ((16, 3, 2, 2), {"group": 4, "strides": [2, 2]}),
    }[kind]
    weight, bias = net.constant(net.rng.normal(size=shape) / 5), net.rng.normal(size=12) / 10
    op = "Conv" if kind == "grouped" else "ConvTranspose"
    x = net.op("Relu", net.op(op, x, weight, net.constant(bias), **more))
    return net.model(net.conv(net.op("Relu", net.conv(x, 12, 10)), 10, 6, 1))


@pytest.mark.parametrize("kind", ["grouped", "transposed", "both"])
@pytest.mark.parametrize("places", [(0,), (1,), (0, 1, 2)])
def test_grouped_and_transposed_convolutions_scale_and_undo(
    tmp_path: Path, kind: str, places: tuple[int, ...]
) -> None:
    """Group by group, along the axes that are theirs."""
    assert_healthy(stacks.compared(tmp_path, through(kind), equalised(through(kind), places)))


@pytest.mark.parametrize("kind", ["grouped", "transposed", "both"])
def test_a_fault_in_them_is_found(tmp_path: Path, kind: str) -> None:
    """A weight that is off as a whole, and an input channel that is scaled back wrongly."""
    model, right = through(kind), equalised(through(kind))
    assert suspects(tmp_path, model, off(right, 1, (slice(None),), 1.2)) == ["t2"]
    column = (slice(0, 3), 2) if kind == "grouped" else (2,)
    assert suspects(tmp_path, model, off(right, 1, column, 1.3)) == ["t2"]


def test_one_group_that_is_off_is_found(tmp_path: Path) -> None:
    """Each has a size of its own, which its biases tell."""
    wrong = off(equalised(through("grouped")), 1, (slice(0, 3),), 1.2)
    assert "t2" in suspects(tmp_path, through("grouped"), wrong)


def test_factors_of_few_numbers_are_told_where_they_fit_exactly() -> None:
    """Two rows tell all factors of 32 columns; two that do not fit exactly tell none."""
    rng = np.random.default_rng(0)
    weight, read = rng.normal(size=(1, 2, 32, 1)), rng.uniform(0.2, 5, 32)
    found = fit_scales(weight, weight * read[:, None])
    assert found is not None
    np.testing.assert_allclose(found.input * found.output[0], read)
    assert fit_scales(weight, weight * read[:, None] * rng.normal(1, 0.01, weight.shape)) is None


def test_factors_that_are_given_are_tested() -> None:
    """One row fits what it is multiplied by, but for the column that is not; it fits nothing else,
    and a column of another sign has no factor."""
    rng = np.random.default_rng(0)
    weight, read = rng.normal(size=(1, 1, 32, 1)), rng.uniform(0.2, 5, 32)
    theirs = weight * read[:, None]
    theirs[0, 0, 7] *= -1
    found = fit_scales_near(weight, theirs, 3 * read)
    assert found is not None
    assert np.flatnonzero(np.isnan(found.input)).tolist() == [7]
    assert found.misfit < 1e-9
    assert fit_scales_near(weight, theirs, rng.uniform(0.2, 5, 32)) is None


def test_weights_that_share_only_their_dead_channels_are_no_multiples() -> None:
    """Rows of zeros fit anything, and so do not count."""
    weight, other = np.random.default_rng(0).normal(size=(2, 1, 6, 5, 9))
    weight[0, :4] = other[0, :4] = 0
    assert fit_scales(weight, other) is None
