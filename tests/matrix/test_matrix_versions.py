"""Library versions side by side, each in an environment of its own. Needs a package index."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity.harness.matrix import matrix
from parity.record.matrix import CellRecord

pytestmark = pytest.mark.versions

ROWS = """
[[matrix]]
name = "two years of onnxruntime"
runtime = "onnx"
cells = [
    { name = "installed" },
    { name = "1.18", requires = ["onnxruntime==1.18.1", "numpy<2"], python = "3.11" },
    { name = "1.18, damaged", model = "damaged.onnx", requires = [
        "onnxruntime==1.18.1",
        "numpy<2",
    ], python = "3.11" },
    { name = "never released", requires = ["onnxruntime==0.0.1"] },
]
"""


@pytest.fixture(scope="module")
def versions(small_suite: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CellRecord]:
    """The cells of the row by name; environments are kept where PARITY_CACHE says, else anew."""
    suite = small_suite / "versions.toml"
    text = (small_suite / "parity.toml").read_text()
    suite.write_text(text[: text.index("[[matrix]]")] + ROWS)
    return {cell.name: cell for cell in matrix(suite).cells}


def test_onnxruntime_two_years_apart(versions: dict[str, CellRecord]) -> None:
    """Both versions run, and the record says which ones they were."""
    before, after = (versions[name].identity["version"] for name in ("installed", "1.18"))
    assert (after, versions["1.18"].verdict) == ("1.18.1", "pass")
    assert f"onnxruntime {before} → 1.18.1" in versions["1.18"].changes
    assert versions["1.18"].meaning.startswith("nothing changed")
    assert versions["1.18"].first is not None
    assert (versions["1.18"].first.max_score_diff or 0) < 1e-5


def test_the_layers_of_an_old_version_are_looked_into(versions: dict[str, CellRecord]) -> None:
    """In its own environment, where nothing of parity is installed."""
    cell = versions["1.18, damaged"]
    assert cell.verdict == "fail"
    assert cell.divergent is not None
    assert cell.divergent.local_rel_l2 == pytest.approx(0.4, abs=0.05)


def test_a_version_and_a_model_in_one_cell_are_not_told_apart(
    versions: dict[str, CellRecord],
) -> None:
    """Either may have changed it; it is the reader who knows how to ask one at a time."""
    meaning = versions["1.18, damaged"].meaning
    assert meaning.startswith("the replaced model (SHA-256 ")
    assert ") or the version (onnxruntime " in meaning


def test_a_version_that_cannot_be_had_is_told_with_its_reason(
    versions: dict[str, CellRecord],
) -> None:
    """It was not tried: nothing is said of what it would have done."""
    cell = versions["never released"]
    assert (cell.verdict, cell.meaning) == ("error", "could not be tried here")
    assert "onnxruntime==0.0.1" in cell.cause
