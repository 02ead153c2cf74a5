"""``parity check`` that judged less than is declared: --runtimes, --allow-missing, Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_suites import write_suite

from parity import check as judge
from parity.cli import main
from parity.harness import Interrupted

Capture = pytest.CaptureFixture[str]
MISSING = '[runtimes.phone]\nkind = "tflite"\ninterpreter = "tflite-runtime"\nmodel = "p.tflite"\n'
INTERRUPTED_LATER = """

def interrupted_later(feeds):
    \"\"\"Ctrl-C on the second image, which is brighter.\"\"\"
    if feeds["image"].max() > 0:
        raise KeyboardInterrupt
    return same(feeds)
"""


def check(*arguments: object) -> int:
    """The command in this process."""
    return main(["check", *map(str, arguments)])


def results(folder: Path, name: str = "tiny") -> Any:
    """The results.json of a suite."""
    return json.loads((folder / name / "results.json").read_text())


def interrupting(folder: Path, name: str = "tiny", **functions: str) -> Path:
    """A suite in which Ctrl-C is pressed on the second image."""
    suite = write_suite(folder, functions, name=name)
    networks = suite / "networks.py"
    networks.write_text(networks.read_text() + INTERRUPTED_LATER)
    return suite


def test_a_run_of_all_is_complete(tmp_path: Path, capfd: Capture) -> None:
    """The healthy twin: nothing is said of what was not judged."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "same"})
    assert check(suite, "--report", tmp_path / "out") == 0
    out, _ = capfd.readouterr()
    assert "partial" not in out
    assert "not judged" not in out
    data = results(tmp_path / "out")
    assert (data["verdict"], data["partial"], data["not_judged"]) == ("pass", False, [])


def test_runtimes_that_are_all_of_them_are_complete(tmp_path: Path) -> None:
    """The reference has nothing to be judged against: naming every candidate is naming all."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "same"})
    assert check(suite, "--runtimes", "b,a", "--report", tmp_path / "out") == 0
    assert results(tmp_path / "out")["verdict"] == "pass"


def test_some_of_the_runtimes_are_partial(tmp_path: Path, capfd: Capture) -> None:
    """They hold, which is 0, and the last line says what was not judged."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "lower", "c": "same"})
    assert check(suite, "--runtimes", "a,c", "--report", tmp_path / "out") == 0
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: partial (2 pass) against native (native), 2 images\n")
    line = "tiny: partial (only a, c asked for): not judged: b"
    assert out.endswith(f"\n\n{line}\n")
    data = results(tmp_path / "out")
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("partial", 0, True)
    assert data["not_judged"] == [
        {"runtime": "b", "images": ["images/000.png", "images/001.png"], "why": "left out"}
    ]
    summary = (tmp_path / "out" / "tiny" / "summary.md").read_text()
    assert f"\n\n{line}\n\n" in summary.replace("&#58;", ":")


