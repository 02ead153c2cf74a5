"""One file under two names, or compared with itself, is said in the line of the verdict."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from parity import check
from parity.cli import main
from parity.record import RuntimeRecord
from tests.support.onnx_models import constant_heads
from tests.support.suites import boxes_scores, flat, runtime, small_suite, toml

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

BOXES = np.array([[[1, 1, 6, 6], [9, 9, 15, 14]]])
SCORES = np.array([[[0.9], [0.8]]])


def save(path: Path, gain: float = 1.0) -> None:
    """Two boxes, whatever the image shows; ``gain`` makes another file of the same detector."""
    heads = {"boxes": BOXES, "scores": SCORES.astype(np.float32) * np.float32(gain)}
    constant_heads(path, heads, (1, 3, 16, 16))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A suite with a reference, and files that are its own, another's and their own."""
    save(tmp_path / "float.onnx")
    save(tmp_path / "other.onnx", 1 - 1e-6)
    for source, copy in (("float", "int8"), ("other", "phone")):
        shutil.copy(tmp_path / f"{source}.onnx", tmp_path / f"{copy}.onnx")
    return tmp_path


def judged(home: Path, *tables: tuple[str, str, str]) -> list[RuntimeRecord]:
    """The candidates (name, model, further lines), judged."""
    runtimes = {
        name: toml(runtime("onnxruntime", model)) + more
        for name, model, more in (("float", "float.onnx", ""), *tables)
    }
    small_suite(
        home,
        runtimes,
        name="net",
        classes=["bolt"],
        images=flat(90, names="{}.png"),
        size=(16, 16),
        decode=boxes_scores(threshold=0.3),
    )
    record = check(home)
    assert record.verdict == "pass"
    return [one for one in record.runtimes if one.role == "candidate"]


def test_an_int8_that_is_the_float_file_is_called_so(home: Path) -> None:
    """It passes every tolerance, of course."""
    (found,) = judged(home, ("int8", "int8.onnx", 'tolerance = "int8"\n'))
    assert found.notes == (
        "int8.onnx is byte for byte float.onnx, the reference's own file: nothing was compared but "
        "the runtime with itself",
    )


def test_the_references_own_file_is_called_so(home: Path) -> None:
    """Under its own name; other options are all that differs then."""
    same, options = judged(
        home,
        ("same", "float.onnx", ""),
        ("slow", "float.onnx", 'options = { optimization = "disabled" }\n'),
    )
    assert same.notes == (
        "float.onnx is the reference's own file: nothing was compared but the runtime with itself",
    )
    assert options.notes == ("float.onnx is the reference's own file: all that differs is options",)


def test_another_candidates_bytes_under_another_name_are_called_so(home: Path) -> None:
    """Of the first candidate that has them."""
    first, second = judged(home, ("desk", "other.onnx", ""), ("phone", "phone.onnx", ""))
    assert first.notes == ()
    assert second.notes == (
        "phone.onnx is byte for byte other.onnx, the file of desk: one candidate was judged twice",
    )


def test_files_of_their_own_and_one_file_under_two_settings_need_no_words(home: Path) -> None:
    """The second is how two settings are compared with the reference."""
    found = judged(
        home,
        ("one", "other.onnx", ""),
        ("two", "other.onnx", "options = { threads = 2 }\n"),
    )
    assert [one.notes for one in found] == [(), ()]


def test_it_stands_in_the_line_of_the_verdict(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """On the terminal, in the summary, and as data in results.json."""
    judged(home, ("int8", "int8.onnx", ""), ("desk", "other.onnx", ""), ("phone", "phone.onnx", ""))
    report = home / "report"
    assert main(["check", str(home), "--report", str(report)]) == 0
    line = (
        "net: pass (3 pass) against float (native), 1 image; int8 is the reference's own file; "
        "phone is the file of desk"
    )
    assert capfd.readouterr().out.startswith(line + "\n")
    assert (report / "net" / "summary.md").read_text().startswith(f"# {line}\n")
    results = json.loads((report / "net" / "results.json").read_text())
    told = {one["name"]: one["same_file"] for one in results["runtimes"]}
    assert told["int8"]["of"] == "float"
    assert told["phone"]["of_path"] == "other.onnx"
    assert told["desk"] is None


def test_pytest_says_the_same(home: Path) -> None:
    """There each runtime is judged by tests of its own, and the reference by none."""
    import subprocess
    import sys

    judged(home, ("int8", "int8.onnx", ""), ("desk", "other.onnx", ""), ("phone", "phone.onnx", ""))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home)
    assert (
        "net: pass (3 pass) against float (native), 1 image; int8 is the reference's own file; "
        "phone is the file of desk\n"
    ) in done.stdout
