"""A suite in which no candidate was judged fails: that a reference agrees with itself is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from parity.cli import main
from tests.plugin.conftest import WriteSuite

XDIST = ("-n", "2", "--dist", "loadgroup")
ALONE = "runtimes: expected a candidate beside the reference native, found none"
DRIFT = "native is the reference, whose own drift proves no candidate"


def results(home: Path) -> Any:
    """What the run reported."""
    return json.loads((home / "out" / "parts" / "results.json").read_text())


def reported(home: Path) -> tuple[str, int, bool]:
    """What a script reads first."""
    data = results(home)
    return data["verdict"], data["exit_code"], data["partial"]


@pytest.mark.parametrize("more", [(), XDIST])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_reference_alone_fails_in_pytest(
    pytester: pytest.Pytester, write_suite: WriteSuite, recorded: bool, more: tuple[str, ...]
) -> None:
    """Without a golden as with one, whose drift is judged and decides nothing."""
    home = write_suite()
    if recorded:
        pytester.runpytest("--parity-record")
    result = pytester.runpytest("--parity-report", "out", *more)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2 if recorded else 0, failed=1)
    result.stdout.fnmatch_lines([f"*{ALONE}*"])
    assert reported(home) == ("error", 2, False)


@pytest.mark.parametrize("option", [(), ("--allow-missing",)])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_reference_alone_fails_in_check(
    write_suite: WriteSuite,
    recorded: bool,
    option: tuple[str, ...],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The same words, and the code of a suite that is wrong."""
    home = write_suite()
    if recorded:
        main(["record", str(home)])
    assert main(["check", str(home), "--report", str(home / "out"), *option]) == 2
    assert ALONE in capfd.readouterr().out
    assert reported(home) == ("error", 2, False)


def test_a_candidate_beside_it_is_enough(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The healthy twin, with the reference's drift judged too."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    assert pytester.runpytest("--parity-report", "out").ret == 0
    assert reported(home) == ("pass", 0, False)
    assert main(["check", str(home), "--report", str(home / "out")]) == 0
    assert reported(home) == ("pass", 0, False)


@pytest.mark.parametrize(
    "selection", [("--parity-runtimes", "native"), ("-k", "native"), ("parity.toml::native",)]
)
@pytest.mark.parametrize("more", [(), XDIST])
def test_only_the_reference_judged_fails_in_pytest(
    pytester: pytest.Pytester,
    write_suite: WriteSuite,
    selection: tuple[str, ...],
    more: tuple[str, ...],
) -> None:
    """Whatever left the candidates out, though every test of the drift passes."""
    home = write_suite(onnx="healthy")
    pytester.runpytest("--parity-record")
    result = pytester.runpytest("--parity-report", "out", *selection, *more)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*parts: expected a candidate to judge, found none: {DRIFT}"])
    result.stdout.fnmatch_lines(["parts: error, partial (*): not judged: onnx"])
    assert reported(home) == ("error", 3, True)


@pytest.mark.parametrize("option", [(), ("--allow-missing",)])
def test_only_the_reference_judged_fails_in_check(
    write_suite: WriteSuite, option: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    """Asked for by name it is told, and its agreement with its golden is no pass."""
    home = write_suite(onnx="healthy")
    main(["record", str(home)])
    asked = ("--runtimes", "native", "--report", str(home / "out"))
    assert main(["check", str(home), *asked, *option]) == 3
    out = capfd.readouterr().out
    assert f"\nerror: parts: expected a candidate to judge, found none: {DRIFT}\n" in out
    assert out.endswith("\nparts: error, partial (only native asked for): not judged: onnx\n")
    assert reported(home) == ("error", 3, True)


@pytest.mark.parametrize("more", [(), XDIST])
def test_candidates_that_are_not_installed_fail_in_pytest(
    pytester: pytest.Pytester, write_suite: WriteSuite, more: tuple[str, ...]
) -> None:
    """The reference's own drift passes, every candidate is skipped, and the run fails."""
    home = write_suite(phone="missing")
    pytester.runpytest("--parity-record")
    result = pytester.runpytest("--parity-report", "out", *more)
    result.assert_outcomes(passed=2, failed=2, skipped=2)
    result.stdout.fnmatch_lines(
        ["*parts: expected a candidate to judge, found none: phone was skipped"]
    )
    assert {one["name"]: one["verdict"] for one in results(home)["runtimes"]} == {
        "native": "pass",
        "phone": "skipped",
    }
    assert reported(home) == ("error", 3, True)


def test_candidates_that_are_not_installed_fail_in_check(
    write_suite: WriteSuite, capfd: pytest.CaptureFixture[str]
) -> None:
    """--allow-missing allows some to be missing, not all of them."""
    home = write_suite(phone="missing")
    main(["record", str(home)])
    options = ("--allow-missing", "--report", str(home / "out"))
    assert main(["check", str(home), *options]) == 3
    assert "expected a candidate to judge, found none: phone was skipped\n" in (
        capfd.readouterr().out
    )
    assert reported(home) == ("error", 3, True)


def test_candidates_that_somebody_skips_fail_too(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """A green run that judged nothing is what nobody may read."""
    home = write_suite(onnx="healthy")
    pytester.makeconftest(
        """
        import pytest

        def pytest_runtest_setup(item):
            pytest.skip("not today")
        """
    )
    result = pytester.runpytest("--parity-report", "out")
    result.assert_outcomes(skipped=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "3 tests skipped by another plugin" in result.stdout.str()
    assert not (home / "out" / "parts").exists()


def test_a_candidate_that_is_required_and_missing_is_an_error(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """--parity-require makes of the skipped candidate what check makes of it."""
    home = write_suite(phone="missing")
    pytester.runpytest("--parity-report", "out", "--parity-require", "all")
    assert [one["verdict"] for one in results(home)["runtimes"]] == ["error"]
    assert main(["check", str(home), "--report", str(home / "out")]) == 3
    assert [one["verdict"] for one in results(home)["runtimes"]] == [None, "error"]
