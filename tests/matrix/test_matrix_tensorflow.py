"""Files of TensorFlow 2.7 in other TensorFlows, each in an environment of its own.

Needs a package index and Python 3.8, 3.9 and 3.10; an environment takes about 1 GB.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import environments
from parity.harness.matrix import matrix
from parity.record.matrix import CellRecord, MatrixRecord
from parity.report.matrix.pages import matrix_md, matrix_text
from tests.support.suites import runtime, small_suite

pytestmark = pytest.mark.versions

ROOT = Path(__file__).parents[2]
# Versions that later came out than TensorFlow do not work with it: numpy 2, protobuf 4.
VERSIONS = {
    "2.7": (("tensorflow-cpu==2.7.4", "protobuf<3.21", "numpy<1.24"), "3.9"),
    "2.4": (("tensorflow-cpu==2.4.4", "protobuf<3.21"), "3.8"),
    "2.8": (("tensorflow-cpu==2.8.4", "protobuf<3.21", "numpy<1.24"), "3.9"),
    "2.10": (("tensorflow-cpu==2.10.1", "numpy<1.24"), "3.10"),
}
WHOLE = """
import numpy as np


def whole(heads, size):
    \"\"\"A classifier as a detector of one box, the whole image.\"\"\"
    (scores,) = heads.values()
    height, width = size
    return np.array([[0, 0, width, height]]), scores
"""
SSD = {"priors": "priors.npy", "variances": [0.1, 0.2], "background": 0}
OLD = {
    "savedmodel": runtime("savedmodel", "net_savedmodel"),
    "hdf5": runtime("keras", "net.h5"),
}
DAMAGED = "block_6_expand"
DAMAGED_ROW = f"""
[runtimes.damaged]
kind = "keras"
model = "damaged.h5"

[[matrix]]
name = "damaged"
runtime = "damaged"
cells = [
    {{ name = "2.7", requires = {list(VERSIONS["2.7"][0])!r}, python = "3.9" }},
]
"""
IMAGES = ("003.jpg", "009.png")
Cells = dict[tuple[str, str], CellRecord]


def _rows() -> str:
    cells = "".join(
        f'    {{ name = "{name}", requires = {list(requires)!r}, python = "{python}" }},\n'
        for name, (requires, python) in VERSIONS.items()
    )
    return "".join(
        f'\n[[matrix]]\nname = "{runtime}"\nruntime = "{runtime}"\n'
        f'cells = [\n{cells}    {{ name = "installed" }},\n]\n'
        for runtime in ("hdf5", "savedmodel")
    )


def _save(folder: Path, *which: str) -> None:
    """Let TensorFlow 2.7 save a network as ``net`` in this folder."""
    asked = environments.Request.of(*VERSIONS["2.7"])
    python = environments.ensure(asked, print).python
    script = Path(__file__).with_name("old_tensorflow.py")
    command = [str(python), "-I", str(script), which[0], str(folder / "net"), *which[1:]]
    subprocess.run(command, check=True, capture_output=True)


def _damage(model: Path, target: Path) -> None:
    """One convolution has lost a third of its weights' size."""
    import h5py

    shutil.copy(model, target)
    with h5py.File(target, "r+") as file:
        file[f"model_weights/{DAMAGED}/{DAMAGED}/kernel:0"][...] *= 0.6


def _images(golden_suites: Path, folder: Path) -> None:
    (folder / "images").mkdir()
    for name in IMAGES:
        shutil.copy(golden_suites / "parts_ssd" / "images" / name, folder / "images")


@pytest.fixture(scope="module")
def mobilenet(golden_suites: Path, tmp_path_factory: pytest.TempPathFactory) -> MatrixRecord:
    """MobileNetV2 with random weights, judged against its SavedModel in today's TensorFlow."""
    folder = tmp_path_factory.mktemp("mobilenet")
    _images(golden_suites, folder)
    small_suite(
        folder,
        OLD,
        name="mobilenet",
        classes=["a", "b", "c", "d", "e"],
        images=["images/*"],
        size=(96, 96),
        preprocess={"mean": 127, "std": 128},
        decode={"function": "whole:whole", "score_threshold": 0.05, "nms": "none"},
        files={"whole.py": WHOLE},
        more=_rows(),
    )
    _save(folder, "mobilenet")
    return matrix(folder)


@pytest.fixture(scope="module")
def ssd(golden_suites: Path, tmp_path_factory: pytest.TempPathFactory) -> MatrixRecord:
    """The bundled SSD, judged against the bundled file in today's Keras."""
    import keras

    folder, source = tmp_path_factory.mktemp("ssd"), golden_suites / "parts_ssd"
    _images(golden_suites, folder)
    for name in ("classes.txt", "priors.npy", "detector.keras"):
        shutil.copy(source / name, folder)
    model = keras.saving.load_model(folder / "detector.keras", compile=False)
    np.savez(
        folder / "weights.npz",
        **{
            f"{layer.name}/{i}": value
            for layer in model.layers
            for i, value in enumerate(layer.get_weights())
        },
    )
    small_suite(
        folder,
        {"keras": runtime("keras", "detector.keras"), **OLD},
        name="parts-ssd",
        classes="classes.txt",
        images=["images/*"],
        size=(240, 320),
        preprocess={"mean": 127, "std": 128},
        decode={"family": "ssd", "score_threshold": 0.5, "ssd": SSD},
        more=_rows() + DAMAGED_ROW,
    )
    _save(folder, "ssd", str(folder / "weights.npz"), str(source))
    _damage(folder / "net.h5", folder / "damaged.h5")
    return matrix(folder)


