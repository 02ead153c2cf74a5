"""pytest and ``parity check`` say the same of the same suite, and agree on whether it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from parity.cli import main
from tests.plugin.conftest import WriteSuite
from tests.plugin.test_reports import comparable

SUITES: dict[str, dict[str, str]] = {
    "holds": {"onnx": "healthy", "tflite": "healthy"},
    "broken parity": {"onnx": "healthy", "tflite": "moved"},
    "one image": {"onnx": "bright"},
    "raises": {"onnx": "healthy", "tflite": "broken"},
    "does not open": {"onnx": "healthy", "tflite": "absent"},
    "nothing opens": {"onnx": "absent"},
    "reference alone": {},
    "skipped": {"onnx": "healthy", "phone": "missing"},
    "all skipped": {"phone": "missing"},
    "skipped and broken": {"onnx": "moved", "phone": "missing"},
}


def results(home: Path, folder: str) -> Any:
    """What a run reported, without what differs between any two runs.

    ``check`` also lists a reference that has nothing to be judged against.
    """
    data = comparable(json.loads((home / folder / "parts" / "results.json").read_text()))
    del data["reference_milliseconds"]
    data["runtimes"] = [one for one in data["runtimes"] if one["verdict"] is not None]
    return data


def said(lines: list[str]) -> list[str]:
    """The lines that tell the verdict and what is missing: they start with the detector's name."""
    return list(dict.fromkeys(line for line in lines if line.startswith("parts: ")))


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", SUITES)
def test_the_same_suite(
    pytester: pytest.Pytester,
    write_suite: WriteSuite,
    capfd: pytest.CaptureFixture[str],
    name: str,
    recorded: bool,
) -> None:
    """One record, one headline, one last line; what fails in the one fails in the other."""
    home = write_suite(**SUITES[name])
    if recorded:
        main(["record", str(home)])
    result = pytester.runpytest("--parity-report", "pytest")
    capfd.readouterr()
    report = ("--report", str(home / "check"))
    code = main(["check", str(home), "--allow-missing", *report])
    checked = said(capfd.readouterr().out.splitlines())
    assert (result.ret == 0) == (code == 0)
    ours, theirs = results(home, "check"), results(home, "pytest")
    assert ours == theirs
    assert ours["exit_code"] == code
    tested = [line for line in said(result.outlines) if "expected a candidate" not in line]
    assert tested == checked


@pytest.mark.parametrize("selection", ["onnx", "native", "onnx,native"])
def test_the_same_selection(
    pytester: pytest.Pytester,
    write_suite: WriteSuite,
    capfd: pytest.CaptureFixture[str],
    selection: str,
) -> None:
    """--runtimes and --parity-runtimes."""
    home = write_suite(onnx="healthy", tflite="moved")
    main(["record", str(home)])
    result = pytester.runpytest("--parity-report", "pytest", "--parity-runtimes", selection)
    capfd.readouterr()
    report = ("--report", str(home / "check"))
    code = main(["check", str(home), "--runtimes", selection, *report])
    checked = said(capfd.readouterr().out.splitlines())
    assert (result.ret == 0) == (code == 0)
    assert results(home, "check") == results(home, "pytest")
    tested = [line for line in said(result.outlines) if "expected a candidate" not in line]
    assert tested == checked


def test_what_is_not_installed_is_required_by_check_alone(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Documented defaults: check ends with 3, pytest skips; --parity-require makes them equal."""
    home = write_suite(onnx="healthy", phone="missing")
    assert main(["check", str(home)]) == 3
    assert pytester.runpytest().ret == 0
    assert pytester.runpytest("--parity-require", "all").ret == pytest.ExitCode.TESTS_FAILED
