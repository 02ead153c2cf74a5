"""Small real model files of every kind, made by the frameworks themselves."""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from parity.runtimes.shared import tf_common


def make_onnx(folder: Path) -> None:
    """net, external (weights.bin), qdq, qoperator, dynamic, custom."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    floats = TensorProto.FLOAT
    rng = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> Any:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)

    def scalar(name: str, value: Any, dtype: Any) -> Any:
        return numpy_helper.from_array(np.array(value, dtype), name)

    def save(name: str, nodes: list[Any], weights: list[Any], **more: Any) -> Any:
        graph = helper.make_graph(
            nodes,
            "net",
            [helper.make_tensor_value_info("image", floats, ["N", 3, 8, 8])],
            [helper.make_tensor_value_info("heads", floats, ["N", 4, 8, 8])],
            weights,
        )
        opsets = [helper.make_opsetid("", 17), *more.pop("opsets", [])]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)
        onnx.save(model, folder / name)
        return model

    node = helper.make_node
    conv = node("Conv", ["image", "w"], ["heads"], pads=[1, 1, 1, 1])
    model = save("net.onnx", [conv], [weight("w", 4, 3, 3, 3)], producer_name="a <b>maker</b>")
    onnx.save(
        model,
        folder / "external.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=16,
    )
    scales = [scalar("s", 0.1, np.float32), scalar("z", 0, np.int8)]
    pair = [
        node("QuantizeLinear", ["image", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("Conv", ["d", "w"], ["heads"], pads=[1, 1, 1, 1]),
    ]
    save("qdq_int8.onnx", pair, [*scales, weight("w", 4, 3, 3, 3)])
    weights = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.int8), "w")
    integer = [
        node("QuantizeLinear", ["image", "s", "z"], ["q"]),
        node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["c"], pads=[1, 1, 1, 1]),
        node("DequantizeLinear", ["c", "s", "z"], ["heads"]),
    ]
    save("qoperator.onnx", integer, [*scales, weights])
    dynamic = [
        node("DynamicQuantizeLinear", ["image"], ["q", "qs", "qz"]),
        node("ConvInteger", ["q", "w", "qz"], ["c"], pads=[1, 1, 1, 1]),
        node("Cast", ["c"], ["heads"], to=floats),
    ]
    save("dynamic.onnx", dynamic, [weights])
    custom = [node("MyNms", ["image"], ["heads"], domain="com.example")]
    save("custom.onnx", custom, [], opsets=[helper.make_opsetid("com.example", 1)])
    newest = save("newest.onnx", [conv], [weight("w", 4, 3, 3, 3)])
    newest.ir_version = 99
    onnx.save(newest, folder / "newest.onnx")


def make_tensorflow(folder: Path) -> None:
    """Keras (whole, weights, Lambda), SavedModel, frozen graph, TFLite of every quantisation."""
    tf = tf_common.start(1)
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = layers.ReLU()(layers.Conv2D(4, 3, padding="same", name="body")(image))
    boxes = layers.Reshape((-1, 4), name="boxes")(layers.Conv2D(4, 1)(x))
    scores = layers.Softmax(name="scores")(layers.Reshape((-1, 2))(layers.Conv2D(2, 1)(x)))
    model = keras.Model(image, {"boxes": boxes, "scores": scores}, name="net")
    model.save(folder / "net.keras")
    model.save(folder / "net.h5")
    model.save_weights(folder / "net.weights.h5")
    model.export(folder / "saved", verbose=False)
    lambdas = keras.Sequential([keras.Input((4,)), layers.Lambda(_doubled, name="evil")])
    lambdas.save(folder / "lambda.h5")
    lambdas.save(folder / "lambda.keras")
    _make_frozen(tf, model, folder / "frozen.pb")
    _make_detector(tf, folder / "detector")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _make_tflite(tf, model, folder)


def _doubled(x: Any) -> Any:
    return x * 2


def _make_frozen(tf: Any, model: Any, path: Path) -> None:
    from tensorflow.python.framework import convert_to_constants

    function = tf.function(lambda image: model(image)).get_concrete_function(
        tf.TensorSpec((1, 8, 8, 3), tf.float32, name="image")
    )
    frozen = convert_to_constants.convert_variables_to_constants_v2(function)
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())


def _make_detector(tf: Any, folder: Path) -> None:
    """A SavedModel with the outputs of the Object Detection API."""

    class Detector(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, name="image")])
        def __call__(self, image: Any) -> Any:
            one = tf.cast(tf.reduce_sum(image), tf.float32)
            return {
                "detection_boxes": tf.reshape(tf.stack([one] * 4), (1, 1, 4)),
                "detection_scores": tf.reshape(one, (1, 1)),
                "detection_classes": tf.reshape(one, (1, 1)),
                "num_detections": tf.reshape(one, (1,)),
            }

    module = Detector()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.__call__})
    (folder / "pipeline.config").write_text("model {}\n")


def _make_tflite(tf: Any, model: Any, folder: Path) -> None:
    rng = np.random.default_rng(0)
    ops = tf.lite.OpsSet

    def images() -> Any:
        return ([rng.random((1, 8, 8, 3), dtype=np.float32)] for _ in range(4))

    def convert(name: str, **settings: Any) -> None:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        supported = settings.pop("ops", None)
        types = settings.pop("types", None)
        if supported:
            converter.target_spec.supported_ops = supported
        if types:
            converter.target_spec.supported_types = types
        for key, value in settings.items():
            setattr(converter, key, value)
        (folder / name).write_bytes(converter.convert())

    default = [tf.lite.Optimize.DEFAULT]
    convert("float.tflite")
    convert("float16.tflite", optimizations=default, types=[tf.float16])
    convert("full.tflite", optimizations=default, representative_dataset=images,
            ops=[ops.TFLITE_BUILTINS_INT8])  # fmt: skip
    convert("full16.tflite", optimizations=default, representative_dataset=images,
            ops=[ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8])  # fmt: skip
    _make_dense(tf, folder / "range.tflite")
    _make_flex(tf, folder / "flex.tflite")


def _make_dense(tf: Any, path: Path) -> None:
    """Dynamic range needs weights of some size: smaller ones stay floats."""
    import keras

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    path.write_bytes(converter.convert())


def _make_flex(tf: Any, path: Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec((4, 4), tf.float32)])
    def inverse(x: Any) -> Any:
        return tf.linalg.cholesky(x)

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [inverse.get_concrete_function()], inverse
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    path.write_bytes(converter.convert())


def make_torch(folder: Path) -> None:
    """net.pth, legacy.pth, checkpoint.pth, whole.pth, script.pt, program.pt2, net.safetensors."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4)).eval()
    state = net.state_dict()
    torch.save(state, folder / "net.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": state}, folder / "checkpoint.pth")
    torch.save(net, folder / "whole.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(net), str(folder / "script.pt"))
        program = torch.export.export(net, (torch.rand(1, 3, 8, 8),))
        torch.export.save(program, str(folder / "program.pt2"))
    (folder / "net.safetensors").write_bytes(safetensors({"w": np.ones((2, 3), np.float32)}))


def safetensors(tensors: dict[str, np.ndarray[Any, Any]], **changes: Any) -> bytes:
    """A safetensors file, written by hand: its library is no dependency of this project."""
    import json

    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in tensors.items():
        raw = array.tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        header[name].update(changes)
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def make_all(folder: Path) -> None:
    """Everything above, in one folder."""
    os.makedirs(folder, exist_ok=True)
    make_onnx(folder)
    make_tensorflow(folder)
    make_torch(folder)
