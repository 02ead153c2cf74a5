"""A package of somebody else that brings a runtime: a wheel, as its author would publish it.

Its models are JSON files of one matrix for boxes and one for scores; the network is two products.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from textwrap import dedent

import numpy as np

from tests.support.suites import runtime, small_suite, toml

ADAPTER = dedent(
    '''
    """Runs .toy files."""

    import json
    import os

    import numpy as np

    from parity.runtimes.contract import (
        Adapter, AdapterError, Descriptor, Graph, Op, TensorSpec,
    )


    class Toy(Adapter):
        kind = "toy"

        def __init__(self, artifact):
            if not os.path.isfile(artifact.model):
                raise AdapterError("missing-file", path=artifact.model, expected="a .toy file")
            with open(artifact.model) as file:
                self._made = {name: np.array(rows, "f4") for name, rows in json.load(file).items()}

        def inputs(self):
            return (TensorSpec("image", (1, 8, 8, 3), "float32"),)

        def outputs(self):
            return (
                TensorSpec("boxes", (1, 2, 4), "float32"),
                TensorSpec("scores", (1, 2, 2), "float32"),
            )

        def run(self, feeds):
            return dict(self.trace(feeds))

        def trace(self, feeds):
            mean = feeds["image"].mean(axis=(1, 2), keepdims=False)[:, None, :1]
            for name in ("boxes", "scores"):
                yield name, (self._made[name] * mean).astype("f4")

        def replay(self, feeds):
            return {
                index: {name: (self._made[name] * given["image"].mean(axis=(1, 2))[:, None, :1])}
                for index, given in feeds.items()
                for name in (("boxes", "scores")[index],)
            }

        def graph(self, example=None):
            ops = tuple(
                Op(index, name, "Scale", ("image", name + "_rows"), (name,))
                for index, name in enumerate(("boxes", "scores"))
            )
            constants = {name + "_rows": rows for name, rows in self._made.items()}
            return Graph("toy", ops, ("image",), ("boxes", "scores"), constants)

        def identity(self):
            return {"library": "toy", "version": "1.2", "process": os.getpid()}

        def close(self):
            pass


    DESCRIPTOR = Descriptor(
        kind="toy",
        adapter="toy_runtime:Toy",
        suffixes=(".toy",),
        files="toys",
        inert=True,
        inside="graph",
        probe="import toy_runtime; found = {'toys': 2}",
    )
    '''
)
BOXES, SCORES = [[1, 1, 5, 5], [2, 3, 8, 8]], [[0.9, 0.0], [0.0, 0.8]]


def wheel(folder: Path) -> Path:
    """Write the wheel, entry point included."""
    path = folder / "toy_runtime-1.2-py3-none-any.whl"
    info = "toy_runtime-1.2.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("toy_runtime.py", ADAPTER)
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-runtime\nVersion: 1.2\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(
            f"{info}/entry_points.txt", "[parity.runtimes]\ntoy = toy_runtime:DESCRIPTOR\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return path


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
