"""A suite of tiny runtimes into which bad input is put, and the command run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from PIL import Image

from parity.cli import main

IMAGES = ("images/0.png", "images/1.png", "images/2.png")

NETWORKS = dedent("""
    import os
    import signal

    import numpy as np

    BOXES = np.array([[[1, 1, 4, 4], [5, 5, 9, 8], [2, 6, 5, 9]]], dtype=np.float32)
    SCORES = np.array([[[0.9, 0.0], [0.0, 0.8], [0.7, 0.1]]], dtype=np.float32)


    def same(feeds):
        return {"boxes": BOXES, "scores": SCORES}


    def broken_on_the_second(feeds):
        if feeds["image"].max() > 0.15 and feeds["image"].max() < 0.25:
            raise RuntimeError("the accelerator fell off")
        return same(feeds)


    def killed_on_the_second(feeds):
        if feeds["image"].max() > 0.15:
            os.kill(os.getpid(), signal.SIGKILL)
        return same(feeds)


    def not_a_number(feeds):
        return {"boxes": BOXES * np.nan, "scores": SCORES}


    def constant(feeds):
        return {"boxes": BOXES, "scores": np.full_like(SCORES, 0.25)}


    def ambiguous(feeds):
        return {"a": BOXES[:, :, :2], "b": SCORES}


    def four(feeds):
        return {"boxes": BOXES, "scores": np.repeat(SCORES, 2, axis=2)}


    def text(feeds):
        return {"boxes": np.array([["a"]]), "scores": SCORES}


    def nothing(feeds):
        return {}
""")

SUITE = """
[detector]
name = "tiny"
reference = "native"
images = ["images/*.png"]
classes = ["bolt", "nut"]

[preprocess]
size = [10, 10]
range = [0, 1]

[decode]
family = "boxes-scores"
score_threshold = 0.5
[decode.boxes-scores]
box_format = "xyxy"
normalized = false
"""

RUNTIME = """
[runtimes.{name}]
kind = "fake"
model = "networks:{function}"
options = {{ inputs = {{ image = {shape} }} }}
"""


@dataclass(frozen=True)
class Outcome:
    """What the command left behind: exit code, both streams on one line each, the results."""

    code: int
    out: str
    err: str
    results: dict[str, Any]

    def verdict(self, runtime: str) -> str:
        """One runtime's verdict in the report."""
        return str(self._runtime(runtime)["verdict"])

    def failure(self, runtime: str) -> dict[str, Any]:
        """Why one runtime has no verdict, as the report says it."""
        return dict(self._runtime(runtime)["failure"])

    def images(self, runtime: str) -> list[str]:
        """The verdicts of one runtime's images."""
        return [image["verdict"] for image in self._runtime(runtime)["images"]]

    def _runtime(self, name: str) -> dict[str, Any]:
        return next(one for one in self.results["runtimes"] if one["name"] == name)


def runtime(name: str, function: str = "same", shape: str = "[1, 10, 10, 3]") -> str:
    """The table of a runtime that is a function of ``NETWORKS``."""
    return RUNTIME.format(name=name, function=function, shape=shape)


def bound(name: str, function: str = "same") -> str:
    """The same with its heads bound by name."""
    return runtime(name, function) + 'outputs = { boxes = "boxes", scores = "scores" }\n'


def write_suite(folder: Path, *tables: str, suite: str = SUITE) -> Path:
    """A suite with the reference ``native``, a ``good`` runtime, and more tables; three images."""
    (folder / "images").mkdir(parents=True)
    for i, image in enumerate(IMAGES):
        Image.fromarray(np.full((20, 20, 3), 10 + 40 * i, np.uint8)).save(folder / image)
    (folder / "networks.py").write_text(NETWORKS)
    text = suite + bound("native") + bound("good") + "".join(tables)
    (folder / "parity.toml").write_text(text)
    return folder


def check(folder: Path, capfd: pytest.CaptureFixture[str], *more: str) -> Outcome:
    """``parity check`` in this process, with a report."""
    report = folder / "report"
    code = main(["check", str(folder), "--report", str(report), *more])
    out, err = capfd.readouterr()
    path = report / "tiny" / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    return Outcome(code, " ".join(out.split()), " ".join(err.split()), results)


def check_in_a_process(folder: Path, prelude: str = "") -> int:
    """``parity check`` in a process of its own; returns its exit code, negative for a signal."""
    command = f"{prelude}\nfrom parity.cli import main\nraise SystemExit(main())"
    arguments = ["check", str(folder), "--report", str(folder / "report")]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.returncode
