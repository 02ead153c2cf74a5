"""TFLite files as graphs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.errors import ParityError
from parity.layers.subjects.tflite import file as tflite_file
from parity.layers.subjects.tflite.file import TFLiteFile

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")


def read(folder: Path, name: str) -> TFLiteFile:
    """One of the network's files."""
    return tflite_file.read(folder / f"{name}.tflite")


def model(folder: Path, name: str = "float32") -> Any:
    """One of the files as an object to be changed."""
    return schema.ModelT.InitFromPackedBuf((folder / f"{name}.tflite").read_bytes(), 0)


def find(file: TFLiteFile, kind: str) -> Any:
    """The first op of a kind."""
    return next(op for op in file.graph.ops if op.kind == kind)


def test_ops_edges_and_options(tflite_folder: Path) -> None:
    """Options are plain values under the schema's own names, enums in words."""
    file = read(tflite_folder, "float32")
    first = file.graph.ops[0]
    assert (first.index, first.kind, first.name) == (0, "CONV_2D", "CONV_2D_0")
    assert first.attributes == {
        "padding": "SAME",
        "stride_w": 2,
        "stride_h": 2,
        "fused_activation_function": "RELU6",
        "dilation_w_factor": 1,
        "dilation_h_factor": 1,
        "quantized_bias_type": "FLOAT32",
    }
    assert first.inputs[0] == file.graph.inputs[0]
    assert file.graph.constants[first.inputs[1]].shape == (8, 3, 3, 3)
    assert find(file, "DEPTHWISE_CONV_2D").attributes["depth_multiplier"] == 1
    assert set(file.graph.outputs) <= set(file.graph.producers())
    assert file.graph.problems == {}


def test_every_tensor_is_a_constant_an_input_or_made_by_an_op(tflite_folder: Path) -> None:
    """Nothing that an op reads comes from nowhere."""
    for name in ("float32", "float16", "dynamic", "int8"):
        graph = read(tflite_folder, name).graph
        known = {*graph.inputs, *graph.constants, *graph.producers()}
        assert {one for op in graph.ops for one in op.inputs if one} <= known


def test_quantisation_is_per_tensor_for_activations_and_per_channel_for_weights(
    tflite_folder: Path,
) -> None:
    """With the axis of the channels: the last one for a depthwise convolution."""
    file = read(tflite_folder, "int8")
    deep = find(file, "DEPTHWISE_CONV_2D")
    activation, weight = (file.graph.quantization[name] for name in deep.inputs[:2])
    assert len(activation.scale) == len(activation.zero_point) == 1
    assert (len(weight.scale), set(weight.zero_point), weight.axis) == (8, {0}, 3)
    assert file.graph.constants[deep.inputs[1]].dtype == np.int8
    assert file.grids[deep.inputs[0]].dtype == "int8"
    assert deep.inputs[1] not in file.grids


def test_float16_weights_are_constants_before_and_behind_dequantize(tflite_folder: Path) -> None:
    """So a convolution's weight is a constant as in every other file."""
    file = read(tflite_folder, "float16")
    weight = find(file, "CONV_2D").inputs[1]
    maker = file.graph.producers()[weight]
    assert maker.kind == "DEQUANTIZE"
    assert file.graph.constants[weight].dtype == np.float32
    assert file.graph.constants[maker.inputs[0]].dtype == np.float16


def test_names_that_repeat_or_are_missing_become_unique(tflite_folder: Path) -> None:
    """By the tensor's index, so that they stay the same from run to run."""
    made = model(tflite_folder)
    tensors = made.subgraphs[0].tensors
    tensors[1].name = tensors[2].name = b"same"
    tensors[3].name, tensors[4].name = b"", None
    names = tflite_file.parse(made).names
    assert names[1:5] == ("same#1", "same#2", "#3", "#4")
    assert len(set(names)) == len(names)


def test_a_custom_op_goes_by_its_own_name(tflite_folder: Path) -> None:
    """As NMS of the detection post-processing."""
    made = model(tflite_folder)
    code = made.operatorCodes[made.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode = 32, 32
    code.customCode = b"TFLite_Detection_PostProcess"
    assert tflite_file.parse(made).graph.ops[0].kind == "TFLite_Detection_PostProcess"


def test_control_flow_is_said(tflite_folder: Path) -> None:
    """An op that runs another subgraph cannot be cut."""
    made = model(tflite_folder)
    operator = made.subgraphs[0].operators[0]
    operator.builtinOptions = schema.WhileOptionsT()
    made.operatorCodes[operator.opcodeIndex].builtinCode = schema.BuiltinOperator.WHILE
    problem = tflite_file.parse(made).graph.problems[0]
    assert problem == "WHILE runs subgraphs of its own (control flow)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"isVariable": True}, "CONV_2D keeps state between runs (variable tensor '{}')"),
        ({"sparsity": object()}, "CONV_2D reads the sparse tensor '{}'"),
        ({"type": 5}, "CONV_2D has a tensor of STRING: '{}'"),
    ],
    ids=["variable", "sparse", "string"],
)
def test_tensors_that_cannot_be_followed_are_said(
    tflite_folder: Path, change: dict[str, Any], message: str
) -> None:
    """By op, with the tensor's name; the rest of the graph stands."""
    made = model(tflite_folder)
    weight = made.subgraphs[0].operators[0].inputs[1]
    for key, value in change.items():
        setattr(made.subgraphs[0].tensors[weight], key, value)
    file = tflite_file.parse(made)
    assert file.graph.problems[0] == message.format(file.names[weight])
    assert file.names[weight] not in file.graph.constants
    assert 1 not in file.graph.problems


def test_four_bit_weights_are_unpacked() -> None:
    """Two a byte, the lower half first, with a sign."""
    raw = np.array([0x21, 0xF8], np.uint8)
    assert tflite_file._nibbles(raw).view(np.int8).tolist() == [1, 2, -8, -1]


def test_weights_outside_of_the_flatbuffer_are_refused(tflite_folder: Path) -> None:
    """A model beyond 2 GiB keeps them behind it."""
    made = model(tflite_folder)
    weight = made.subgraphs[0].operators[0].inputs[1]
    made.buffers[made.subgraphs[0].tensors[weight].buffer].offset = 4096
    with pytest.raises(ParityError) as caught:
        tflite_file.parse(made)
    assert str(caught.value) == (
        f"expected a TFLite model with its weights inside, found "
        f"{made.subgraphs[0].tensors[weight].name.decode()!r} stored behind the flatbuffer or in "
        f"another file: such a model cannot be read here"
    )


def test_a_damaged_file_is_an_error_that_names_it(tflite_folder: Path, tmp_path: Path) -> None:
    """Whatever the generated reader says of it."""
    content = (tflite_folder / "float32.tflite").read_bytes()
    (tmp_path / "m.tflite").write_bytes(content[:40])
    with pytest.raises(ParityError, match=r"m\.tflite: expected a TFLite model, found "):
        tflite_file.read(tmp_path / "m.tflite")


def test_without_a_reader_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader comes with LiteRT, or inside TensorFlow."""
    for module in ("ai_edge_litert", "tensorflow.lite.python"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ParityError) as caught:
        tflite_file.schema()
    assert str(caught.value).startswith(
        "expected the ai-edge-litert package, which reads TFLite files, found "
    )
    assert str(caught.value).endswith("install it with: pip install 'detector-parity[tflite]'")
