"""ONNX files as graphs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import file_nets
import numpy as np
import pytest

from parity.errors import ParityError
from parity.layers.subjects.onnx import file as onnx_file
from parity.layers.subjects.onnx.file import OnnxFile
from parity.runtimes.contract import Quantization

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


@pytest.fixture
def net(onnx_folder: Path) -> OnnxFile:
    """The float network."""
    return onnx_file.read(onnx_folder / "net.onnx")


@pytest.fixture
def int8(onnx_folder: Path) -> OnnxFile:
    """The quantised network."""
    return onnx_file.read(onnx_folder / "silu_int8.onnx")


def model(nodes: list[Any], constants: dict[str, Any] | None = None, **more: Any) -> Any:
    """A model from x (1, 3, 4, 4) to y."""
    arrays = {name: np.asarray(array) for name, array in (constants or {}).items()}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 21), *more.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, **more)


def test_ops_are_the_nodes_in_order_without_constant_nodes(net: OnnxFile) -> None:
    """An op's index is its place among the nodes that compute."""
    kinds = [op.kind for op in net.graph.ops]
    assert kinds == [
        "Conv", "BatchNormalization", "Relu", "Identity", "Conv", "Transpose", "Shape", "Gather",
        "Unsqueeze", "Concat", "Reshape", "Softmax",
    ]  # fmt: skip
    assert [op.index for op in net.graph.ops] == list(range(12))
    assert [node.op_type for node in net.nodes] == kinds


def test_attributes_are_plain_values(net: OnnxFile) -> None:
    """Numbers, and tuples of them, under ONNX's own names."""
    first = net.graph.ops[0]
    assert dict(first.attributes) == {"pads": (1, 1, 1, 1), "strides": (2, 2)}
    assert first.name == "body"
    assert net.graph.ops[5].attributes == {"perm": (0, 2, 3, 1)}


def test_a_node_without_a_name_gets_one(net: OnnxFile) -> None:
    """Its kind and its place."""
    assert net.graph.ops[2].name == "Relu_2"


def test_attributes_of_text_and_tensors() -> None:
    """Text is decoded; a tensor is a tuple; a graph has no plain value."""
    value = onnx.numpy_helper.from_array(np.array([2.5], np.float32))
    node = helper.make_node("Resize", ["x", "", "s"], ["y"], mode="nearest", value=value)
    op = onnx_file.parse(model([node])).graph.ops[0]
    assert op.attributes == {"mode": "nearest", "value": (2.5,)}
    assert op.inputs == ("x", "", "s")


def test_inputs_are_those_without_a_value(net: OnnxFile) -> None:
    """Old exporters list every weight as an input."""
    assert net.graph.inputs == ("image",)
    assert net.graph.outputs == ("scores",)


def test_constants_are_initializers_constant_nodes_and_their_identities(net: OnnxFile) -> None:
    """A tied weight that goes through an Identity is a constant under both names."""
    constants = net.graph.constants
    assert constants["w1"].shape == (8, 3, 3, 3)
    assert constants["axes"].tolist() == [0]
    assert constants["zero"].shape == ()
    assert np.array_equal(constants["tied"], constants["w2"])


def test_quantisation_is_what_quantize_linear_says(int8: OnnxFile) -> None:
    """Activations have one scale; weights one per channel; both are by the integers' name."""
    first = int8.graph.ops[0]
    assert first.kind == "QuantizeLinear"
    found = int8.graph.quantization[first.outputs[0]]
    assert len(found.scale) == 1
    assert int8.grids[first.outputs[0]].dtype == "uint8"
    assert int8.grids[first.outputs[0]].quantization == found
    weights = [q for name, q in int8.graph.quantization.items() if name in int8.graph.constants]
    assert {len(one.scale) for one in weights if set(one.zero_point) == {0}} >= {8}


def test_weights_behind_a_dequantize_linear_are_constants_too(int8: OnnxFile) -> None:
    """A convolution's weight is among the constants, as real numbers, whatever keeps it."""
    convolutions = [op for op in int8.graph.ops if op.kind == "Conv"]
    assert len(convolutions) == 3
    original = {one.name: one for one in file_nets.onnx_silu().graph.initializer}
    for op, name in zip(convolutions, ("w1", "w2", "w3"), strict=True):
        weight = int8.graph.constants[op.inputs[1]]
        exact = onnx.numpy_helper.to_array(original[name])
        assert weight.dtype == np.float32
        assert np.abs(weight - exact).max() < np.abs(exact).max() / 100


def test_a_zero_point_that_is_absent_is_zero_of_uint8() -> None:
    """As the standard says of QuantizeLinear."""
    node = helper.make_node("QuantizeLinear", ["x", "s"], ["y"])
    file = onnx_file.parse(model([node], {"s": np.float32(0.5)}))
    assert file.graph.quantization == {"y": Quantization((0.5,), (0,), 0)}
    assert file.grids["y"].dtype == "uint8"


