"""What ONNX files look like in the wild: unsorted nodes, integer ops, files that were optimised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantising
import stacks

from parity.layers.subjects.onnx import file as onnx_file
from parity.layers.verdict.comparing import compare_layers

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def backwards(model: Any) -> Any:
    """The same model with its nodes listed from the last to the first."""
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def optimised(folder: Path, model: Any, level: str) -> Path:
    """The file that ONNX Runtime writes after optimising a model."""
    onnx.save(model, folder / "plain.onnx")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(folder / f"{level}.onnx")
    ort.InferenceSession(str(folder / "plain.onnx"), options, providers=["CPUExecutionProvider"])
    return folder / f"{level}.onnx"


def qoperator(folder: Path, model: Any, name: str) -> Path:
    """The model in integer ops, weights per channel."""
    from onnxruntime.quantization import QuantFormat

    options = {"quant_format": QuantFormat.QOperator, "per_channel": True}
    return stacks.quantised(model, folder, name, **options)


def mixed(slope: float = 0.1) -> Any:
    """Convolutions with ReLU and leaky ReLU, a sum, a pooling, a dense layer."""
    net = stacks.Stack(2)
    first = net.op("Relu", net.conv("image", 3, 8))
    second = net.op("LeakyRelu", net.conv(first, 8, 8), alpha=slope)
    pooled = net.op("MaxPool", net.op("Add", first, second), kernel_shape=[2, 2], strides=[2, 2])
    mean = net.op("GlobalAveragePool", net.op("Relu", net.conv(pooled, 8, 32)))
    flat = net.op("Reshape", mean, net.constant(np.array([1, 32])))
    weight = net.constant(net.rng.normal(size=(32, 48)) / 4)
    return net.model(net.op("Gemm", flat, weight, net.constant(np.zeros(48))))


def test_nodes_are_sorted_before_anything_is_read() -> None:
    """The order of the file says nothing; what runs first comes first."""
    file = onnx_file.parse(backwards(stacks.relus(2)))
    assert [op.kind for op in file.graph.ops] == ["Conv", "Relu", "Conv", "Relu", "Conv"]


def test_a_sorted_file_keeps_its_order() -> None:
    """Also where other orders would do."""
    net = stacks.Stack()
    left, right = net.op("Relu", "image"), net.op("Tanh", "image")
    file = onnx_file.parse(net.model(net.op("Add", right, left)))
    assert [op.kind for op in file.graph.ops] == ["Relu", "Tanh", "Add"]


def test_what_a_branch_captures_is_made_before_it() -> None:
    """An If reads tensors that are no inputs of its node."""
    made = helper.make_tensor_value_info("r", FLOAT, None)
    taken = helper.make_graph([helper.make_node("Relu", ["body"], ["r"])], "t", [], [made])
    net = stacks.Stack()
    net.nodes.append(
        helper.make_node("If", ["yes"], ["y"], "if", then_branch=taken, else_branch=taken)
    )
    net.nodes.append(helper.make_node("Neg", ["image"], ["body"], "neg"))
    net.weights.append(onnx.numpy_helper.from_array(np.array(True), "yes"))
    assert [op.kind for op in onnx_file.parse(net.model("y")).graph.ops] == ["Neg", "If"]


def test_an_unsorted_file_is_compared_whole(tmp_path: Path) -> None:
    """Every op has its row, and a fault is found in the middle."""
    reference = stacks.relus(6)
    table = stacks.compared(
        tmp_path, reference, backwards(stacks.reweighted(stacks.relus(6), 3, 1.2))
    )
    assert table.coverage == 1.0
    assert [row.verdict for row in table.rows].count("unpaired") == 0
    (suspect,) = table.suspects()
    assert (suspect.index, suspect.candidate_op) == (6, "Conv")


def test_half_a_network_is_half_compared(tmp_path: Path) -> None:
    """A candidate that ends in the middle leaves the rest of the reference without a partner."""
    whole, half = stacks.relus(4), stacks.relus(4)
    del half.graph.node[4:], half.graph.output[:]
    half.graph.output.append(helper.make_tensor_value_info("t3", FLOAT, None))
    table = stacks.compared(tmp_path, whole, half)
    assert table.coverage == 4 / 9
    assert [row.op for row in table.rows if row.verdict == "unpaired"] == [
        "Conv", "Relu", "Conv", "Relu", "Conv",
    ]  # fmt: skip


def test_integer_ops_are_read_with_their_own_scales(tmp_path: Path) -> None:
    """QLinearConv and its like give real numbers, and have an expected error."""
    table = stacks.compared(tmp_path, mixed(), qoperator(tmp_path, mixed(), "q"))
    assert table.coverage == 1.0
    assert stacks.marked(table) == []
    assert max(row.rel_l2 for row in table.rows) < 0.05
    rows = [row for row in table.rows if "QLinear" in row.candidate_op]
    assert [row.candidate_op for row in rows] == [
        "QLinearConv", "QLinearConv", "com.microsoft.QLinearLeakyRelu", "com.microsoft.QLinearAdd",
        "QLinearConv", "com.microsoft.QLinearGlobalAveragePool",
    ]  # fmt: skip
    assert all(0.5 < row.local_ratio < 1.25 for row in rows)


def test_pooled_and_reshaped_integers_stay_on_their_grid(tmp_path: Path) -> None:
    """They have no scale of their own."""
    file = onnx_file.read(qoperator(tmp_path, mixed(), "q"))
    made = {op.kind: op.outputs[0] for op in file.graph.ops}
    read = {op.kind: op.inputs[0] for op in file.graph.ops}
    for kind in ("MaxPool", "Reshape"):
        assert file.grids[made[kind]] == file.grids[read[kind]]


@pytest.mark.parametrize(("place", "layer"), [(0, "t0"), (1, "t2"), (2, "t6")])
def test_a_fault_in_an_integer_op_is_found(tmp_path: Path, place: int, layer: str) -> None:
    """Weights 20 % off before quantisation."""
    faulty = qoperator(tmp_path, stacks.reweighted(mixed(), place, 1.2), "q")
    top = stacks.compared(tmp_path, mixed(), faulty).suspects(1)[0]
    assert (top.layer, top.candidate_op) == (layer, "QLinearConv")


def test_integers_of_a_scale_that_is_not_known_are_not_compared(tmp_path: Path) -> None:
    """Dynamic quantisation computes its scales: only what was scaled back has a partner."""
    path = quantising.dynamic(mixed(), tmp_path / "dynamic.onnx")
    file = onnx_file.read(path)
    kinds = {op.kind for op in file.graph.ops if file.graph.opaque.intersection(op.outputs)}
    assert kinds == {"Cast", "ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"}
    table = stacks.compared(tmp_path, mixed(), path)
    assert table.coverage == 1.0
    assert max(row.rel_l2 for row in table.rows) < 0.05
    assert not file.graph.opaque.intersection(row.candidate_tensor for row in table.rows)


def test_dynamic_ranges_cost_what_they_must(tmp_path: Path) -> None:
    """The float twin of such a region has scales of 1 and rounds as the region does."""
    subjects = [
        stacks.subject(tmp_path, "a", mixed()),
        stacks.subject(tmp_path, "b", quantising.dynamic(mixed(), tmp_path / "dynamic.onnx")),
    ]
    fed = [({"image": one}, {"image": one}) for one in stacks.images()]
    table = compare_layers(subjects[0], subjects[1], fed, quantized=True)
    for one in subjects:
        one.close()
    rows = [row for row in table.rows if "Integer" in row.candidate_op]
    assert len(rows) == 4
    assert all(0.8 < row.local_ratio < 1.25 for row in rows)


def test_a_fault_behind_dynamic_ranges_is_found(tmp_path: Path) -> None:
    """Its region is one convolution, known by its weight."""
    faulty = quantising.dynamic(stacks.reweighted(mixed(), 0, -1.0), tmp_path / "dynamic.onnx")
    top = stacks.compared(tmp_path, mixed(), faulty).suspects(1)[0]
    assert top.op == "Conv + Relu"
    assert "ConvInteger" in top.candidate_op


def test_fused_ops_are_tapped_and_run_alone(tmp_path: Path) -> None:
    """A file optimised at level extended is compared op by op, and a fault is found in it."""
    table = stacks.compared(tmp_path, mixed(), optimised(tmp_path, mixed(), "EXTENDED"))
    assert table.coverage == 1.0
    assert stacks.marked(table) == []
    assert stacks.row_of(table, "com.microsoft.FusedConv").local_rel_l2 < 1e-6
    assert all(row.local_rel_l2 is not None for row in table.rows)
    faulty = optimised(tmp_path, stacks.reweighted(mixed(), 2, 1.2), "EXTENDED")
    top = stacks.compared(tmp_path, mixed(), faulty).suspects(1)[0]
    assert (top.op, top.candidate_op) == ("Conv + Relu", "com.microsoft.FusedConv")
