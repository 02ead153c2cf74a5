"""What a ``parity.toml`` becomes when pytest meets it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import WriteSuite


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """The ids that pytest collects."""
    result = pytester.runpytest("--collect-only", "-q", *arguments)
    return [line for line in result.outlines if "::" in line]


def test_ids_are_runtime_and_image(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """One test an image and one for all of them, for every candidate."""
    write_suite(onnx="healthy")
    assert collected(pytester) == [
        "parity.toml::onnx::images/0.png",
        "parity.toml::onnx::images/1.png",
        "parity.toml::onnx::all-images",
    ]


def test_suites_are_found_anywhere_below(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """A suite in a folder is collected with its path in front."""
    write_suite("models/a", onnx="healthy")
    assert collected(pytester)[0] == "models/a/parity.toml::onnx::images/0.png"


def test_one_image_can_be_asked_for(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """An id runs that test alone."""
    write_suite(onnx="healthy")
    result = pytester.runpytest("parity.toml::onnx::images/1.png")
    result.assert_outcomes(passed=1)


def test_runtimes_can_be_chosen(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """--parity-runtimes leaves the others out."""
    write_suite(onnx="healthy", tflite="healthy")
    ids = collected(pytester, "--parity-runtimes", "tflite")
    assert {one.split("::")[1] for one in ids} == {"tflite"}


@pytest.mark.parametrize("option", ["--parity-runtimes", "--parity-require"])
def test_an_unknown_runtime_is_an_error(
    pytester: pytest.Pytester, write_suite: WriteSuite, option: str
) -> None:
    """A name that no suite has is never ignored."""
    write_suite(onnx="healthy")
    result = pytester.runpytest(option, "onxx,native,onnx")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"*{option}: expected one of native, onnx, found 'onxx'; did you mean 'onnx'?"]
    )


def test_a_wrong_suite_is_an_error_of_collection(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The suite's problems are shown without a traceback."""
    home = write_suite(onnx="healthy")
    file = home / "parity.toml"
    file.write_text(file.read_text().replace("size =", "sise ="))
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*preprocess.sise: unknown key; *did you mean 'size'?*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_two_suites_of_one_name_are_an_error(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Their reports would overwrite each other."""
    write_suite("a", onnx="healthy")
    write_suite("b", onnx="healthy")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*expected one suite of each name in a run, found 'parts' in *"])


def test_a_project_without_suites_is_left_alone(pytester: pytest.Pytester) -> None:
    """No summary, no report, no option needed."""
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*parity:*")