@pytest.fixture
def cells() -> Callable[[MatrixRecord], Cells]:
    """The cells of a record by row and name."""
    return lambda record: {(row.name, cell.name): cell for row in record.rows for cell in row.cells}


def test_hdf5_of_a_newer_keras_does_not_load(mobilenet: MatrixRecord, cells: Any) -> None:
    """What saved it, what tried to load it and what to do; and it is the version, not the model."""
    old = cells(mobilenet)["hdf5", "2.4"]
    assert (old.verdict, old.loaded, old.saved_by) == ("error", False, "Keras 2.7.0")
    before, _, after = old.cause.partition(" at ")
    assert before == (
        "expected a Keras model (.keras or .h5) that Keras 2.4.0 (TensorFlow 2.4.4, Python "
        "3.8.18) can load"
    )
    assert after.partition("net.h5, ")[2] == (
        "found one that Keras 2.7.0 saved: TypeError: ('Keyword argument not understood:', "
        "'keepdims'). What helps: load it with Keras 2.7 (requires and python of a runtime give it "
        "an environment of its own); or save it with Keras 2.4; or save it as a SavedModel, which "
        "holds operations and no settings of layers."
    )
    assert old.meaning == (
        "does not load, where the first cell, with the same model, runs: the version (requires "
        "tensorflow-cpu==2.4.4, protobuf<3.21, python 3.8) is the difference"
    )


def test_hdf5_of_keras_2_does_not_load_in_keras_3(mobilenet: MatrixRecord, cells: Any) -> None:
    """Nor does today's Keras know every keyword of those days."""
    new = cells(mobilenet)["hdf5", "installed"]
    assert (new.verdict, new.loaded) == ("error", False)
    assert "found one that Keras 2.7.0 saved: " in new.cause
    assert "DepthwiseConv2D takes no groups here. What helps: load it with Keras 2.7 " in new.cause


@pytest.mark.parametrize("version", ["2.7", "2.8", "2.10"])
def test_hdf5_loads_in_the_version_that_saved_it_and_later(
    mobilenet: MatrixRecord, cells: Any, version: str
) -> None:
    """And agrees with the same network in a SavedModel, run by today's TensorFlow."""
    cell = cells(mobilenet)["hdf5", version]
    assert (cell.verdict, cell.identity["library"]) == ("pass", "keras")
    assert cell.identity["version"] == f"{version}.0"


@pytest.mark.parametrize("version", [*VERSIONS, "installed"])
@pytest.mark.parametrize("network", ["mobilenet", "ssd"])
def test_a_savedmodel_loads_everywhere(
    request: pytest.FixtureRequest, cells: Any, network: str, version: str
) -> None:
    """It holds operations, which every TensorFlow from 2.4 to 2.21 knows; all of them agree."""
    cell = cells(request.getfixturevalue(network))["savedmodel", version]
    assert (cell.verdict, cell.saved_by) == ("pass", "TensorFlow 2.7.4")
    if version != "installed":
        assert cell.identity["version"].startswith(f"{version}.")
    if version != "2.7":
        assert cell.meaning.startswith("nothing changed")


def test_the_ssd_without_the_new_keyword_loads_in_the_old_keras(
    ssd: MatrixRecord, cells: Any
) -> None:
    """Not every file of a newer version is lost: it depends on what the layers are."""
    found = cells(ssd)
    for version in ("2.7", "2.4", "2.8", "2.10"):
        cell = found["hdf5", version]
        assert (cell.verdict, cell.saved_by) == ("pass", "Keras 2.7.0"), version


def test_keras_2_shows_its_layers(ssd: MatrixRecord, cells: Any) -> None:
    """In its own environment; the layer whose weights were damaged is named."""
    cell = cells(ssd)["damaged", "2.7"]
    assert cell.verdict == "fail"
    assert cell.divergent is not None
    assert (cell.divergent.layer, cell.divergent.op) == (DAMAGED, "Conv2D")
    assert cell.divergent.local_rel_l2 == pytest.approx(0.29, abs=0.03)  # behind its ReLU6


def test_the_page_names_both_versions(mobilenet: MatrixRecord) -> None:
    """In the terminal once a row, in Markdown in a column."""
    assert "compared with 2.7; saved by Keras 2.7.0\n" in matrix_text(mobilenet, 200)
    assert " | pass | Keras 2.7.0 | keras 2.8.0 | " in matrix_md(mobilenet)


def test_the_readme_shows_what_is_printed(mobilenet: MatrixRecord, cells: Any) -> None:
    """All of what is told of the cell that does not load, but for where the file lies."""
    old = cells(mobilenet)["hdf5", "2.4"]
    told = f"2.4: {old.meaning} why: {old.cause}".split(" at ")
    folder, _, rest = told[-1].partition("net.h5")
    assert folder.startswith("/")
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert " at ".join([*told[:-1], f"mobilenet/net.h5{rest}"]) in readme
