"""``parity check``: verdicts, exit codes, what goes to which stream."""

import json
import os
from pathlib import Path

import pytest
from cli_suites import parity, write_suite

from parity.cli import main

Capture = pytest.CaptureFixture[str]


def check(*arguments: object) -> int:
    """The command in this process."""
    return main(["check", *map(str, arguments)])


def test_a_suite_that_holds_exits_with_0(tmp_path: Path, capfd: Capture) -> None:
    """One table on the standard output, nothing on the standard error."""
    assert check(write_suite(tmp_path / "s", {"onnx": "same"})) == 0
    out, err = capfd.readouterr()
    assert out.startswith("tiny: pass (1 pass) against native (native), 2 images\n\nruntime ")
    assert "\nonnx                pass     float32         2      4     0 " in out
    assert err == ""


def test_broken_parity_exits_with_1_and_says_where(tmp_path: Path, capfd: Capture) -> None:
    """Below the table the failed runtime's message and the rows of its images."""
    assert check(write_suite(tmp_path / "s", {"onnx": "lower"})) == 1
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: fail (1 fail) against native (native), 2 images\n")
    assert "\nonnx disagrees with the native reference over 2 images (tolerance float32)\n" in out
    assert "\nonnx on images/000.png disagrees with the native reference" in out


@pytest.mark.parametrize(("columns", "wide"), [("", 80), ("60", 60), ("200", 110)])
def test_a_pipe_is_80_columns_wide_unless_columns_says_otherwise(
    tmp_path: Path, columns: str, wide: int
) -> None:
    """Tables, rows and sentences fit; where there is room, rows stand on one line."""
    suite = write_suite(tmp_path / "s", {"onnx": "lower"})
    environment = {"COLUMNS": columns} if columns else {"COLUMNS": "0"}
    done = parity("check", suite, **environment)
    longest = max(map(len, done.stdout.splitlines()))
    assert longest <= max(wide, int(columns or 0))
    assert (longest > 80) == (wide > 80)


def test_a_runtime_that_raises_exits_with_3_and_the_others_are_judged(
    tmp_path: Path, capfd: Capture
) -> None:
    """What broke is told with the raised words; the other runtime has its verdict."""
    suite = write_suite(tmp_path / "s", {"onnx": "broken", "tflite": "same"})
    assert check(suite) == 3
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: error (1 pass, 1 error) against native (native), 2 images\n")
    assert (
        "\nerror on images/000.png (and 1 more image): "
        "onnx: raised while it ran: ValueError: no such kernel\n"
    ) in out


def test_an_unknown_key_exits_with_2_and_nothing_runs(tmp_path: Path, capfd: Capture) -> None:
    """The message names the file, the key and what was expected."""
    suite = write_suite(tmp_path / "s", {"onnx": "leaves"}, more="colour = 3\n")
    assert check(suite) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"error: {suite}/parity.toml: 1 problem\n")
    assert "  runtimes.onnx.colour: unknown key; expected one of " in err


def test_every_wrong_suite_is_told_before_anything_runs(tmp_path: Path, capfd: Capture) -> None:
    """Two problems in two suites take one run to see."""
    good = write_suite(tmp_path / "good", {"onnx": "leaves"})
    bad = write_suite(tmp_path / "bad", {"onnx": "same"}, name="other", more="colour = 3\n")
    assert check(good, bad, tmp_path / "none") == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "runtimes.onnx.colour" in err
    assert f"{tmp_path}/none: 1 problem\n  expected a suite file (TOML), found nothing there" in err


def test_a_missing_model_exits_with_3(tmp_path: Path, capfd: Capture) -> None:
    """The message says where it was expected and what makes it."""
    pytest.importorskip("onnxruntime")
    more = '[runtimes.onnx]\nkind = "onnxruntime"\nmodel = "detector.onnx"\n'
    suite = write_suite(tmp_path / "s", {}, more=more)
    assert check(suite) == 3
    out, _ = capfd.readouterr()
    assert f"error: onnx: expected a model file at {suite}/detector.onnx, found nothing." in out


def test_a_wrong_suite_wins_over_a_broken_runtime_over_broken_parity(tmp_path: Path) -> None:
    """2 before 3 before 1."""
    lower, broken, absent = {"a": "lower"}, {"a": "lower", "b": "broken"}, {"c": "absent"}
    assert check(write_suite(tmp_path / "1", lower)) == 1
    assert check(write_suite(tmp_path / "2", broken)) == 3
    assert check(write_suite(tmp_path / "3", broken | absent)) == 2


