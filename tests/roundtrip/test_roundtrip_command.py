"""``parity check --roundtrip`` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from roundtrip_suites import torch_suite, write_suite

from parity.cli import main

pytest.importorskip("torch")

PLAIN = """
    class Table(Net):
        def __init__(self):
            super().__init__()
            self.table = torch.rand(6, 1, 1)

        def middle(self, x):
            return x * self.table


    def build():
        return Table()
"""
LOST = (
    "untracked tensor 'table' of the module (Table): float32 6x1x1 in a plain attribute is not "
    "saved, and came back with other values; make it a parameter, or a buffer with "
    "register_buffer()"
)
ONNX = '\n[runtimes.onnx]\nkind = "onnxruntime"\nmodel = "net.onnx"\n'


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A suite whose state dict loses a tensor."""
    return torch_suite(tmp_path / "suite", PLAIN, ONNX)


def test_nothing_lost_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table has one line a format."""
    assert main(["check", str(torch_suite(tmp_path / "suite")), "--roundtrip"]) == 0
    printed = capsys.readouterr().out
    assert "1 native model, nothing lost" in printed
    assert "native   state dict            kept" in printed


def test_a_loss_ends_with_1_and_is_told(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the native runtimes are tried; the ONNX file need not even be there."""
    assert main(["check", str(broken), "--roundtrip"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "tiny: fail, 4 round trips of 1 native model, 1 of 4 lost something" in printed
    assert f"lost: native, state dict: {LOST}" in printed


def test_json_is_the_record(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The format version comes first, the verdict and the exit code beside it."""
    assert main(["check", str(broken), "--roundtrip", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert list(data)[:3] == ["format", "verdict", "exit_code"]
    (trip,) = (one for one in data["models"][0]["trips"] if one["outcome"] == "lost")
    assert trip["losses"] == [{"cause": "untracked", "text": LOST}]


def test_the_report_has_a_table_and_a_page(broken: Path, tmp_path: Path) -> None:
    """Both files stand beside those of the other reports."""
    assert main(["check", str(broken), "--roundtrip", "--report", str(tmp_path / "out")]) == 1
    folder = tmp_path / "out" / "tiny"
    assert sorted(one.name for one in folder.iterdir()) == ["roundtrip.csv", "roundtrip.md"]
    rows = list(csv.DictReader((folder / "roundtrip.csv").open()))
    (row,) = (one for one in rows if one["result"] == "lost")
    assert (row["format"], row["causes"], row["losses"]) == ("state dict", "untracked", LOST)
    page = (folder / "roundtrip.md").read_text()
    assert "| native | state dict | lost |" in page


def test_what_a_model_says_is_only_text_in_the_page(tmp_path: Path) -> None:
    """Names of a network come from the user's code and may be anything."""
    code = PLAIN.replace("self.table = ", 'self.bag = {"<b>|=x": ').replace(
        "rand(6, 1, 1)", "rand(6, 1, 1)}"
    )
    code = code.replace("x * self.table", 'x * self.bag["<b>|=x"]')
    suite = torch_suite(tmp_path / "suite", code)
    assert main(["check", str(suite), "--roundtrip", "--report", str(tmp_path / "out")]) == 1
    page = (tmp_path / "out" / "tiny" / "roundtrip.md").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;|=x" in page


def test_an_export_is_no_native_model(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asking for one by name is a command that is wrong."""
    assert main(["check", str(broken), "--roundtrip", "--runtimes", "onnx"]) == 2
    assert capsys.readouterr().err == (
        f"error: {broken / 'parity.toml'}: --roundtrip: expected runtimes whose native model can "
        f"be saved, found: onnx of kind 'onnxruntime', which is no native model but an export\n"
    )


def test_a_runtime_in_an_environment_of_its_own_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its model is open in another process, and nothing is built to find that out."""
    tables = 'kind = "torch"\nmodel = "net:build"\nweights = "net.pth"\nrequires = ["torch==2.6"]\n'
    suite = write_suite(tmp_path / "suite", tables)
    assert main(["check", str(suite), "--roundtrip"]) == 2
    assert capsys.readouterr().err == (
        f"error: {suite / 'parity.toml'}: --roundtrip: expected a native model to save, found: "
        f"native runs in an environment of its own (requires or python), and a model is saved "
        f"where it is open: install its framework here and take these keys away\n"
    )


def test_a_golden_cannot_be_saved(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorded result is no model."""
    assert main(["check", str(broken), "--roundtrip", "--reference", "golden"]) == 2
    assert "--roundtrip: expected --reference auto, found 'golden'" in capsys.readouterr().err


def test_a_model_that_cannot_be_opened_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a model there is nothing that could be lost."""
    suite = torch_suite(tmp_path / "suite")
    (suite / "net.pth").unlink()
    assert main(["check", str(suite), "--roundtrip"]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "error: native: expected a model file at" in printed


def test_nothing_is_left_behind(
    broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are written into a private folder, and that is removed."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted(broken.rglob("*"))
    main(["check", str(broken), "--roundtrip"])
    left = [path.name for path in scratch.iterdir()]
    assert [name for name in left if not name.startswith("torchinductor_")] == []  # torch's own
    assert sorted(broken.rglob("*")) == before


def test_a_model_whose_outputs_are_random_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outputs that differ from run to run are compared with nothing."""
    code = PLAIN.replace("x * self.table", "x * torch.rand(6, 1, 1)")
    assert main(["check", str(torch_suite(tmp_path / "suite", code)), "--roundtrip"]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "expected the same outputs for the same image, found some that differ by" in printed
