"""Where the results are printed may be closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.cli_suites import write_suite

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")

FULL = (
    "error: standard output: expected a place that takes the results, found no space left on "
    "device; make room, or send them elsewhere\n"
)


def shell(arguments: str, redirection: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command with its streams as a shell redirects them."""
    command = f"{shlex.quote(sys.executable)} -m parity {arguments} {redirection}"
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )


def verdicts(folder: Path) -> dict[str, str]:
    """What the reports say, by suite."""
    return {
        file.parent.name: json.loads(file.read_text())["verdict"]
        for file in (folder / "out").glob("*/results.json")
    }


@pytest.mark.parametrize(
    ("redirection", "function", "code"),
    [(">&-", "same", 0), ("2>&-", "lower", 1), ("<&- >&- 2>&-", "lower", 1)],
)
def test_streams_that_are_closed_change_no_verdict(
    tmp_path: Path, redirection: str, function: str, code: int
) -> None:
    """Whoever wants no output gets none, and the exit code and the report all the same."""
    write_suite(tmp_path / "suite", {"onnx": function})
    found = shell("check suite --report out", redirection, tmp_path)
    assert found.returncode == code
    assert verdicts(tmp_path) == {"tiny": "fail" if code else "pass"}
    assert "Traceback" not in found.stdout + found.stderr


def test_what_native_code_prints_goes_into_no_file(tmp_path: Path) -> None:
    """The number of a closed standard output is taken, so that the report cannot have it."""
    write_suite(tmp_path / "suite", {"onnx": "noisy"})
    assert shell("check suite --report out", ">&- 2>&-", tmp_path).returncode == 0
    assert all(b"printed by" not in file.read_bytes() for file in (tmp_path / "out").rglob("*.*"))


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_a_wrong_command_is_wrong_where_nobody_can_be_told(
    tmp_path: Path, redirection: str
) -> None:
    """Its code is 2, not the 1 of a traceback that is written nowhere, which means broken."""
    assert shell("check nowhere", redirection, tmp_path).returncode == 2


@pytest.mark.parametrize("more", ["", "--json"])
def test_a_full_output_is_an_error_and_loses_no_suite(tmp_path: Path, more: str) -> None:
    """Whoever reads the file would miss a verdict; every suite is judged, every report written."""
    write_suite(tmp_path / "first", {"onnx": "same"}, name="first")
    write_suite(tmp_path / "second", {"onnx": "same"}, name="second")
    found = shell(f"check first second --report out {more}", ">/dev/full", tmp_path)
    assert (found.returncode, found.stderr) == (2, FULL)
    assert verdicts(tmp_path) == {"first": "pass", "second": "pass"}


@pytest.mark.parametrize("command", ["env list", "record suite"])
def test_every_command_says_that_its_output_is_full(tmp_path: Path, command: str) -> None:
    """The words are about the output, not about files that the command would have written."""
    write_suite(tmp_path / "suite", {"onnx": "same"})
    found = shell(command, ">/dev/full", tmp_path)
    assert (found.returncode, found.stderr) == (2, FULL)


def test_a_pipe_that_nobody_reads_any_more_changes_no_verdict(tmp_path: Path) -> None:
    """``parity check | head -1`` ends with the verdict's code."""
    write_suite(tmp_path / "suite", {"onnx": "same"})
    read, write = os.pipe()
    os.close(read)
    found = subprocess.run(
        [sys.executable, "-m", "parity", "check", "suite"],
        cwd=tmp_path,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (found.returncode, found.stderr) == (0, b"")
