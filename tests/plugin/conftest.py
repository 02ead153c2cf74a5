"""A tiny suite of fake runtimes, written where pytester runs pytest."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import parity

# pytester unloads what a run in this process imported. Compiled packages bear that only once, and a
# second copy of our own classes would be strangers to the tests that come after.
for _name in ("numpy", "cv2", "pydantic", "scipy.optimize", "scipy.sparse.csgraph"):
    importlib.import_module(_name)
for _module in pkgutil.walk_packages(parity.__path__, "parity."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

NETWORK = '''
import os

import numpy as np

BOXES = np.array([[[2, 2, 12, 12], [20, 4, 30, 20]]], dtype=np.float32)
BOXES += float(os.environ.get("ANOTHER_LIBRARY", 0))


def reference(feeds):
    return {"boxes": BOXES, "scores": np.array([[[0.9, 0.0], [0.0, 0.8]]], dtype=np.float32)}


def healthy(feeds):
    return reference(feeds)


def moved(feeds):
    return reference(feeds) | {"boxes": BOXES + 3}


def broken(feeds):
    raise RuntimeError("the accelerator fell off")


def bright(feeds):
    """Loses its boxes on bright images only."""
    heads = reference(feeds)
    return heads if feeds["image"].mean() < 100 else heads | {"scores": heads["scores"] * 0}
'''

SUITE = """
[detector]
name = "{name}"
reference = "native"
images = ["images/*.png"]
classes = ["bolt", "nut"]

[preprocess]
size = [32, 32]

[decode]
family = "boxes-scores"
score_threshold = 0.5
nms_iou = 0.45
[decode.boxes-scores]
box_format = "xyxy"
normalized = false
"""

RUNTIME = """
[runtimes.{name}]
kind = "{kind}"
model = "{model}"
outputs = {{ boxes = "boxes", scores = "scores" }}
options = {{ inputs = {{ image = [1, 32, 32, 3] }} }}
"""

MISSING = """
[runtimes.{name}]
kind = "tflite"
interpreter = "tflite-runtime"
model = "detector.tflite"
"""

WriteSuite = Callable[..., Path]


@pytest.fixture
def write_suite(pytester: pytest.Pytester) -> WriteSuite:
    """``write_suite(onnx="moved")``: a suite with two images; a runtime is a function by name.

    "missing" stands for a runtime that is not installed.
    """

    def write(folder: str = ".", name: str = "parts", **runtimes: str) -> Path:
        home = pytester.path / folder
        (home / "images").mkdir(parents=True)
        for number, grey in enumerate((40, 200)):
            Image.new("RGB", (64, 48), (grey,) * 3).save(home / "images" / f"{number}.png")
        (home / "network.py").write_text(NETWORK)
        text = SUITE.format(name=name)
        for runtime, function in {"native": "reference", **runtimes}.items():
            if function == "missing":
                text += MISSING.format(name=runtime)
            else:
                text += RUNTIME.format(name=runtime, kind="fake", model=f"network:{function}")
        (home / "parity.toml").write_text(text)
        return home

    return write