def test_some_that_fail_are_a_failure_in_part(tmp_path: Path, capfd: Capture) -> None:
    """What is broken is broken, whatever was left out."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "lower"})
    assert check(suite, "--runtimes", "b") == 1
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: fail, partial (1 fail) against")
    assert out.endswith("\ntiny: fail, partial (only b asked for): not judged: a\n")


def test_the_drift_of_a_recorded_reference_counts(tmp_path: Path, capfd: Capture) -> None:
    """With a golden the reference is judged too, unless the golden stands in for it."""
    suite = write_suite(tmp_path / "s", {"a": "same"})
    main(["record", str(suite)])
    assert check(suite, "--runtimes", "a") == 0
    assert capfd.readouterr().out.endswith("not judged: native (its drift)\n")
    assert check(suite, "--runtimes", "a", "--reference", "golden") == 0
    assert capfd.readouterr().out.splitlines()[0].startswith("tiny: pass (1 pass) against")


def test_what_is_not_installed_was_not_judged(tmp_path: Path, capfd: Capture) -> None:
    """--allow-missing lets it pass, and takes nobody in."""
    suite = write_suite(tmp_path / "s", {"a": "same"}, more=MISSING)
    assert check(suite) == 3
    assert check(suite, "--allow-missing") == 0
    assert capfd.readouterr().out.endswith("\ntiny: partial: not judged: phone (not installed)\n")


def test_ctrl_c_leaves_what_was_judged(tmp_path: Path, capfd: Capture) -> None:
    """The table, the report and the last line tell a part, the code says that it was stopped."""
    suite = interrupting(tmp_path / "s", a="same", b="interrupted_later")
    assert check(suite, "--report", tmp_path / "out") == 130
    out, err = capfd.readouterr()
    assert err == "error: interrupted\n"
    assert out.startswith("tiny: partial (2 partial) against native (native), 2 images\n")
    assert out.endswith(
        "\ntiny: partial (interrupted): "
        "not judged: a over all images together; b on images/001.png\n"
    )
    data = results(tmp_path / "out")
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("partial", 3, True)
    assert data["scope"]["stopped"] == "interrupted"


def test_ctrl_c_takes_no_failure_away(tmp_path: Path, capfd: Capture) -> None:
    """What disagreed by then is broken."""
    suite = interrupting(tmp_path / "s", a="lower", b="interrupted_later")
    assert check(suite, "--report", tmp_path / "out") == 130
    assert capfd.readouterr().out.startswith("tiny: fail, partial (1 partial, 1 fail) against")
    assert results(tmp_path / "out")["exit_code"] == 1


def test_ctrl_c_before_anything_was_judged(tmp_path: Path, capfd: Capture) -> None:
    """Nothing was decided."""
    assert check(write_suite(tmp_path / "s", {"a": "interrupted"})) == 130
    out, _ = capfd.readouterr()
    assert out.endswith("\ntiny: error, partial (interrupted): not judged: a\n")


def test_ctrl_c_marks_the_suites_that_were_not_reached(tmp_path: Path, capfd: Capture) -> None:
    """Their pass of yesterday is kept aside; what stands says that this run did not judge them."""
    one = interrupting(tmp_path / "1", "one", a="interrupted_later")
    two = write_suite(tmp_path / "2", {"a": "same"}, name="two")
    report = ("--report", tmp_path / "out")
    assert check(two, *report) == 0
    capfd.readouterr()
    assert check(one, two, *report) == 130
    out, err = capfd.readouterr()
    assert out.endswith("\n\ntwo: error, partial (interrupted): not judged: a\n")
    assert "/two: the report that stands there says now that nothing was judged\n" in err
    data = results(tmp_path / "out", "two")
    assert (data["verdict"], data["exit_code"], data["partial"]) == ("error", 3, True)
    assert data["earlier"]["verdict"] == "pass"


def test_ctrl_c_leaves_json_that_can_be_read(tmp_path: Path, capfd: Capture) -> None:
    """Every suite that was asked for is in the list."""
    one = interrupting(tmp_path / "1", "one", a="interrupted_later")
    two = write_suite(tmp_path / "2", {"a": "same"}, name="two")
    assert check(one, two, "--json") == 130
    data = json.loads(capfd.readouterr().out)
    found = [(one["detector"], one["verdict"], one["partial"]) for one in data]
    assert found == [("one", "partial", True), ("two", "error", True)]


def test_the_library_raises_what_ctrl_c_raises_with_the_record(tmp_path: Path) -> None:
    """Who calls it is interrupted as ever, and may look at what was judged."""
    suite = interrupting(tmp_path / "s", a="interrupted_later")
    with pytest.raises(KeyboardInterrupt) as caught:
        judge(suite)
    assert isinstance(caught.value, Interrupted)
    assert caught.value.record.verdict == "partial"
    assert caught.value.record.not_judged[0].images == ("images/001.png",)


def test_a_partial_report_stands_beside_the_complete_one(tmp_path: Path, capfd: Capture) -> None:
    """A failure of the whole does not go away because a part of it holds."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "lower"})
    out = tmp_path / "out"
    assert check(suite, "--report", out) == 1
    started = results(out)["started"]
    capfd.readouterr()
    assert check(suite, "--report", out, "--runtimes", "a") == 0
    kept = f"the last complete report, fail of {started}, is kept in "
    assert f"\nreport: {out}/tiny\n{kept}{out}/tiny/complete\n" in capfd.readouterr().out
    assert results(out)["verdict"] == "partial"
    assert results(out)["earlier"] == {"verdict": "fail", "started": started}
    assert results(out / "tiny", "complete")["verdict"] == "fail"
    summary = (out / "tiny" / "summary.md").read_text()
    assert f"\n\n{kept}complete/\n\n" in summary.replace("&#58;", ":")
