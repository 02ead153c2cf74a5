"""Small networks as ONNX and TFLite files, for tests of what reads and cuts them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import quantising

from parity.tensors import Array


def image(seed: int = 0, shape: tuple[int, ...] = (1, 3, 16, 16)) -> Array:
    """A picture of noise with some structure."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=shape[:2] + tuple(size // 4 for size in shape[2:]))
    smooth = coarse.repeat(4, axis=2).repeat(4, axis=3)
    return (smooth + rng.normal(size=shape) / 4).astype(np.float32)


def onnx_net(batch: str | int = "N") -> Any:
    """Two convolutions, batch norm, and heads whose shape is computed; one weight is an Identity.

    Its initializers are listed as inputs too, as old exporters do it.
    """
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(1)
    arrays = {
        "w1": rng.normal(size=(8, 3, 3, 3)) / 3,
        "b1": rng.normal(size=8) / 3,
        "scale": rng.uniform(0.5, 2, 8),
        "bias": rng.normal(size=8),
        "mean": rng.normal(size=8),
        "var": rng.uniform(0.5, 2, 8),
        "w2": rng.normal(size=(6, 8, 1, 1)) / 3,
    }
    weights = [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()]
    node, floats = helper.make_node, TensorProto.FLOAT
    zero = numpy_helper.from_array(np.array(0, np.int64))
    nodes = [
        node("Conv", ["image", "w1", "b1"], ["body"], "body", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["body", "scale", "bias", "mean", "var"], ["norm"], "norm"),
        node("Relu", ["norm"], ["active"]),
        node("Identity", ["w2"], ["tied"]),
        node("Conv", ["active", "tied"], ["head"], "head"),
        node("Transpose", ["head"], ["last"], perm=[0, 2, 3, 1]),
        node("Shape", ["image"], ["sizes"]),
        node("Constant", [], ["zero"], value=zero),
        node("Gather", ["sizes", "zero"], ["batch"], axis=0),
        node("Constant", [], ["axes"], value_ints=[0]),
        node("Unsqueeze", ["batch", "axes"], ["first"]),
        node("Concat", ["first", "rest"], ["shape"], axis=0),
        node("Reshape", ["last", "shape"], ["flat"]),
        node("Softmax", ["flat"], ["scores"], axis=-1),
    ]
    weights.append(numpy_helper.from_array(np.array([64, 6]), "rest"))
    inputs = [helper.make_tensor_value_info("image", floats, [batch, 3, 16, 16])]
    inputs += [helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in weights]
    outputs = [helper.make_tensor_value_info("scores", floats, [batch, 64, 6])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def onnx_silu() -> Any:
    """Convolution, SiLU, depthwise convolution, addition: what int8 models are made of."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(2)
    arrays = {
        "w1": rng.normal(size=(8, 3, 3, 3)) / 3,
        "w2": rng.normal(size=(8, 1, 3, 3)) * rng.uniform(0.05, 1, size=(8, 1, 1, 1)),
        "w3": rng.normal(size=(8, 8, 1, 1)) / 3,
    }
    weights = [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()]
    node, floats = helper.make_node, TensorProto.FLOAT
    nodes = [
        node("Conv", ["image", "w1"], ["body"], "body", pads=[1, 1, 1, 1]),
        node("Sigmoid", ["body"], ["gate"], "gate"),
        node("Mul", ["body", "gate"], ["silu"], "silu"),
        node("Conv", ["silu", "w2"], ["deep"], "deep", pads=[1, 1, 1, 1], group=8),
        node("Add", ["deep", "silu"], ["sum"], "sum"),
        node("Conv", ["sum", "w3"], ["head"], "head"),
    ]
    graph = helper.make_graph(
        nodes,
        "silu",
        [helper.make_tensor_value_info("image", floats, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("head", floats, [1, 8, 16, 16])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def onnx_int8(folder: Path) -> Path:
    """``onnx_silu`` quantised by ONNX Runtime, QDQ, weights per channel in 7 bits."""
    import onnx
    from onnxruntime.quantization import QuantType

    onnx.save(onnx_silu(), folder / "silu.onnx")
    options = {"per_channel": True, "activation_type": QuantType.QUInt8}
    images = [image(seed) for seed in range(8)]
    return quantising.static(onnx_silu(), folder / "silu_int8.onnx", images, **options)


def tflite_files(folder: Path) -> Path:
    """float32, float16, dynamic and int8 of one Keras network, as ``<name>.tflite``."""
    from parity.runtimes.shared import tf_common

    tf = tf_common.start(1)
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    given = keras.Input((16, 16, 3), name="image", batch_size=1)
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="body")(given)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    deep = layers.DepthwiseConv2D(3, padding="same", name="deep")(x)
    wide = layers.UpSampling2D(2, interpolation="bilinear")(layers.MaxPooling2D(2)(x))
    x = layers.Concatenate()([layers.Add()([x, deep]), wide])
    boxes = layers.Reshape((-1, 4), name="boxes")(layers.Conv2D(4, 1, name="side")(x))
    dense = layers.Dense(6, name="dense")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(given, [boxes, layers.Softmax()(dense)])
    depthwise = model.get_layer("deep")
    spread = np.linspace(0.05, 1, 8, dtype=np.float32).reshape(1, 1, 8, 1)
    depthwise.set_weights([depthwise.get_weights()[0] * spread, *depthwise.get_weights()[1:]])

    def images() -> Iterator[list[Array]]:
        yield from ([image(seed).transpose(0, 2, 3, 1)] for seed in range(8))

    for name in ("float32", "float16", "dynamic", "int8"):
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if name != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if name == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if name == "int8":
            converter.representative_dataset = images
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (folder / f"{name}.tflite").write_bytes(converter.convert())
    return folder
