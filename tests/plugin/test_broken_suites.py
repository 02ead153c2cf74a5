"""A suite that no longer loads: nobody reads the pass of yesterday."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity.cli import main
from tests.plugin.conftest import WriteSuite

XDIST = ("-n", "2", "--dist", "loadgroup")


def bad_key(home: Path) -> None:
    """A key that nobody knows."""
    file = home / "parity.toml"
    file.write_text(file.read_text().replace("size =", "sise ="))


def bad_toml(home: Path) -> None:
    """No TOML any more."""
    file = home / "parity.toml"
    file.write_text(file.read_text() + "\n[runtimes.more\n")


def no_images(home: Path) -> None:
    """Every image is gone."""
    for image in (home / "images").iterdir():
        image.unlink()


BREAKS = [bad_key, bad_toml, no_images]
Break = Callable[[Path], None]


def results(home: Path, name: str = "parts") -> Any:
    """What stands in the report."""
    return json.loads((home / "out" / name / "results.json").read_text())


def is_marked(home: Path) -> None:
    """The report says that the suite does not load; the complete one is kept aside."""
    data = results(home)
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("error", 2, True)
    assert data["failure"]["kind"] == "SuiteError"
    assert data["runtimes"] == []
    assert data["earlier"]["verdict"] == "pass"
    folder = home / "out" / "parts"
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("# parts: error, nothing of it was judged\n")
    assert "is kept in complete/" in summary
    assert (folder / "detections.csv").read_text().count("\n") == 1
    assert json.loads((folder / "complete" / "results.json").read_text())["verdict"] == "pass"


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("more", [(), XDIST])
def test_pytest_marks_the_report_that_stands(
    pytester: pytest.Pytester, write_suite: WriteSuite, broken: Break, more: tuple[str, ...]
) -> None:
    """An error of collection, and a report that says so."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-report", "out")
    broken(home)
    result = pytester.runpytest("--parity-report", "out", *more)
    assert result.ret != 0
    is_marked(home)


@pytest.mark.parametrize("broken", BREAKS)
def test_check_marks_the_report_that_stands(
    write_suite: WriteSuite, broken: Break, capfd: pytest.CaptureFixture[str]
) -> None:
    """The code of a suite that is wrong, and a report that says so."""
    home = write_suite(onnx="healthy")
    arguments = ["check", str(home), "--report", str(home / "out")]
    assert main(arguments) == 0
    broken(home)
    assert main(arguments) == 2
    assert "out/parts: the report that stands there says now that nothing was judged\n" in (
        capfd.readouterr().err
    )
    is_marked(home)


def test_a_suite_that_loads_again_takes_its_place_back(write_suite: WriteSuite) -> None:
    """A complete report replaces the mark, and nothing is kept aside any more."""
    home = write_suite(onnx="healthy")
    arguments = ["check", str(home), "--report", str(home / "out")]
    text = (home / "parity.toml").read_text()
    main(arguments)
    bad_key(home)
    main(arguments)
    (home / "parity.toml").write_text(text)
    assert main(arguments) == 0
    assert (results(home)["verdict"], results(home)["earlier"]) == ("pass", None)
    assert not (home / "out" / "parts" / "complete").exists()


def test_no_report_is_made_of_a_suite_that_never_had_one(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """What a broken file calls itself makes no folder."""
    home = write_suite(onnx="healthy")
    bad_key(home)
    pytester.runpytest("--parity-report", "out")
    assert main(["check", str(home), "--report", str(home / "out")]) == 2
    assert not (home / "out" / "parts").exists()


@pytest.mark.parametrize("name", ["..", "a/b", "."])
def test_a_broken_file_cannot_name_a_folder_elsewhere(write_suite: WriteSuite, name: str) -> None:
    """Its name is a word from a file."""
    home = write_suite(onnx="healthy")
    (home / "out" / "a" / "b").mkdir(parents=True)
    for folder in (home, home / "out", home / "out" / "a" / "b"):
        (folder / "results.json").write_text("{}")
    file = home / "parity.toml"
    file.write_text(file.read_text().replace('name = "parts"', f'name = "{name}"'))
    bad_toml(home)
    assert main(["check", str(home), "--report", str(home / "out")]) == 2
    for folder in (home, home / "out", home / "out" / "a" / "b"):
        assert (folder / "results.json").read_text() == "{}"


def test_the_other_suites_of_the_run_were_not_judged_either(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """pytest stops where a suite does not load, so that the pass of the other is yesterday's."""
    write_suite("1", name="sound", onnx="healthy")
    home = write_suite("2", name="parts", onnx="healthy")
    pytester.runpytest("--parity-report", "out")
    bad_key(home)
    result = pytester.runpytest("--parity-report", "out")
    assert result.ret != 0
    data = results(pytester.path, "sound")
    assert (data["verdict"], data["partial"]) == ("error", True)
    assert data["earlier"]["verdict"] == "pass"
    main(["check", str(pytester.path / "1"), "--report", str(pytester.path / "out")])
    both = [str(pytester.path / name) for name in "12"]
    assert main(["check", *both, "--report", str(pytester.path / "out")]) == 2
    assert results(pytester.path, "sound")["scope"]["stopped"] == (
        "another suite of the run does not load"
    )


@pytest.mark.parametrize("option", [("--continue-on-collection-errors",), XDIST])
def test_a_run_that_goes_on_judges_the_others(
    pytester: pytest.Pytester, write_suite: WriteSuite, option: tuple[str, ...]
) -> None:
    """As pytest-xdist does by itself: the sound suite has its verdict."""
    write_suite("1", name="sound", onnx="healthy")
    bad_key(write_suite("2", name="parts", onnx="healthy"))
    pytester.runpytest("--parity-report", "out", *option)
    assert results(pytester.path, "sound")["verdict"] == "pass"


def test_a_wrong_command_marks_nothing(write_suite: WriteSuite) -> None:
    """A slip of the keyboard says nothing of the suite."""
    home = write_suite(onnx="healthy")
    arguments = ["check", str(home), "--report", str(home / "out")]
    main(arguments)
    assert main([*arguments, "--runtimes", "onxx"]) == 2
    assert results(home)["verdict"] == "pass"


def test_a_suite_that_breaks_while_it_is_judged(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Somebody edits the file: the report is that of a suite that does not load."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-report", "out")
    pytester.makeconftest(
        """
        def pytest_runtest_teardown(item):
            file = item.path
            file.write_text(file.read_text().replace("size =", "sise ="))
        """
    )
    result = pytester.runpytest("--parity-report", "out")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    is_marked(home)
