"""A suite of tiny runtimes into which bad input is put, and the command run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from parity.cli import main
from tests.support.suites import fake, flat, small_suite, table

PICTURES = flat(10, 50, 90, size=(20, 20))
IMAGES = tuple(PICTURES)
BOUND = {"boxes": "boxes", "scores": "scores"}

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

SIZE = (10, 10)


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


def runtime(name: str, function: str = "same", shape: Sequence[int] = (1, *SIZE, 3)) -> str:
    """The table of a runtime that is a function of ``NETWORKS``."""
    return table(name, fake(f"networks:{function}", shape))


def bound(name: str, function: str = "same", shape: Sequence[int] = (1, *SIZE, 3)) -> str:
    """The same with its heads bound by name."""
    return table(name, fake(f"networks:{function}", shape, outputs=BOUND))


def write_suite(
    folder: Path, *tables: str, shape: Sequence[int] = (1, *SIZE, 3), **suite: Any
) -> Path:
    """A suite with the reference ``native``, a ``good`` runtime, and more tables; three images."""
    networks = fake("networks:same", shape, outputs=BOUND)
    return small_suite(
        folder,
        {"native": networks, "good": networks},
        **{"size": SIZE, "preprocess": "range = [0, 1]", "images": PICTURES, **suite},
        files={"networks.py": NETWORKS},
        more="".join(tables),
    )


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
