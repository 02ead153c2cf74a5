"""Runs that end before their tests do: Ctrl-C, a worker of pytest-xdist that dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import WriteSuite

XDIST = ("-n", "2", "--dist", "loadgroup")
REPORT = ("--parity-report", "out")
LONGEST = 120  # seconds that a run may take to come to its first image
FUNCTIONS = '''

import os
import signal
import time
from pathlib import Path

HERE = Path(__file__).parent


def waits(feeds):
    """Judges the dark image, and on the bright one waits to be interrupted."""
    if feeds["image"].mean() > 100:
        (HERE / "waiting").touch()
        time.sleep(600)
    return reference(feeds)


def killed(feeds):
    """Dies on the bright image, once: a worker that takes its place lives."""
    if feeds["image"].mean() > 100 and not (HERE / "killed").exists():
        (HERE / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return reference(feeds)
'''


def add_functions(home: Path) -> None:
    """Give the suite runtimes that wait or die."""
    network = home / "network.py"
    network.write_text(network.read_text() + FUNCTIONS)


def results(home: Path, name: str = "parts") -> Any:
    """The results.json of a suite."""
    return json.loads((home / "out" / name / "results.json").read_text())


def interrupted(home: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run pytest, press Ctrl-C once the runtime waits; the exit code and the output.

    By then the image before has been judged, and pytest has said so.
    """
    output = home / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments],
            cwd=home,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    ends = time.monotonic() + LONGEST
    while process.poll() is None and time.monotonic() < ends:
        if list(home.rglob("waiting")) and "PASSED" in output.read_text():
            os.killpg(process.pid, signal.SIGINT)
            break
        time.sleep(0.05)
    code = process.wait(timeout=LONGEST)
    return code, output.read_text().splitlines()


@pytest.mark.parametrize("more", [(), XDIST])
def test_an_interrupted_run_is_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite, more: tuple[str, ...]
) -> None:
    """What was judged by then is told; it decides nothing, so that the code is 3."""
    home = write_suite(onnx="waits")
    add_functions(home)
    code, lines = interrupted(home, *REPORT, *more)
    assert code == pytest.ExitCode.INTERRUPTED
    assert "parts: partial (interrupted): not judged: onnx on images/1.png" in lines
    data = results(home)
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("partial", 3, True)
    assert data["scope"]["stopped"] == "interrupted"
    assert [one["verdict"] for one in data["runtimes"]] == ["partial"]


def test_a_suite_that_was_not_reached_marks_the_report_that_stands(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Its pass of yesterday is kept aside, and what stands says that this run did not judge it."""
    add_functions(write_suite("1", name="first", onnx="waits"))
    write_suite("2", name="second", onnx="healthy")
    pytester.runpytest(*REPORT, "2")
    assert results(pytester.path, "second")["verdict"] == "pass"
    _, lines = interrupted(pytester.path, *REPORT)
    assert "second: error, partial (interrupted): not judged: onnx" in lines
    data = results(pytester.path, "second")
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("error", 3, True)
    assert data["earlier"]["verdict"] == "pass"


def test_a_suite_that_was_done_before_is_complete(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """An interruption of one suite takes nothing from another."""
    write_suite("1", name="first", onnx="healthy")
    add_functions(write_suite("2", name="second", onnx="waits"))
    interrupted(pytester.path, *REPORT)
    assert (results(pytester.path, "first")["verdict"]) == "pass"
    assert results(pytester.path, "second")["partial"]


def test_a_lost_worker_that_is_not_replaced_is_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """kill -9 of a worker: its runtime is an error, its tests that never ran are named."""
    home = write_suite(onnx="healthy", tflite="killed")
    add_functions(home)
    result = pytester.runpytest_subprocess(*REPORT, *XDIST, "--max-worker-restart", "0")
    assert result.ret != 0
    data = results(home)
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("error", 3, True)
    assert data["not_judged"] == [{"runtime": "tflite", "images": ["images/1.png"], "why": "lost"}]
    (line,) = [one for one in result.outlines if "not judged: " in one]
    assert line.endswith("was lost): not judged: tflite on images/1.png (test lost)")


def test_a_lost_worker_that_is_replaced_is_no_pass(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """All is judged in the end, but pytest fails, and so does the report: a test had died."""
    home = write_suite(onnx="healthy", tflite="killed")
    add_functions(home)
    result = pytester.runpytest_subprocess(*REPORT, *XDIST)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    data = results(home)
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("error", 3, False)
    assert (
        "images/1.png ended without a verdict: worker " in data["runtimes"][1]["failure"]["message"]
    )


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_workers_that_stop_at_a_failure_are_partial(
    pytester: pytest.Pytester, write_suite: WriteSuite, option: str
) -> None:
    """The same with pytest-xdist, where it is an interruption to pytest."""
    home = write_suite(onnx="moved")
    result = pytester.runpytest_subprocess(*REPORT, *XDIST, option)
    assert result.ret != 0
    data = results(home)
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("fail", 1, True)
    assert data["scope"]["stopped"] == "stopping after 1 failures"


def test_a_run_that_somebody_ends_with_success_is_no_success(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """pytest.exit(returncode=0) after the first test of two runtimes: the rest is undecided."""
    home = write_suite(onnx="healthy", tflite="healthy")
    pytester.makeconftest(
        """
        import pytest

        def pytest_runtest_setup(item):
            if "tflite" in item.nodeid:
                pytest.exit("enough", returncode=0)
        """
    )
    result = pytester.runpytest(*REPORT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "parts: partial (enough): not judged: tflite" in result.outlines
    assert results(home)["exit_code"] == 3
