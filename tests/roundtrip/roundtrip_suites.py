"""Small native detectors with one planted fault each, as suites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np

from parity.harness.roundtripping import roundtrip
from parity.record.roundtrip import ModelRecord
from parity.runtimes.shared.resolve import resolve
from tests.support.suites import boxes_scores, noise, small_suite

KERAS = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers


def detector(*extra):
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, 2, "same", name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    for layer in extra:
        x = layer(x)
    heads = []
    for name, size in (("boxes", 4), ("scores", 2)):
        y = layers.Conv2D(size, 1, activation="sigmoid", name=f"{name}_conv")(x)
        heads.append(layers.Reshape((16, size), name=name)(y))
    return keras.Model(image, heads)
"""

TORCH = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Conv2d(6, 6, 1)

    def middle(self, x):
        return x

    def forward(self, image):
        x = self.middle(self.norm(self.conv(image)))
        x = torch.sigmoid(self.head(x).permute(0, 2, 3, 1).reshape(1, 16, 6))
        return x[..., :4], x[..., 4:]
"""


def write_suite(folder: Path, tables: str, code: str = "", images: int = 2) -> Path:
    """A suite whose runtimes start with ``native``; ``code`` is its net.py."""
    return small_suite(
        folder,
        {"native": dedent(tables)},
        images={f"images/{i:03}.png": noise(8, 8, seed=i) for i in range(images)},
        preprocess="range = [0, 1]",
        decode=boxes_scores(normalized=True),
        files={"net.py": code},
    )


def keras_suite(folder: Path, extra: str = "", layers: str = "") -> Path:
    """A Keras factory with custom layers, and weights as after some training."""
    code = KERAS + dedent(extra) + f"\n\ndef build():\n    return detector({layers})\n"
    write_suite(folder, 'kind = "keras"\nmodel = "net:build"\nweights = "net.weights.h5"\n', code)
    model: Any = resolve("net:build", str(folder))()
    perturb(model)
    model.save_weights(folder / "net.weights.h5")
    return folder


def perturb(model: Any) -> None:
    """Give every weight of a Keras model a value that no initializer gives."""
    random = np.random.default_rng(1)
    for one in model.weights:
        one.assign(random.uniform(0.2, 1.0, tuple(one.shape)))


def torch_suite(folder: Path, extra: str = "", more: str = "") -> Path:
    """A torch factory (``Net`` unless ``extra`` has its own ``build``) and its state dict."""
    torch_code(folder, extra, more)
    torch_save(folder, lambda module: module.state_dict(), "net.pth")
    return folder


def torch_code(folder: Path, extra: str = "", more: str = "") -> Path:
    """As ``torch_suite`` without any weights."""
    build = "" if "def build" in extra else "\n\ndef build():\n    return Net()\n"
    tables = 'kind = "torch"\nmodel = "net:build"\nweights = "net.pth"\nlayout = "NCHW"\n'
    return write_suite(folder, tables + dedent(more), TORCH + dedent(extra) + build)


def module_of(folder: Path) -> Any:
    """What the factory builds, with statistics as after some training."""
    import torch

    torch.manual_seed(3)
    module: Any = resolve("net:build", str(folder))()
    with torch.no_grad():
        module(torch.rand(1, 3, 8, 8))
    return module.eval()


def torch_save(folder: Path, what: Callable[[Any], Any], name: str) -> None:
    """Save something of the factory's module."""
    import torch

    torch.save(what(module_of(folder)), folder / name)


def tripped(folder: Path) -> ModelRecord:
    """The round trips of ``native``."""
    (model,) = roundtrip(folder, ("native",)).models
    assert model.failure is None, model.failure
    return model


def outcomes(model: ModelRecord) -> dict[str, str]:
    """What became of each format."""
    return {trip.format: trip.outcome for trip in model.trips}


def lost(model: ModelRecord) -> dict[str, list[str]]:
    """The losses of each format that has any, "" being the suite's own files."""
    found = {trip.format: [one.text for one in trip.losses] for trip in model.trips if trip.losses}
    return {**found, **({"": [one.text for one in model.losses]} if model.losses else {})}
