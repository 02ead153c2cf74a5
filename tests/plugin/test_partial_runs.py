"""A run that judged less than the suite declares says so, by every way of running less."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugin.conftest import WriteSuite

XDIST = ("-n", "2", "--dist", "loadgroup")
HEALTHY = {"onnx": "healthy", "tflite": "healthy"}
REPORT = ("--parity-report", "out")


def results(pytester: pytest.Pytester) -> Any:
    """The results.json of the suite."""
    return json.loads((pytester.path / "out" / "parts" / "results.json").read_text())


def told(pytester: pytest.Pytester, result: pytest.RunResult) -> str:
    """What is said of what was not judged, which has to be the same in every place."""
    (line,) = [one for one in result.outlines if one.startswith("parts: ") and "not judged" in one]
    data = results(pytester)
    assert data["partial"]
    assert data["verdict"] != "pass"
    summary = (pytester.path / "out" / "parts" / "summary.md").read_text()
    assert line.partition("not judged: ")[2].split(" (")[0].replace("_", "&#95;") in summary
    assert ", 1 partial in " in result.outlines[-1]
    return line


def test_a_run_of_all_is_complete(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """The healthy twin of all that follows: everything judged, nothing more is said."""
    write_suite(**HEALTHY)
    result = pytester.runpytest(*REPORT)
    data = results(pytester)
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("pass", 0, False)
    assert data["not_judged"] == []
    assert data["scope"] == {"runtimes": ["onnx", "tflite"], "selection": [], "stopped": ""}
    assert "partial" not in result.stdout.str()
    assert "not judged" not in result.stdout.str()


SELECTIONS = {
    "-k": (("-k", "onnx"), "parts: partial (-k onnx): not judged: tflite"),
    "a phrase": (("-k", "not tflite"), "parts: partial (-k 'not tflite'): not judged: tflite"),
    "--parity-runtimes": (
        ("--parity-runtimes", "onnx"),
        "parts: partial (only onnx asked for): not judged: tflite",
    ),
    "both": (
        ("--parity-runtimes", "onnx", "-k", "0.png"),
        "parts: partial (only onnx asked for, -k 0.png): not judged: onnx on images/1.png; tflite",
    ),
    "--deselect": (
        ("--deselect", "parity.toml::tflite::all-images"),
        "parts: partial (--deselect parity.toml::tflite::all-images): "
        "not judged: tflite over all images together",
    ),
    "ids": (
        ("parity.toml::onnx::images/0.png", "parity.toml::tflite::all-images"),
        "parts: partial (2 tests by id): not judged: onnx on images/1.png",
    ),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_selection_is_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite, name: str
) -> None:
    """What was asked for holds, so pytest passes; what was left out is named, and by what."""
    arguments, line = SELECTIONS[name]
    write_suite(**HEALTHY)
    result = pytester.runpytest(*REPORT, *arguments)
    assert result.ret == 0
    assert told(pytester, result) == line
    assert (results(pytester)["verdict"], results(pytester)["exit_code"]) == ("partial", 0)


@pytest.mark.parametrize("arguments", [("-k", "all-images"), ("-k", "parity.toml")])
def test_a_selection_that_leaves_nothing_unjudged_is_complete(
    pytester: pytest.Pytester, write_suite: WriteSuite, arguments: tuple[str, ...]
) -> None:
    """all-images evaluates every image itself, so the runs of single images may be left out."""
    write_suite(**HEALTHY)
    result = pytester.runpytest(*REPORT, *arguments)
    assert result.ret == 0
    assert (results(pytester)["verdict"], results(pytester)["partial"]) == ("pass", False)


def test_failed_first_is_partial(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """--lf after a repair judges what had failed, and says that it is not the whole."""
    home = write_suite(onnx="bright", tflite="healthy")
    pytester.runpytest()
    network = home / "network.py"
    network.write_text(network.read_text().replace(".mean() < 100", ".mean() < 999"))
    result = pytester.runpytest(*REPORT, "--lf", "--deselect", "parity.toml::onnx::all-images")
    assert result.ret == 0
    assert told(pytester, result) == (
        "parts: partial (--deselect parity.toml::onnx::all-images, --lf): "
        "not judged: onnx on images/0.png; tflite"
    )


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_a_run_that_stops_at_a_failure_is_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite, option: str
) -> None:
    """What had failed by then decides; what was not reached is named with the reason."""
    write_suite(onnx="moved", tflite="healthy")
    result = pytester.runpytest(*REPORT, option)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert told(pytester, result) == (
        "parts: fail, partial (stopping after 1 failures): not judged: onnx on images/1.png; tflite"
    )
    assert (results(pytester)["verdict"], results(pytester)["exit_code"]) == ("fail", 1)


def test_stepwise_is_partial(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """--sw goes on where it failed: what it skips was judged by another run, not by this one."""
    home = write_suite(onnx="bright", tflite="healthy")
    pytester.runpytest("--sw")
    network = home / "network.py"
    network.write_text(network.read_text().replace(".mean() < 100", ".mean() < 999"))
    options = ("--sw", "--deselect", "parity.toml::onnx::all-images")
    result = pytester.runpytest(*REPORT, *options)
    assert result.ret == 0
    assert told(pytester, result).endswith("--stepwise): not judged: onnx on images/0.png")


@pytest.mark.parametrize("more", [(), XDIST])
def test_a_plugin_that_removes_tests_makes_it_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite, more: tuple[str, ...]
) -> None:
    """No option says it, and still nothing is taken for the whole."""
    write_suite(**HEALTHY)
    pytester.makeconftest(
        """
        def pytest_collection_modifyitems(items):
            items[:] = [item for item in items if "tflite" not in item.nodeid]
        """
    )
    result = pytester.runpytest(*REPORT, *more)
    assert result.ret == 0
    assert told(pytester, result) == (
        "parts: partial (tests that were not selected): not judged: tflite"
    )


def test_a_plugin_that_skips_tests_makes_it_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """A test that somebody else skips has judged nothing."""
    write_suite(**HEALTHY)
    pytester.makeconftest(
        """
        import pytest

        def pytest_runtest_setup(item):
            if "onnx::all-images" in item.nodeid:
                pytest.skip("too slow")
        """
    )
    result = pytester.runpytest(*REPORT)
    assert result.ret == 0
    assert told(pytester, result) == (
        "parts: partial (1 test skipped by another plugin): "
        "not judged: onnx over all images together"
    )


def test_a_test_that_another_plugin_breaks_is_an_error(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """pytest fails, and so does the report: a test that ended without a verdict is none."""
    write_suite(**HEALTHY)
    pytester.makeconftest(
        """
        def pytest_runtest_setup(item):
            if "onnx::all-images" in item.nodeid:
                raise OSError("no room left")
        """
    )
    result = pytester.runpytest(*REPORT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert told(pytester, result).endswith("not judged: onnx over all images together (test lost)")
    data = results(pytester)
    assert (data["verdict"], data["exit_code"]) == ("error", 3)
    assert data["runtimes"][0]["failure"]["cause"] == "lost"
    assert (
        "all-images ended without a verdict: OSError: no room left"
        in (data["runtimes"][0]["failure"]["message"])
    )


@pytest.mark.parametrize("more", [(), XDIST])
def test_a_runtime_that_is_not_installed_is_not_judged(
    pytester: pytest.Pytester, write_suite: WriteSuite, more: tuple[str, ...]
) -> None:
    """It is skipped, as ever, and the last line says that the run is not one of the whole."""
    write_suite(onnx="healthy", phone="missing")
    result = pytester.runpytest(*REPORT, *more)
    assert result.ret == 0
    assert told(pytester, result) == "parts: partial: not judged: phone (not installed)"


def test_a_suite_that_was_not_asked_for_is_left_alone(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """-k that leaves no test of a suite says nothing of it, good or bad."""
    write_suite(**HEALTHY)
    pytester.runpytest(*REPORT)
    pytester.makepyfile("def test_own(): pass")
    result = pytester.runpytest(*REPORT, "-k", "test_own")
    result.assert_outcomes(passed=1, deselected=6)
    assert result.ret == 0
    assert "parts" not in result.stdout.str()
    assert results(pytester)["verdict"] == "pass"


@pytest.mark.parametrize("option", ["--collect-only", "--setup-only"])
def test_a_run_that_judges_nothing_by_design_writes_nothing(
    pytester: pytest.Pytester, write_suite: WriteSuite, option: str
) -> None:
    """Looking at what would run is no run."""
    write_suite(**HEALTHY)
    result = pytester.runpytest(*REPORT, option)
    assert result.ret == 0
    assert not (pytester.path / "out" / "parts").exists()
