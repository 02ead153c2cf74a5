"""Dynamic quantisation of dense layers: what it must cost, and weights that it damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantising
import stacks

from parity.layers.numbers.rounding import unused
from parity.layers.verdict.table import LayerTable
from parity.runtimes.contract import Quantization

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

PLAIN, FUSED = "plain", "fused"
Weights = dict[str, Any]


def attention() -> Any:
    """Dense layers: one with a bias, two that read the same tensor, one behind their product."""
    net = stacks.Stack(2)

    def dense(x: str, read: int, made: int, bias: bool = True) -> str:
        found = net.op("MatMul", x, net.constant(net.rng.normal(size=(read, made)) / read**0.5))
        return net.op("Add", found, net.constant(net.rng.normal(size=made) / 4)) if bias else found

    x = net.op("Relu", dense("image", 16, 32))
    both = net.op("Mul", dense(x, 32, 24), net.op("Tanh", dense(x, 32, 24, bias=False)))
    return net.model(dense(both, 24, 20))


def dynamic(
    folder: Path, form: str, per_channel: bool, change: Callable[[Weights], None] | None = None
) -> Path:
    """The network quantised by ONNX Runtime, as its tool writes it or as its optimiser fuses it;
    ``change`` is a fault, in the initializers by name."""
    from onnx import numpy_helper

    made, fused = (folder / f"{name}.onnx" for name in (PLAIN, FUSED))
    quantising.dynamic(attention(), made, per_channel)
    model = onnx.load(made)
    held = {one.name: numpy_helper.to_array(one).copy() for one in model.graph.initializer}
    if change is not None:
        change(held)
    del model.graph.initializer[:]
    model.graph.initializer.extend(numpy_helper.from_array(a, name) for name, a in held.items())
    onnx.save(model, made)
    if form == PLAIN:
        return made
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(fused)
    ort.InferenceSession(str(made), options, providers=["CPUExecutionProvider"])
    return fused


def table(folder: Path, *args: Any) -> LayerTable:
    """Of the network quantised dynamically."""
    return stacks.compared(folder, attention(), dynamic(folder, *args))


FORMS = [(form, per_channel) for form in (PLAIN, FUSED) for per_channel in (False, True)]


@pytest.mark.parametrize(("form", "per_channel"), FORMS)
def test_healthy_layers_cost_what_they_must(tmp_path: Path, form: str, per_channel: bool) -> None:
    """Each dense layer has a row of its own and an expected error; none is blamed."""
    found = table(tmp_path, form, per_channel)
    rows = [row for row in found.rows if "MatMul" in row.op]
    assert len(rows) == 4
    assert found.coverage == 1.0
    assert {row.verdict for row in found.rows} == {"ok"}
    assert all(row.local_ratio is not None and 0.8 < row.local_ratio < 1.25 for row in rows)


def test_operands_that_are_shared_are_fused_otherwise(tmp_path: Path) -> None:
    """Both of ONNX Runtime's fused forms are among those tested here."""
    kinds = {node.op_type for node in onnx.load(dynamic(tmp_path, FUSED, False)).graph.node}
    assert kinds >= {"DynamicQuantizeMatMul", "MatMulIntegerToFloat", "DynamicQuantizeLinear"}


def second(held: Weights, part: str) -> str:
    """The name of a part of the second dense layer's weight."""
    return sorted(name for name in held if name.endswith(part))[1]


def wrong_scale(held: Weights) -> None:
    """Every weight of a layer 5 % too large."""
    held[second(held, "_scale")] *= np.float32(1.05)


def wrong_column(held: Weights) -> None:
    """One output channel's scale three times too large."""
    held[second(held, "_scale")][3] *= np.float32(3)


def coarse(held: Weights) -> None:
    """A scale as an outlier that is not in the weights would give it: 20 times too coarse."""
    name = second(held, "_quantized")
    held[name] = np.rint(held[name] / 20).astype(np.int8)
    held[second(held, "_scale")] *= np.float32(20)


def per_tensor(held: Weights) -> None:
    """One scale in the place of many, of which one is 20 times the others."""
    integers, scales = second(held, "_quantized"), second(held, "_scale")
    exact = held[integers] * held[scales]
    exact[:, 0] *= 20
    step = np.abs(exact).max() / 127
    held[integers] = np.rint(exact / step).astype(np.int8)
    held[scales] = np.full_like(held[scales], step)


@pytest.mark.parametrize("form", [PLAIN, FUSED])
@pytest.mark.parametrize(
    ("fault", "per_channel"),
    [(wrong_scale, False), (wrong_scale, True), (wrong_column, True), (coarse, False),
     (coarse, True), (per_tensor, True)],
)  # fmt: skip
def test_a_damaged_weight_is_found(
    tmp_path: Path, form: str, fault: Callable[[Weights], None], per_channel: bool
) -> None:
    """And that layer alone is named."""
    found = table(tmp_path, form, per_channel, fault)
    (suspect,) = found.suspects()
    assert suspect.op.startswith("MatMul")
    assert suspect.index == 3 if form == PLAIN else suspect.index == 2


def test_integers_that_are_all_used_are_as_fine_as_can_be() -> None:
    """Of 7 and 8 bits, symmetric and not; unused ones count."""
    one = Quantization((1.0,), (0,))
    for greatest in (64, 127):
        assert unused(np.array([[greatest, -1]], np.int8), one) == pytest.approx(1)
    whole = Quantization((1.0,), (100,))
    assert unused(np.array([[0, 255]], np.uint8), whole) == pytest.approx(1, rel=0.01)
    assert unused(np.array([[20, -3]], np.int8), one) == pytest.approx(128 / 40)
    assert unused(np.zeros((2, 2), np.int8), one) == 1.0
