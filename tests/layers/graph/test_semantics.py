"""What ops mean, format by format."""

from __future__ import annotations

import numpy as np
import pytest

from parity.layers.graph.layout_inference import infer_layouts
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import (
    activated,
    channel_axis,
    function,
    input_axis,
    output_axes,
    permutation,
    role,
    stores,
)
from parity.layers.graph.view import View
from parity.runtimes.contract import Graph, Op


def graph_of(graph_format: str, op: Op, **constants: tuple[int, ...]) -> Graph:
    """One op; constants of ones by name and shape."""
    held = {name: np.ones(shape, np.float32) for name, shape in constants.items()}
    return Graph(graph_format, (op,), ("x",), op.outputs, held)


def op(kind: str, *inputs: str, **attributes: object) -> Op:
    """An op that makes y."""
    return Op(0, "op", kind, inputs or ("x",), ("y",), attributes)


@pytest.mark.parametrize(
    ("graph_format", "made", "weight", "expected"),
    [
        ("onnx", op("Conv", "x", "w", group=1), (8, 4, 3, 3), (Role.CONV, 1, (0,))),
        ("onnx", op("Conv", "x", "w", group=8), (8, 1, 3, 3), (Role.DEPTHWISE, 1, (0,))),
        ("onnx", op("ConvTranspose", "x", "w"), (4, 8, 3, 3), (Role.DECONV, 1, (1,))),
        ("onnx", op("Gemm", "x", "w", transB=1), (8, 4), (Role.DENSE, None, (0,))),
        ("onnx", op("MatMul", "x", "w"), (4, 8), (Role.DENSE, None, (1,))),
        ("torch", op("aten.conv2d.default", "x", "w"), (8, 4, 3, 3), (Role.CONV, 1, (0,))),
        (
            "torch",
            op("aten._convolution.default", "x", "w", transposed=True),
            (4, 8, 3, 3),
            (Role.DECONV, 1, (1,)),
        ),
        ("torch", op("aten.linear.default", "x", "w"), (8, 4), (Role.DENSE, None, (0,))),
        ("tflite", op("CONV_2D", "x", "w"), (8, 3, 3, 4), (Role.CONV, -1, (0,))),
        ("tflite", op("DEPTHWISE_CONV_2D", "x", "w"), (1, 3, 3, 8), (Role.DEPTHWISE, -1, (3,))),
        ("tflite", op("CONV_3D", "x", "w"), (3, 3, 3, 4, 8), (Role.CONV, -1, (4,))),
        (
            "tflite",
            op("CONV_3D_TRANSPOSE", "s", "w", "x"),
            (3, 3, 3, 8, 4),
            (Role.DECONV, -1, (3,)),
        ),
        ("tflite", op("FULLY_CONNECTED", "x", "w"), (8, 4), (Role.DENSE, None, (0,))),
        ("keras", op("Conv2D", "x", "w"), (3, 3, 4, 8), (Role.CONV, -1, (3,))),
        ("keras", op("DepthwiseConv2D", "x", "w"), (3, 3, 8, 1), (Role.DEPTHWISE, -1, (2, 3))),
        ("keras", op("Conv2DTranspose", "x", "w"), (3, 3, 8, 4), (Role.DECONV, -1, (2,))),
        (
            "keras",
            op("Conv2D", "x", "w", data_format="channels_first"),
            (3, 3, 4, 8),
            (Role.CONV, 1, (3,)),
        ),
        ("keras", op("Dense", "x", "w"), (4, 8), (Role.DENSE, None, (1,))),
        ("savedmodel", op("Conv2D", "x", "w"), (3, 3, 4, 8), (Role.CONV, -1, (3,))),
        ("savedmodel", op("MatMul", "x", "w", transpose_b=True), (8, 4), (Role.DENSE, None, (0,))),
    ],
    ids=lambda value: value.kind if isinstance(value, Op) else None,
)  # fmt: skip
def test_where_a_layer_keeps_its_channels(graph_format, made, weight, expected):
    """Role, channel axis of the maps, output-channel axes of the weight."""
    graph = graph_of(graph_format, made, w=weight)
    found = output_axes(graph, made, 1, len(weight))
    assert (role(graph, made), channel_axis(graph, made), found) == expected


@pytest.mark.parametrize(
    ("graph_format", "made", "weight"),
    [
        ("onnx", op("Conv", "x", "w"), (8, 4, 3, 3)),
        ("onnx", op("ConvTranspose", "x", "w"), (4, 8, 3, 3)),
        ("torch", op("aten.conv2d.default", "x", "w"), (8, 4, 3, 3)),
        ("tflite", op("CONV_2D", "x", "w"), (8, 3, 3, 4)),
        ("tflite", op("TRANSPOSE_CONV", "s", "w", "x"), (8, 3, 3, 4)),
        ("tflite", op("CONV_3D", "x", "w"), (3, 3, 3, 4, 8)),
        ("keras", op("Conv2D", "x", "w"), (3, 3, 4, 8)),
        ("keras", op("Conv2DTranspose", "x", "w"), (3, 3, 8, 4)),
        ("savedmodel", op("Conv2D", "x", "w"), (3, 3, 4, 8)),
    ],
    ids=lambda value: value.kind if isinstance(value, Op) else None,
)
def test_where_a_weight_keeps_its_input_channels(graph_format, made, weight):
    """Of four input channels, whatever the format."""
    graph = graph_of(graph_format, made, w=weight)
    assert weight[input_axis(graph, made, len(weight))] == 4


