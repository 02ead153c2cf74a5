"""SSDLite on MobileNetV2 (alpha 0.35) in Keras.

Input (N, 240, 320, 3) float32 RGB, `(x - 127) / 128`.  Outputs, in this order:
`boxes` (N, 4200, 4) SSD offsets cx, cy, w, h (variances 0.1 and 0.2) to `priors()`, and
`scores` (N, 4200, 6) softmax probabilities, column 0 being background.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

HEIGHT: Final = 240
WIDTH: Final = 320
CLASSES: Final = 5

# Per feature map: cells (rows, columns), then width and height of each prior in pixels.
MAPS: Final[tuple[tuple[tuple[int, int], tuple[tuple[float, float], ...]], ...]] = (
    ((30, 40), ((18, 18), (29, 29))),
    ((15, 20), ((42, 42), (58, 29), (29, 58), (56, 56))),
    ((8, 10), ((76, 76), (108, 54), (54, 108), (132, 44), (44, 132), (100, 100))),
    ((4, 5), ((130, 130), (180, 90), (90, 180), (220, 75), (75, 220), (170, 170))),
)


def priors() -> npt.NDArray[np.float32]:
    """The (4200, 4) prior boxes cx, cy, w, h, normalised by the input's width and height."""
    parts = []
    for (rows, columns), sizes in MAPS:
        # Cell size follows the true stride: 8 rows of 32 px overhang the 240 px input.
        stride_y, stride_x = 2 ** np.ceil(np.log2((HEIGHT / rows, WIDTH / columns)))
        cy, cx = np.meshgrid(
            (np.arange(rows) + 0.5) * stride_y / HEIGHT,
            (np.arange(columns) + 0.5) * stride_x / WIDTH,
            indexing="ij",
        )
        centre = np.repeat(np.stack([cx, cy], -1).reshape(-1, 1, 2), len(sizes), axis=1)
        extent = np.broadcast_to(np.array(sizes) / (WIDTH, HEIGHT), centre.shape)
        parts.append(np.concatenate([centre, extent], -1).reshape(-1, 4))
    return np.concatenate(parts).astype(np.float32)


def _separable(x: Any, name: str, channels: int, stride: int = 1) -> Any:
    """Depthwise 3x3 + BN + ReLU6, then pointwise + BN + ReLU6."""
    x = layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=f"{name}_dw")(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_dw_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_dw_relu")(x)
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pw")(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_pw_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_pw_relu")(x)


def _head(x: Any, name: str, count: int, values: int) -> Any:
    """SSDLite head: depthwise 3x3 + BN + ReLU6 + pointwise, to (N, cells * count, values)."""
    x = layers.DepthwiseConv2D(3, 1, "same", use_bias=False, name=f"{name}_dw")(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_relu")(x)
    x = layers.Conv2D(count * values, 1, name=f"{name}_pw")(x)
    return layers.Reshape((-1, values), name=f"{name}_flat")(x)


def build() -> keras.Model:
    """The untrained network; layer `logits` holds the scores before the softmax."""
    backbone = keras.applications.MobileNetV2(
        input_shape=(HEIGHT, WIDTH, 3), alpha=0.35, include_top=False, weights=None
    )

    def feature(name: str) -> Any:
        return backbone.get_layer(name).output

    maps = [
        _separable(feature("block_6_expand_relu"), "neck_8", 96),
        feature("block_13_expand_relu"),
        feature("out_relu"),
    ]
    squeezed = layers.Conv2D(96, 1, use_bias=False, name="extra_in")(maps[-1])
    squeezed = layers.BatchNormalization(epsilon=1e-3, name="extra_in_bn")(squeezed)
    squeezed = layers.ReLU(6.0, name="extra_in_relu")(squeezed)
    maps.append(_separable(squeezed, "extra", 192, stride=2))

    boxes, logits = [], []
    for i, (_, sizes) in enumerate(MAPS):  # Keras 2 builds it too, on Python 3.9
        boxes.append(_head(maps[i], f"boxes_{i}", len(sizes), 4))
        logits.append(_head(maps[i], f"scores_{i}", len(sizes), CLASSES + 1))
    joined = layers.Concatenate(axis=1, name="boxes")(boxes)
    scores = layers.Concatenate(axis=1, name="logits")(logits)
    scores = layers.Softmax(name="scores")(scores)
    return keras.Model(backbone.input, [joined, scores], name="parts_ssd")
