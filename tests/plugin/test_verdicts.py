"""What passes, fails, is skipped, and what is said of it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import WriteSuite


def test_a_healthy_runtime_passes(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """Every image and all of them together."""
    write_suite(onnx="healthy")
    pytester.runpytest().assert_outcomes(passed=3)


def test_a_moved_box_fails_on_every_image(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Both images and all-images, and only of that runtime."""
    write_suite(onnx="healthy", tflite="moved")
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*tflite on images/0.png disagrees with*"])


def test_a_failure_has_no_traceback(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """A verdict is told in its own words."""
    write_suite(onnx="moved")
    result = pytester.runpytest()
    result.stdout.no_fnmatch_line("*Disagreement*")
    result.stdout.no_fnmatch_line("*items.py*")


def test_one_bad_image_fails_alone(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """The other image's test passes, all-images fails."""
    write_suite(onnx="bright")
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["*::onnx::images/0.png PASSED*", "*images/1.png FAILED*", "*all-images FAILED*"]
    )


def test_all_images_judges_what_was_left_out(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """-k all-images still finds the bad image."""
    write_suite(onnx="bright")
    pytester.runpytest("-k", "all-images").assert_outcomes(failed=1, deselected=2)


def test_a_runtime_that_raises_leaves_the_others(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Its own tests fail with its message, the other runtime's pass."""
    write_suite(onnx="healthy", tflite="broken")
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*tflite: raised while it ran: *the accelerator fell off*"])


def test_a_missing_runtime_is_skipped_with_the_reason(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The reason says what is not installed."""
    write_suite(onnx="healthy", phone="missing")
    result = pytester.runpytest("-rs")
    result.assert_outcomes(passed=3, skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED*tflite-runtime*"])


@pytest.mark.parametrize("required", ["phone", "all"])
def test_a_required_runtime_that_is_missing_fails(
    pytester: pytest.Pytester, write_suite: WriteSuite, required: str
) -> None:
    """--parity-require turns the skip into a failure."""
    write_suite(onnx="healthy", phone="missing")
    result = pytester.runpytest("--parity-require", required)
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*phone is required by --parity-require: *"])


def test_a_suite_without_a_runtime_to_judge_fails(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """A run in which everything was skipped is no pass."""
    write_suite(phone="missing")
    result = pytester.runpytest()
    result.assert_outcomes(skipped=2, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["parts: expected a candidate to judge, found none: phone was skipped"]
    )


def test_a_reference_that_cannot_run_fails_every_test(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """Without a reference nothing was judged, so nothing passes."""
    home = write_suite(onnx="healthy")
    file = home / "parity.toml"
    file.write_text(file.read_text().replace("network:reference", "network:absent"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*native: expected 'module:function'*found 'network:absent'*"])


def test_the_summary_shows_every_runtime(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """The table stands at the end of pytest's own output."""
    write_suite(onnx="healthy", tflite="moved")
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["*parity: parts*", "*onnx *pass*", "*tflite *fail*"])


def test_numbers_reach_junit(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """Counts and spreads are properties of the test case."""
    write_suite(onnx="healthy")
    pytester.runpytest("--junit-xml=out.xml")
    text = (pytester.path / "out.xml").read_text()
    assert '<property name="parity_pairs" value="2" />' in text
    assert '<property name="parity_pairs" value="4" />' in text
    assert '<property name="parity_share_lost" value="0/4" />' in text


def test_a_reason_is_told_once(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """Of ten tests that fail for it, the first tells it, the others which that is."""
    home = write_suite(onnx="healthy", tflite="healthy", other="broken")
    (home / "network.py").write_text("import no_such_library\n")
    result = pytester.runpytest()
    result.assert_outcomes(failed=9)
    told = result.stdout.str().partition("short test summary")[0]
    assert told.count("No module named 'no_such_library'") == 2  # below the table too
    same = "tflite: could not be judged, for the same reason as parity.toml::onnx::images/0.png"
    assert told.count(same) == 3


def test_images_that_fail_alike_are_told_once(
    pytester: pytest.Pytester, write_suite: WriteSuite
) -> None:
    """A network that raises on each: the first image tells it."""
    write_suite(onnx="broken")
    result = pytester.runpytest()
    told = result.stdout.str().partition("all-images")[0]
    assert told.count("the accelerator fell off") == 1
    assert "for the same reason as parity.toml::onnx::images/0.png" in told
