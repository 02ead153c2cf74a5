"""YOLO heads in Keras in pixels, and in TFLite relative to the input, as exports leave them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from outside_models import draw_images, inputs

STRIDE = 8
ROWS, COLUMNS = 64 // STRIDE, 96 // STRIDE


def build(folder: Path, family: str) -> Path:
    """net.keras, (1, A, ...) in pixels, and net.tflite: of YOLOv8 transposed and normalised."""
    import keras
    import tensorflow as tf

    draw_images(folder)
    keras.utils.set_random_seed(5)
    layers = keras.layers
    image = keras.Input((64, 96, 3), name="image")
    x = image
    for channels in (8, 16, 16):
        x = layers.Conv2D(channels, 3, 2, padding="same", activation="swish")(x)
    last = layers.Conv2D(7 if family == "yolov5" else 6, 1)
    raw = layers.Reshape((ROWS * COLUMNS, -1))(last(x))
    _spread(keras.Model(image, raw), last, inputs(folder).transpose(0, 2, 3, 1))
    boxes, scores = (_yolov5 if family == "yolov5" else _yolov8)(layers, raw)
    keras.Model(image, layers.Concatenate(name="output0")([boxes, scores])).save(
        folder / "net.keras"
    )
    relative = layers.Rescaling([1 / 96, 1 / 64, 1 / 96, 1 / 64])(boxes)
    rows = layers.Concatenate()([relative, scores])
    outputs = rows if family == "yolov5" else layers.Permute((2, 1))(rows)
    model = keras.Model(image, outputs)
    model.export(str(folder / "saved"), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"))
    (folder / "net.tflite").write_bytes(converter.convert())
    shutil.rmtree(folder / "saved")
    return folder


def _spread(model: Any, last: Any, images: np.ndarray) -> None:
    values = model.predict(images, verbose=0).reshape(-1, last.filters)
    kernel, bias = last.get_weights()
    scale = 1.5 / values.std(0)
    last.set_weights([kernel * scale, (bias - values.mean(0)) * scale])


def _cells() -> np.ndarray:
    y, x = np.divmod(np.arange(ROWS * COLUMNS), COLUMNS)
    return np.stack([x, y], axis=1).astype(float)


def _split(layers: Any, raw: Any, *sizes: int) -> list[Any]:
    """The columns of rows, by one-dimensional cropping: no layer of one's own is needed."""
    found, before, total = [], 0, sum(sizes)
    for size in sizes:
        turned = layers.Permute((2, 1))(raw)
        cut = layers.Cropping1D((before, total - before - size))(turned)
        found.append(layers.Permute((2, 1))(cut))
        before += size
    return found


def _yolov5(layers: Any, raw: Any) -> tuple[Any, Any]:
    activated = layers.Activation("sigmoid")(raw)
    centres, sides, scores = _split(layers, activated, 2, 2, 3)
    offset = ((_cells() - 0.5) * STRIDE).tolist()
    centres = layers.Rescaling(2 * STRIDE, offset)(centres)
    sides = layers.Rescaling(6.0 * STRIDE)(layers.Multiply()([sides, sides]))
    return layers.Concatenate()([centres, sides]), scores


def _yolov8(layers: Any, raw: Any) -> tuple[Any, Any]:
    near, far, scores = _split(layers, raw, 2, 2, 2)
    near, far = (layers.Activation("softplus")(one) for one in (near, far))
    offset = ((_cells() + 0.5) * STRIDE).tolist()
    centres = layers.Rescaling(STRIDE / 2, offset)(layers.Subtract()([far, near]))
    sides = layers.Rescaling(STRIDE)(layers.Add()([near, far]))
    boxes = layers.Concatenate()([centres, sides])
    return boxes, layers.Activation("sigmoid")(scores)
