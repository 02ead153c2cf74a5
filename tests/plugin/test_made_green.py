"""Markers and hooks that turn failures into passes: the verdict is told all the same."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.plugin.conftest import WriteSuite

REPORT = ("--parity-report", "out")
MARKED = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            if "onnx" in item.nodeid:
                item.add_marker(pytest.mark.{mark}(reason="known"))
"""
PASSED_BY_A_HOOK = """
    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        report.outcome = "passed"
        return report
"""


def results(pytester: pytest.Pytester) -> Any:
    """The results.json of the suite."""
    return json.loads((pytester.path / "out" / "parts" / "results.json").read_text())


@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_a_failure_that_is_expected_is_told_in_the_last_line(
    pytester: pytest.Pytester, write_suite: WriteSuite, more: tuple[str, ...]
) -> None:
    """xfail keeps pytest green, as it says; the report, and what is read last, say fail."""
    write_suite(onnx="moved", tflite="healthy")
    pytester.makeconftest(MARKED.format(mark="xfail"))
    result = pytester.runpytest(*REPORT, *more)
    assert result.ret == 0
    assert "parts: fail: onnx, marked to fail (xfail)" in result.outlines
    assert "3 passed, 3 xfailed, 1 parity failed in " in result.outlines[-1]
    assert (results(pytester)["verdict"], results(pytester)["exit_code"]) == ("fail", 1)


def test_a_runtime_that_holds_though_it_is_expected_to_fail_is_told_nothing_of(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The healthy twin."""
    write_suite(onnx="healthy", tflite="healthy")
    pytester.makeconftest(MARKED.format(mark="xfail"))
    result = pytester.runpytest(*REPORT)
    assert result.ret == 0
    assert "parity failed" not in result.stdout.str()
    assert "3 passed, 3 xpassed in " in result.outlines[-1]


def test_xfail_of_one_runtime_excuses_no_other(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """What is not marked fails the run."""
    write_suite(onnx="moved", tflite="moved")
    pytester.makeconftest(MARKED.format(mark="xfail"))
    assert pytester.runpytest().ret == pytest.ExitCode.TESTS_FAILED


def test_a_suite_that_does_not_hold_fails_though_every_test_was_made_to_pass(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Hooks that rewrite outcomes are no statement about this detector."""
    write_suite(onnx="moved", tflite="healthy")
    pytester.makeconftest(PASSED_BY_A_HOOK)
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "parts: fail: onnx, which no test tells" in result.outlines
    assert "6 passed, 1 parity failed in " in result.outlines[-1]


def test_a_suite_that_holds_passes_under_such_a_hook(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The healthy twin."""
    write_suite(onnx="healthy", tflite="healthy")
    pytester.makeconftest(PASSED_BY_A_HOOK)
    assert pytester.runpytest().ret == 0


def test_what_is_marked_to_be_skipped_is_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """pytest tells where a skipped test is from, for which it needs a line."""
    write_suite(onnx="moved", tflite="healthy")
    pytester.makeconftest(MARKED.format(mark="skip"))
    result = pytester.runpytest(*REPORT)
    assert result.ret == 0
    assert "parts: partial (3 tests skipped by another plugin): not judged: onnx" in result.outlines
    assert results(pytester)["verdict"] == "partial"


@pytest.mark.parametrize("raised", ["pytest.skip('no')", "pytest.xfail('no')", "exit(0)"])
def test_a_function_of_the_suite_skips_no_verdict(
    pytester: pytest.Pytester, write_suite: WriteSuite, raised: str
) -> None:
    """Whatever a network raises, that it could not be judged is an error, and never a skip."""
    home = write_suite(onnx="ends", tflite="healthy")
    with (home / "network.py").open("a") as file:
        file.write(f"\n\ndef ends(feeds):\n    import pytest\n\n    {raised}\n")
    result = pytester.runpytest(*REPORT)
    result.assert_outcomes(failed=3, passed=3)
    assert [one["verdict"] for one in results(pytester)["runtimes"]] == ["error", "pass"]


@pytest.mark.skipif(os.name != "posix", reason="names of files are text here")
@pytest.mark.parametrize("more", [(), ("-n", "2")])
@pytest.mark.parametrize(("function", "code"), [("healthy", 0), ("moved", 1)])
def test_a_name_that_is_no_utf_8_is_judged(
    pytester: pytest.Pytester,
    write_suite: WriteSuite,
    function: str,
    code: int,
    more: tuple[str, ...],
) -> None:
    """Such an image is judged as any other; its test's name shows the bytes."""
    home = write_suite(onnx=function)
    (home / "images" / "1.png").rename(home / "images" / os.fsdecode(b"\xff.png"))
    result = pytester.runpytest(*REPORT, "-rA", *more)
    assert result.ret == code
    result.stdout.fnmatch_lines(["* parity.toml::onnx::images/\\udcff.png*"])
    assert results(pytester)["images"] == ["images/0.png", "images/\udcff.png"]