def branch(name: str) -> Any:
    """A graph for If."""
    output = helper.make_tensor_value_info(name, FLOAT, None)
    return helper.make_graph([helper.make_node("Relu", ["x"], [name])], name, [], [output])


PROBLEMS = {
    "control": (
        [helper.make_node("If", ["c"], ["y"], then_branch=branch("a"), else_branch=branch("b"))],
        "If holds graphs of its own (control flow)",
    ),
    "custom": (
        [helper.make_node("Nms", ["x"], ["y"], domain="acme")],
        "Nms is of the custom domain 'acme'",
    ),
    "random": ([helper.make_node("RandomNormalLike", ["x"], ["y"])],
               "RandomNormalLike draws random numbers"),
    "scale": (
        [helper.make_node("ReduceMax", ["x"], ["t"]),
         helper.make_node("QuantizeLinear", ["x", "t"], ["y"])],
        "QuantizeLinear computes its scale while it runs",
    ),
    "blocks": (
        [helper.make_node("QuantizeLinear", ["x", "c"], ["y"], block_size=2)],
        "QuantizeLinear has one scale for a block of values",
    ),
    "zero": (
        [helper.make_node("DequantizeLinear", ["x", "c"], ["y"])],
        "DequantizeLinear has a scale that is not above 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_understood_is_said_by_op(name: str) -> None:
    """The rest of the graph stands."""
    nodes, message = PROBLEMS[name]
    file = onnx_file.parse(model(nodes, {"c": np.array(0, np.float32)}))
    assert file.graph.problems == {len(nodes) - 1: message}


def test_a_kind_of_another_domain_carries_the_domain() -> None:
    """A foreign "Conv" is no convolution."""
    node = helper.make_node("Conv", ["x"], ["y"], domain="acme")
    assert onnx_file.parse(model([node])).graph.ops[0].kind == "acme.Conv"


def test_sparse_weights_are_said() -> None:
    """The op that reads them is named, and they are no constants."""
    made = model([helper.make_node("Mul", ["x", "w"], ["y"])])
    values = helper.make_tensor("w", FLOAT, [1], [2.0])
    places = helper.make_tensor("p", onnx.TensorProto.INT64, [1], [1])
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))
    graph = onnx_file.parse(made).graph
    assert graph.problems == {0: "Mul reads a sparse constant"}
    assert "w" not in graph.constants


def test_types_that_numpy_lacks_are_widened() -> None:
    """bfloat16 is read as float32."""
    made = model([helper.make_node("Cast", ["b"], ["y"], to=FLOAT)])
    made.graph.initializer.append(helper.make_tensor("b", onnx.TensorProto.BFLOAT16, [1], [1.5]))
    constant = onnx_file.parse(made).graph.constants["b"]
    assert (constant.dtype, constant.tolist()) == (np.float32, [1.5])


def test_sequences_and_what_cannot_be_inferred_are_not_tapped() -> None:
    """Only tensors of numbers can be outputs that are looked at."""
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["parts"], axis=1),
        helper.make_node("SequenceAt", ["parts", "c"], ["part"]),
        helper.make_node("Relu", ["part"], ["y"]),
    ]
    file = onnx_file.parse(model(nodes, {"c": np.array(0)}))
    assert onnx_file.tappable(file) == ("part", "y")


def test_external_weights_are_read(onnx_folder: Path, tmp_path: Path) -> None:
    """They lie in a file beside the model, and are written into tapped and cut ones."""
    whole = onnx.load(onnx_folder / "net.onnx")
    weight = onnx.numpy_helper.to_array(whole.graph.initializer[0])
    onnx.save(whole, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    file = onnx_file.read(tmp_path / "m.onnx")
    assert np.array_equal(file.graph.constants["w1"], weight)
    assert weight.tobytes() in onnx_file.tapped(file, ["body"])


def test_a_model_beyond_the_format_is_refused(
    net: OnnxFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """protobuf ends at 2 GiB, and a tapped copy holds the weights."""
    monkeypatch.setattr(onnx_file, "_LARGEST", 100)
    with pytest.raises(ParityError) as caught:
        onnx_file.parse(net.model)
    assert str(caught.value) == (
        "expected an ONNX model of at most 2 GiB with its weights, found 0.0 GiB: a larger one "
        "cannot be written with other outputs"
    )


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Whatever protobuf says of it."""
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08\xff\xff\xff")
    with pytest.raises(ParityError, match=r"m\.onnx: expected an ONNX model, found DecodeError"):
        onnx_file.read(path)


def test_without_the_onnx_package_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime runs a file, but does not let one read it."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ParityError) as caught:
        onnx_file.read("m.onnx")
    assert str(caught.value) == (
        "m.onnx: expected the onnx package, which reads ONNX files, found import of onnx halted; "
        "None in sys.modules; install it with: pip install 'detector-parity[export]'"
    )
