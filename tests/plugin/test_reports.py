"""Reports are written on request, once, and the same with and without pytest-xdist."""

from __future__ import annotations

import errno
import json
import os
from typing import Any

import pytest

from tests.plugin.conftest import WriteSuite

XDIST = ("-n", "2", "--dist", "loadgroup")


def comparable(value: Any) -> Any:
    """Results without what differs between any two runs: times."""
    if isinstance(value, dict):
        varying = ("milliseconds", "started")
        return {key: comparable(one) for key, one in value.items() if key not in varying}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    return value


def results(pytester: pytest.Pytester, folder: str) -> Any:
    """The results.json of the suite."""
    return json.loads((pytester.path / folder / "parts" / "results.json").read_text())


def test_nothing_is_written_without_the_option(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """A plain run leaves no report."""
    home = write_suite(onnx="healthy")
    before = set(home.rglob("*.json"))
    pytester.runpytest()
    assert set(home.rglob("*.json")) == before


def test_the_option_writes_every_file(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """JSON, CSV and Markdown, in a folder of the detector's name."""
    write_suite(onnx="healthy")
    pytester.runpytest("--parity-report", "out")
    names = {path.name for path in (pytester.path / "out" / "parts").iterdir()}
    assert names == {"results.json", "detections.csv", "summary.md"}


def test_the_ini_value_writes_too(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """parity_report in the ini file is the same as the option."""
    write_suite(onnx="healthy")
    pytester.makeini("[pytest]\nparity_report = out\n")
    pytester.runpytest()
    assert results(pytester, "out")["verdict"] == "pass"


@pytest.mark.parametrize("more", [(), XDIST])
def test_a_report_that_cannot_be_written_is_refused_before_any_test(
    pytester: pytest.Pytester, write_suite: WriteSuite, more: tuple[str, ...]
) -> None:
    """A file in the place of the folder: an error of usage, nothing judged."""
    write_suite(onnx="healthy")
    (pytester.path / "file").write_text("")
    result = pytester.runpytest("--parity-report", "file", *more)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "".join((*result.outlines, *result.errlines))
    assert "--parity-report: expected a folder that can be written, found " in told
    assert "file: File exists" in told
    assert "passed" not in told


@pytest.mark.parametrize("function", ["healthy", "bright", "broken"])
def test_xdist_finds_the_same(
    pytester: pytest.Pytester, write_suite: WriteSuite, function: str
) -> None:
    """The report of two workers equals that of one process, times aside."""
    write_suite(onnx=function, tflite="healthy")
    alone = pytester.runpytest("--parity-report", "alone")
    spread = pytester.runpytest("--parity-report", "spread", *XDIST)
    assert alone.parseoutcomes() == spread.parseoutcomes()
    assert comparable(results(pytester, "alone")) == comparable(results(pytester, "spread"))


def test_xdist_keeps_a_runtime_together(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """One group a suite and runtime: every test of it runs on the same worker."""
    write_suite(onnx="healthy", tflite="healthy")
    result = pytester.runpytest("-v", *XDIST)
    workers: dict[str, set[str]] = {}
    for line in result.outlines:
        if line.startswith("[gw") and "PASSED" in line:
            worker, test = line.split()[0], line.split()[-1]
            workers.setdefault(test.split("@")[1], set()).add(worker)
    assert sorted(workers) == ["parity.toml::onnx", "parity.toml::tflite"]
    assert all(len(names) == 1 for names in workers.values())


def test_the_reference_runs_once_for_all_workers(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Two workers share the reference's heads."""
    home = write_suite(onnx="healthy", tflite="healthy")
    log = home / "log.txt"
    network = home / "network.py"
    counted = f"    open({str(log)!r}, 'a').write('run\\n')\n    return {{"
    text = network.read_text().replace("    return {", counted, 1)
    network.write_text(text.replace("return reference(feeds)", "return twin(feeds)", 1) + TWIN)
    pytester.runpytest(*XDIST).assert_outcomes(passed=6)
    assert log.read_text().count("run") == 2


TWIN = """

def twin(feeds):
    return {"boxes": BOXES, "scores": np.array([[[0.9, 0.0], [0.0, 0.8]]], dtype=np.float32)}
"""


def test_a_worker_that_dies_leaves_the_other_results(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """What was judged before and elsewhere is in the report."""
    home = write_suite(onnx="healthy", tflite="dying")
    network = home / "network.py"
    network.write_text(
        network.read_text() + "\n\ndef dying(feeds):\n    import os\n    os._exit(13)\n"
    )
    pytester.runpytest("--parity-report", "out", *XDIST)
    found = {one["name"]: one["verdict"] for one in results(pytester, "out")["runtimes"]}
    assert found == {"onnx": "pass", "tflite": "error"}


def test_without_all_images_the_report_says_so(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """What is told from its images is no more than partial, whatever they say."""
    write_suite(onnx="healthy")
    pytester.runpytest("--parity-report", "out", "parity.toml::onnx::images/0.png")
    (runtime,) = results(pytester, "out")["runtimes"]
    assert runtime["verdict"] == "partial"
    assert [one["image"] for one in runtime["images"]] == ["images/0.png"]


@pytest.mark.parametrize("more", [(), XDIST])
def test_a_report_that_is_lost_is_told_after_the_verdicts(
    pytester: pytest.Pytester,
    write_suite: WriteSuite,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
) -> None:
    """A disk that fills under pytest: one line, a code that is no success, no traceback."""
    write_suite(onnx="healthy")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = pytester.runpytest_inprocess("--parity-report", "out", *more)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = "\n".join((*result.outlines, *result.errlines))
    assert (
        f"parity: error: --parity-report: expected a folder that can be written, found "
        f"{pytester.path}/out: no space left on device; make room or name another folder; "
    ) in told
    assert "3 passed" in told
    assert "parts: pass (1 pass)" in told
    assert "Traceback" not in told
    assert not any(one.is_file() for one in (pytester.path / "out").rglob("*"))
