"""A tiny suite whose runtimes are Python functions, and the command run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
from PIL import Image

NETWORKS = dedent("""
    import ctypes
    import sys

    import numpy as np

    BOXES = np.array([[[0.1, 0.1, 0.4, 0.4], [0.5, 0.5, 0.9, 0.8]]], dtype=np.float32)
    SCORES = np.array([[[0.9, 0.0], [0.0, 0.8]]], dtype=np.float32)


    def same(feeds):
        return {"boxes": BOXES, "scores": SCORES}


    def lower(feeds):
        return {"boxes": BOXES, "scores": SCORES - np.float32(0.01) * (SCORES > 0)}


    def noisy(feeds):
        print("printed by Python")
        ctypes.CDLL(None).puts(b"printed by native code")
        return same(feeds)


    def broken(feeds):
        raise ValueError("no such kernel")


    def leaves(feeds):
        sys.exit(0)


    def interrupted(feeds):
        raise KeyboardInterrupt
""")

SUITE = """
[detector]
name = "{name}"
reference = "native"
images = ["images/*.png"]
classes = ["bolt", "nut"]

[preprocess]
size = [8, 8]

[decode]
family = "boxes-scores"
score_threshold = 0.5
[decode.boxes-scores]
box_format = "xyxy"
normalized = true
"""

RUNTIME = """
[runtimes.{name}]
kind = "{kind}"
model = "networks:{function}"
options = {{ inputs = {{ image = [1, 8, 8, 3] }} }}
"""


def write_suite(
    folder: Path,
    functions: dict[str, str],
    *,
    name: str = "tiny",
    images: int = 2,
    more: str = "",
    kind: str = "fake",
) -> Path:
    """A suite of runtimes by name, each a function of ``NETWORKS``; "native" is always there."""
    (folder / "images").mkdir(parents=True)
    for i in range(images):
        pixels = np.full((16, 16, 3), 40 * i, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{i:03}.png")
    (folder / "networks.py").write_text(NETWORKS)
    parts = [SUITE.format(name=name), RUNTIME.format(name="native", kind="fake", function="same")]
    for runtime, function in functions.items():
        parts.append(RUNTIME.format(name=runtime, kind=kind, function=function))
    (folder / "parity.toml").write_text("".join(parts) + more)
    return folder


def parity(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "parity", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
