"""The package of docs/extending.md that brings a runtime: a wheel, as its author would publish it.

Its models are JSON files of one matrix for boxes and one for scores; the network is two products.
"""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path

import numpy as np

from tests.support import pages
from tests.support.suites import runtime, small_suite, toml

BOXES, SCORES = [[1, 1, 5, 5], [2, 3, 8, 8]], [[0.9, 0.0], [0.0, 0.8]]


CODE = pages.shown(pages.EXTENDING, "python", "class Toy(")


def wheel(folder: Path) -> Path:
    """Write the wheel of the package that the page shows, entry point included."""
    group = "parity.runtimes"
    about = tomllib.loads(pages.shown(pages.EXTENDING, "toml", f'entry-points."{group}"'))[
        "project"
    ]
    entries = about["entry-points"][group]
    return pages.wheel(folder, about["name"], about["version"], CODE, group, entries)


def install(folder: Path, package: str, code: str, entries: dict[str, str]) -> None:
    """Unpack one more package that registers kinds, into the ``site`` of a folder."""
    wheel = pages.wheel(folder, package, "1.0", code, "parity.runtimes", entries)
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")


def suite(folder: Path, **runtimes: str) -> Path:
    """A suite of two files, one picture and a runtime for each table given."""
    model = json.dumps({"boxes": BOXES, "scores": SCORES})
    tables = {name: toml(runtime("toy", "second.toy")) + more for name, more in runtimes.items()}
    return small_suite(
        folder,
        {"first": runtime("toy", "first.toy"), **tables},
        name="toys",
        classes=["a", "b"],
        images={"white.png": np.full((8, 8, 3), 255, np.uint8)},
        preprocess='resize = "none"\nrange = [0, 1]',
        files={"first.toy": model, "second.toy": model},
    )


def spoil(folder: Path) -> None:
    """The candidate's second object becomes less sure."""
    spoilt = [SCORES[0], [0.0, 0.6]]
    (folder / "second.toy").write_text(json.dumps({"boxes": BOXES, "scores": spoilt}))
