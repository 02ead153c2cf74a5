"""Packages of somebody else that bring a family: wheels, as their authors would publish them.

The family ``centred`` has one head ``centred`` (1, N, 4 + classes): centre and half sizes in
pixels of the network's input times ``unit``, then scores.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np

from tests.support import pages
from tests.support.suites import runtime, small_suite, toml

FAMILY = pages.shown(pages.EXTENDING, "python", "class Centred(")
OPTIONS = "options = { inputs = { image = [1, 32, 32, 3] }, outputs = { centred = [1, 2, 6] } }"
NETWORKS = dedent(
    """
    import numpy as np

    ROWS = np.array([[[8, 8, 4, 4, 0.9, 0.0], [20, 22, 6, 5, 0.0, 0.8]]], "f4")


    def right(feeds):
        return {"centred": ROWS}


    def moved(feeds):
        return {"centred": ROWS + np.array([3, 0, 0, 0, 0, 0], "f4")}


    def negative(feeds):
        return {"centred": ROWS * np.array([1, 1, -1, 1, 1, 1], "f4")}
    """
)


def wheel(folder: Path, package: str, entries: dict[str, str], code: str) -> Path:
    """Write a wheel of one module that registers ``entries``, family to "module:attribute"."""
    return pages.wheel(folder, package, "1.0", code, "parity.families", entries)


def suite(folder: Path, family: str = "centred", table: str = "", second: str = "right") -> Path:
    """A suite of two fake networks and a white picture."""
    networks = {
        name: toml(runtime("fake", f"networks:{function}", layout="NHWC")) + OPTIONS
        for name, function in (("first", "right"), ("second", second))
    }
    return small_suite(
        folder,
        networks,
        name="centres",
        classes=["a", "b"],
        images={"white.png": np.full((32, 32, 3), 255, np.uint8)},
        size=(32, 32),
        preprocess='resize = "none"\nrange = [0, 1]',
        decode=f'family = "{family}"\nscore_threshold = 0.5\n{table}',
        files={"networks.py": NETWORKS},
    )