def test_the_worst_of_several_suites_is_the_exit_code(tmp_path: Path, capfd: Capture) -> None:
    """Every suite is judged and shown, the first as the last."""
    one = write_suite(tmp_path / "1", {"a": "lower"}, name="one")
    two = write_suite(tmp_path / "2", {"a": "same"}, name="two")
    assert check(one, two) == 1
    out, _ = capfd.readouterr()
    assert "one: fail (1 fail)" in out
    assert "\n\ntwo: pass (1 pass)" in out


def test_only_the_named_runtimes_are_judged(tmp_path: Path, capfd: Capture) -> None:
    """--runtimes takes names with commas between them."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "lower", "c": "same"})
    assert check(suite, "--runtimes", "a,c") == 0
    out, _ = capfd.readouterr()
    assert out.startswith("tiny: partial (2 pass)")


def test_an_unknown_runtime_exits_with_2(tmp_path: Path, capfd: Capture) -> None:
    """A runtime that was asked for is never left out in silence."""
    suite = write_suite(tmp_path / "s", {"onnx": "same"})
    assert check(suite, "--runtimes", "onx") == 2
    _, err = capfd.readouterr()
    assert err == (
        f"error: {suite}/parity.toml: runtimes: expected one of native, onnx, found 'onx'; "
        "did you mean 'onnx'?\n"
    )


def test_runtimes_need_names(tmp_path: Path, capfd: Capture) -> None:
    """An empty name is a slip of the keyboard, not a wish for none."""
    assert check(write_suite(tmp_path / "s", {"a": "same"}), "--runtimes", "a,") == 2
    assert "expected names with commas between them, found 'a,'" in capfd.readouterr().err


def test_a_golden_that_was_never_recorded(tmp_path: Path, capfd: Capture) -> None:
    """--reference golden without goldens says how to record them."""
    suite = write_suite(tmp_path / "s", {"a": "same"})
    assert check(suite, "--reference", "golden") == 2
    out, err = capfd.readouterr()
    assert "parity record SUITE" in out + err


def test_a_stale_golden_counts_what_changed_and_not_what_to_do(
    tmp_path: Path, capfd: Capture
) -> None:
    """One image changed: one problem, and below it the remedy."""
    suite = write_suite(tmp_path / "s", {"a": "same"})
    assert main(["record", str(suite)]) == 0
    image = suite / "images" / "000.png"
    image.write_bytes((suite / "images" / "001.png").read_bytes())
    capfd.readouterr()
    assert check(suite, "--reference", "golden") == 2
    out = capfd.readouterr().out
    assert (
        f"{suite}/golden/manifest.json: 1 problem\n"
        "    the image images/000.png changed since it was recorded\n"
        "    record it where the reference runtime is installed: parity record SUITE\n"
    ) in out


def test_json_is_all_there_is_on_the_standard_output(tmp_path: Path, capfd: Capture) -> None:
    """One object for one suite, though Python and native code printed while it ran."""
    assert check(write_suite(tmp_path / "s", {"a": "noisy"}), "--json") == 0
    out, err = capfd.readouterr()
    data = json.loads(out)
    assert list(data)[:3] == ["format", "verdict", "exit_code"]
    assert "printed by Python" in err
    assert "printed by native code" in err


def test_json_survives_native_code_that_prints_through_a_pipe(tmp_path: Path) -> None:
    """What the C library still buffers at the end does not land behind the results."""
    done = parity("check", write_suite(tmp_path / "s", {"a": "noisy"}), "--json")
    assert json.loads(done.stdout)["exit_code"] == done.returncode == 0
    assert done.stderr.count("printed by native code") == 2


def test_json_of_several_suites_is_a_list(tmp_path: Path, capfd: Capture) -> None:
    """In the order they were given."""
    one = write_suite(tmp_path / "1", {"a": "lower"}, name="one")
    two = write_suite(tmp_path / "2", {"a": "same"}, name="two")
    assert check(one, two, "--json") == 1
    data = json.loads(capfd.readouterr().out)
    assert [(each["detector"], each["exit_code"]) for each in data] == [("one", 1), ("two", 0)]


def test_a_report_is_written_and_its_place_told(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--report DIR writes DIR/<detector>, told relative to where the user stands."""
    monkeypatch.chdir(tmp_path)
    assert check(write_suite(tmp_path / "s", {"a": "same"}), "--report", "out") == 0
    assert capfd.readouterr().out.endswith("\n\nreport: out/tiny\n")
    assert sorted(os.listdir(tmp_path / "out" / "tiny")) == [
        "detections.csv",
        "results.json",
        "summary.md",
    ]