@pytest.mark.parametrize(
    ("graph_format", "made", "expected"),
    [
        ("onnx", op("LogSoftmax"), "log_softmax"),
        ("tflite", op("LOG_SOFTMAX"), "log_softmax"),
        ("torch", op("aten._log_softmax.default"), "log_softmax"),
        ("tflite", op("LOGISTIC"), "sigmoid"),
        ("keras", op("Relu6"), "relu"),
        ("onnx", op("Clip"), ""),
    ],
    ids=lambda value: value.kind if isinstance(value, Op) else None,
)
def test_a_function_has_one_name_in_all_formats(graph_format, made, expected):
    """However each spells it."""
    assert function(graph_of(graph_format, made), made) == expected


@pytest.mark.parametrize(
    ("graph_format", "made", "expected"),
    [
        ("onnx", op("Transpose", perm=(0, 2, 3, 1)), (0, 2, 3, 1)),
        ("onnx", op("Transpose"), (3, 2, 1, 0)),
        ("torch", op("aten.permute.default", dims=(0, 2, 3, -3)), (0, 2, 3, 1)),
        ("torch", op("aten.transpose.int", dim0=1, dim1=2), (0, 2, 1, 3)),
        ("keras", op("Permute", dims=(3, 1, 2)), (0, 3, 1, 2)),
        ("tflite", op("TRANSPOSE", "x", "p"), None),
    ],
    ids=lambda value: value.kind if isinstance(value, Op) else None,
)
def test_the_order_of_a_transpose(graph_format, made, expected):
    """Output axis to input axis; not known where it is computed."""
    assert permutation(graph_of(graph_format, made), made, 4) == expected


def test_the_order_of_a_transpose_may_be_a_constant():
    """TFLite and SavedModel hold it beside the data."""
    made = op("TRANSPOSE", "x", "p")
    graph = Graph("tflite", (made,), ("x",), ("y",), {"p": np.array([0, 3, 1, 2])})
    assert permutation(graph, made, 4) == (0, 3, 1, 2)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (op("CONV_2D", fused_activation_function="NONE"), False),
        (op("CONV_2D", fused_activation_function="RELU6"), True),
        (op("Conv2D", activation="linear"), False),
        (op("Conv2D", activation="relu"), True),
        (op("Conv"), False),
    ],
    ids=str,
)
def test_an_activation_may_be_part_of_a_layer(made, expected):
    """TFLite fuses it, Keras has it as an option."""
    assert activated(made) is expected


def test_an_unknown_op_has_no_role_but_is_not_an_error():
    """Custom ops are rows like others."""
    made = op("TFLite_Detection_PostProcess")
    assert role(graph_of("tflite", made), made) is Role.OTHER
    assert not stores(graph_of("tflite", made), made)


def test_layouts_flow_from_convolutions_in_both_directions():
    """The input before an elementwise op, and the head behind a transpose and a reshape."""
    ops = (
        Op(0, "scale", "Mul", ("x", "s"), ("a",)),
        Op(1, "conv", "Conv", ("a", "w"), ("b",), {"group": 1}),
        Op(2, "last", "Transpose", ("b",), ("c",), {"perm": (0, 2, 3, 1)}),
        Op(3, "head", "Reshape", ("c", "t"), ("d",)),
    )
    held = {"w": np.ones((8, 3, 1, 1)), "s": np.ones(1), "t": np.array([1, -1, 4])}
    shapes = {
        "x": (1, 3, 5, 7), "a": (1, 3, 5, 7), "b": (1, 8, 5, 7), "c": (1, 5, 7, 8), "d": (1, 70, 4),
    }  # fmt: skip
    found = infer_layouts(View(Graph("onnx", ops, ("x",), ("d",), held), shapes))
    texts = {name: str(layout) for name, layout in found.items()}
    assert texts == {"x": "NCHW", "a": "NCHW", "b": "NCHW", "c": "NHWC", "d": "N(HWC)C"}


def test_computed_shapes_are_no_data():
    """What follows from a Shape alone is neither aligned nor compared."""
    ops = (
        Op(0, "shape", "Shape", ("x",), ("s",)),
        Op(1, "first", "Gather", ("s", "i"), ("n",)),
        Op(2, "flat", "Reshape", ("x", "n"), ("y",)),
    )
    view = View(Graph("onnx", ops, ("x",), ("y",), {"i": np.array(0)}), {})
    assert view.data == {"x", "y"}
    assert [one.name for one in view.data_ops()] == ["flat"]


def test_integers_of_an_unknown_scale_are_no_weight():
    """A scale for a block of values is none that a weight could be read with."""
    ops = (
        Op(0, "unpacked", "DequantizeLinear", ("q", "s"), ("w",), {"block_size": 2}),
        Op(1, "conv", "Conv", ("x", "w"), ("y",)),
    )
    held = {"q": np.ones((8, 4, 1, 1), np.int8), "s": np.ones((8, 2, 1, 1), np.float32)}
    view = View(Graph("onnx", ops, ("x",), ("y",), held), {})
    assert view.weight(ops[1]) is None
