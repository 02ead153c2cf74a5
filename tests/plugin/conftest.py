"""A tiny suite of fake runtimes, written where pytester runs pytest."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

import pytest

import parity
from tests.support.suites import Table, boxes_scores, fake, flat, small_suite

# pytester unloads what a run in this process imported. Compiled packages bear that only once, and a
# second copy of our own classes would be strangers to the tests that come after.
for _name in ("numpy", "pandas", "cv2", "pydantic", "scipy.optimize", "scipy.sparse.csgraph"):
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

SIZE = (32, 32)
MISSING = """
kind = "tflite"
interpreter = "tflite-runtime"
model = "detector.tflite"
"""

WriteSuite = Callable[..., Path]


def healthy(function: str) -> Table:
    """A runtime that is a function of ``NETWORK``."""
    outputs = {"boxes": "boxes", "scores": "scores"}
    return fake(f"network:{function}", (1, *SIZE, 3), outputs=outputs)


@pytest.fixture
def write_suite(pytester: pytest.Pytester) -> WriteSuite:
    """``write_suite(onnx="moved")``: a suite with two images; a runtime is a function by name.

    "missing" stands for a runtime that is not installed.
    """

    def write(folder: str = ".", name: str = "parts", **runtimes: str) -> Path:
        tables: dict[str, Table] = {
            runtime: MISSING if function == "missing" else healthy(function)
            for runtime, function in {"native": "reference", **runtimes}.items()
        }
        return small_suite(
            pytester.path / folder,
            tables,
            name=name,
            images=flat(40, 200, size=(48, 64)),
            size=SIZE,
            decode=boxes_scores(nms_iou=0.45),
            files={"network.py": NETWORK},
        )

    return write
