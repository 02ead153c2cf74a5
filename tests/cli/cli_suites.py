"""A tiny suite whose runtimes are Python functions, and the command run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.support.suites import boxes_scores, fake, flat, small_suite

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


def write_suite(
    folder: Path,
    functions: dict[str, str],
    *,
    name: str = "tiny",
    images: int = 2,
    more: str = "",
    kind: str = "fake",
    detector: str = "",
) -> Path:
    """A suite of runtimes by name, each a function of ``NETWORKS``; "native" is always there."""
    runtimes = {"native": fake("networks:same")}
    for runtime, function in functions.items():
        runtimes[runtime] = {**fake(f"networks:{function}"), "kind": kind}
    return small_suite(
        folder,
        runtimes,
        name=name,
        images=flat(*range(0, 40 * images, 40), names="images/00{}.png"),
        detector=detector,
        decode=boxes_scores(normalized=True),
        files={"networks.py": NETWORKS},
        more=more,
    )


def parity(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "parity", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
