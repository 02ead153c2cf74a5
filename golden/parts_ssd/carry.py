"""Carry the trained Keras weights into the PyTorch network: `python golden/parts_ssd/carry.py`.

Reads `detector.keras`, writes `detector.pth` (a state dict) and prints the largest difference
between the two networks on drawn scenes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import keras
import numpy as np
import torch
from fit import stretch
from network_torch import PRIORS_PER_CELL, PartsSsd
from scenes import EVALUATION, render
from torch import Tensor


def pairs() -> list[tuple[str, str, str]]:
    """(PyTorch unit, Keras convolution, Keras batch norm) of every convolution with batch norm."""
    found = [("stem", "Conv1", "bn_Conv1"), ("last", "Conv_1", "Conv_1_bn")]
    for i in range(17):
        keras_block = f"block_{i}" if i else "expanded_conv"
        for part in ("expand", "depthwise", "project"):
            if i or part != "expand":
                name = f"{keras_block}_{part}"
                found.append((f"blocks.{i}.{part}", name, f"{name}_BN"))
    found.append(("extra_in", "extra_in", "extra_in_bn"))
    for name in ("neck_8", "extra"):
        found.append((f"{name}.depthwise", f"{name}_dw", f"{name}_dw_bn"))
        found.append((f"{name}.pointwise", f"{name}_pw", f"{name}_pw_bn"))
    for i in range(len(PRIORS_PER_CELL)):
        for mine, theirs in (("box_heads", "boxes"), ("score_heads", "scores")):
            found.append((f"{mine}.{i}.depthwise", f"{theirs}_{i}_dw", f"{theirs}_{i}_bn"))
    return found


def carry(model: keras.Model) -> dict[str, Tensor]:
    """The PyTorch state dict with the weights of the Keras model."""
    state: dict[str, Tensor] = {}

    def kernel(name: str) -> Tensor:
        layer = model.get_layer(name)
        weights = np.asarray(layer.get_weights()[0])
        # Keras: (h, w, in, out), depthwise (h, w, channels, 1); PyTorch: (out, in / groups, h, w).
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        axes = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(weights.transpose(axes)))

    for unit, convolution, norm in pairs():
        state[f"{unit}.conv.weight"] = kernel(convolution)
        values = [torch.from_numpy(np.array(w)) for w in model.get_layer(norm).get_weights()]
        keys = ("weight", "bias", "running_mean", "running_var")
        for key, value in zip(keys, values, strict=True):
            state[f"{unit}.bn.{key}"] = value
        state[f"{unit}.bn.num_batches_tracked"] = torch.tensor(0)
    for i in range(len(PRIORS_PER_CELL)):
        for mine, theirs in (("box_heads", "boxes"), ("score_heads", "scores")):
            state[f"{mine}.{i}.pointwise.weight"] = kernel(f"{theirs}_{i}_pw")
            bias = model.get_layer(f"{theirs}_{i}_pw").get_weights()[1]
            state[f"{mine}.{i}.pointwise.bias"] = torch.from_numpy(np.array(bias))
    return state


def export(source: Path, target: Path) -> None:
    """Write the state dict of `network_torch.py` for a `.keras` file (see `parity.toml`)."""
    model = keras.models.load_model(source, compile=False)
    torch.save(carry(model), target)


def largest_differences(
    model: keras.Model, network: torch.nn.Module, count: int
) -> tuple[float, float]:
    """Largest absolute difference of the offsets and of the scores over `count` scenes."""
    images = [stretch(render(EVALUATION + i).image, (240, 320)).image for i in range(count)]
    x = (np.stack(images).astype(np.float32) - 127) / 128
    with torch.inference_mode():
        boxes, scores = network.eval()(torch.from_numpy(x.transpose(0, 3, 1, 2)))
    keras_boxes, keras_scores = model.predict_on_batch(x)
    return (
        float(np.abs(boxes.numpy() - keras_boxes).max()),
        float(np.abs(scores.numpy() - keras_scores).max()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE)
    args = parser.parse_args()
    model = keras.models.load_model(args.folder / "detector.keras", compile=False)
    state = carry(model)
    network = PartsSsd()
    network.load_state_dict(state)  # strict: nothing missing, nothing left over
    torch.save(state, args.folder / "detector.pth")
    offsets, scores = largest_differences(model, network, 8)
    print(f"largest difference: offsets {offsets:.2e}, scores {scores:.2e}")


if __name__ == "__main__":
    main()
