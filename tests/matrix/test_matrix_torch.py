"""Files of today's torch in torch 1.12, four years older, in an environment of its own.

torch 1.12.1 is the newest whose plain wheel brings its CUDA libraries inside (a download of 0.8 GB,
1.7 GB installed); those up to 2.12 depend on packages of CUDA, which are several GB more. Needs a
package index and Python 3.8.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from parity.harness.matrix import matrix
from parity.record.matrix import CellRecord

pytestmark = pytest.mark.versions

FILES = ("classes.txt", "network.py", "detector.pth", "detector.pt2", "detector.torchscript.pt")
OLD = 'requires = ["torch==1.12.1", "numpy<1.25"], python = "3.8"'
ROWS = f"""
[[matrix]]
name = "TorchScript"
runtime = "torchscript"
cells = [{{ name = "installed" }}, {{ name = "1.12", {OLD} }}]

[[matrix]]
name = "state dict"
runtime = "torch"
cells = [{{ name = "installed" }}, {{ name = "1.12", {OLD} }}]

[[matrix]]
name = "exported program"
runtime = "pt2"
cells = [{{ name = "installed" }}, {{ name = "1.12", {OLD} }}]
"""


@pytest.fixture(scope="module")
def cells(
    golden_suites: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], CellRecord]:
    """The cells by row and name, on two images of the bundled detector in PyTorch."""
    folder, source = tmp_path_factory.mktemp("torch"), golden_suites / "parts_free"
    (folder / "images").mkdir()
    for name in FILES:
        shutil.copy(source / name, folder)
    for pattern in ("*.jpg", "*.png"):
        shutil.copy(min((source / "images").glob(pattern)), folder / "images")
    text = (source / "parity.toml").read_text().replace('labels = "labels.json"', "#")
    (folder / "parity.toml").write_text(text[: text.index("[[matrix]]")] + ROWS)
    return {(row.name, cell.name): cell for row in matrix(folder).rows for cell in row.cells}


def test_a_torchscript_program_runs_in_both(cells: dict[tuple[str, str], CellRecord]) -> None:
    """Its operators were known four years ago, and agree."""
    old = cells["TorchScript", "1.12"]
    assert (old.verdict, old.identity["version"]) == ("pass", "1.12.1+cu102")
    assert old.meaning.startswith("nothing changed")
    assert old.identity["python"].startswith("3.8.")
    assert old.saved_by.startswith("torch.jit (file version ")


def test_a_pickle_is_not_loaded_where_it_could_run_code(
    cells: dict[tuple[str, str], CellRecord],
) -> None:
    """torch 1.12 cannot load weights only; that it would load them anyhow is no reason to."""
    old = cells["state dict", "1.12"]
    assert (old.verdict, old.loaded) == ("error", False)
    assert (
        "torch 1.12.1+cu102 cannot load pickles as weights only, as 1.13 and newer do; save the "
        "module as TorchScript, or say trust = true"
    ) in old.cause


def test_an_exported_program_is_newer_than_torch_1(
    cells: dict[tuple[str, str], CellRecord],
) -> None:
    """Not a missing attribute of the library, but what the format needs."""
    old = cells["exported program", "1.12"]
    assert (old.verdict, old.loaded) == ("error", False)
    assert "exported programs are loaded by torch 2.1 and newer" in old.cause
    assert cells["exported program", "installed"].verdict == "pass"