def test_two_suites_of_one_name_exit_with_2(tmp_path: Path, capfd: Capture) -> None:
    """Before anything runs, and with nothing written."""
    one, two = (write_suite(tmp_path / name, {"a": "leaves"}) for name in "ab")
    assert check(one, two, "--report", tmp_path / "out") == 2
    assert capfd.readouterr().err == (
        "error: expected suites of different names in one run, found 'tiny' and 'tiny': "
        "give each its own detector.name\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_report_folder_that_cannot_be_made_exits_with_2(tmp_path: Path, capfd: Capture) -> None:
    """Found out before the suite runs, not after."""
    (tmp_path / "file").write_text("")
    suite = write_suite(tmp_path / "s", {"a": "leaves"})
    assert check(suite, "--report", tmp_path / "file") == 2
    assert capfd.readouterr().err == (
        f"error: --report: expected a folder that can be written, found {tmp_path}/file: "
        "File exists\n"
    )


def test_a_suite_that_leaves_the_program_is_no_pass(tmp_path: Path, capfd: Capture) -> None:
    """sys.exit(0) in code of the suite is an error like any other."""
    assert check(write_suite(tmp_path / "s", {"a": "leaves"})) == 3
    assert "could not be judged: a: raised while it ran: SystemExit: 0\n" in (
        capfd.readouterr().out
    )


def test_an_interrupt_exits_with_130(tmp_path: Path, capfd: Capture) -> None:
    """Ctrl-C prints one word and no traceback."""
    assert check(write_suite(tmp_path / "s", {"a": "interrupted"})) == 130
    assert capfd.readouterr().err == "error: interrupted\n"


def test_a_bug_asks_to_be_reported(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback unless PARITY_DEBUG asks for it."""

    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.delenv("PARITY_DEBUG", raising=False)
    monkeypatch.setattr("parity.harness.check", fails)
    suite = write_suite(tmp_path / "s", {"a": "same"})
    assert check(suite) == 3
    err = capfd.readouterr().err
    assert err.startswith("error: unexpected ZeroDivisionError: oops\nThis is a bug in parity ")
    assert "Traceback" not in err
    monkeypatch.setenv("PARITY_DEBUG", "1")
    assert check(suite) == 3
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_one_suite_that_breaks_down_leaves_the_others(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its message goes to the standard error, the other suite's table is printed."""
    from parity import harness
    from parity.errors import SuiteError

    judge = harness.check

    def check_one(suite, *rest, **options):  # type: ignore[no-untyped-def]
        if suite.name == "one":
            raise SuiteError("labels.json", ["expected COCO annotations, found none"])
        return judge(suite, *rest, **options)

    monkeypatch.setattr("parity.harness.check", check_one)
    one = write_suite(tmp_path / "1", {"a": "same"}, name="one")
    two = write_suite(tmp_path / "2", {"a": "same"}, name="two")
    assert check(one, two) == 2
    out, err = capfd.readouterr()
    assert err == "error: labels.json: 1 problem\n  expected COCO annotations, found none\n"
    assert out.startswith("two: pass (1 pass)")


def test_a_reader_that_leaves_early_changes_no_verdict(tmp_path: Path) -> None:
    """`parity check SUITE | head -0` prints no traceback and exits as without the pipe."""
    suite = write_suite(tmp_path / "s", {"a": "lower"})
    read, write = os.pipe()
    os.close(read)
    import subprocess
    import sys

    command = [sys.executable, "-m", "parity", "check", str(suite)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_output_that_cannot_hold_every_character(tmp_path: Path) -> None:
    """Where the output is ASCII, arrows become escapes instead of a traceback."""
    done = parity("check", write_suite(tmp_path / "s", {"a": "lower"}), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    assert "0.9000 \\u2192 0.8900" in done.stdout
