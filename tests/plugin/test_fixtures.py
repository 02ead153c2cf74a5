"""The fixtures with which people write parity tests of their own."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import WriteSuite


def test_parity_run_judges_an_image(pytester: pytest.Pytester, write_suite: WriteSuite) -> None:
    """A run gives records to assert on."""
    write_suite("models", onnx="bright")
    pytester.makepyfile(
        """
        def test_own(parity_run):
            run = parity_run("models/parity.toml")
            assert run.image("onnx", "images/0.png").verdict == "pass"
            assert run.runtime("onnx").verdict == "fail"
        """
    )
    pytester.runpytest("test_parity_run_judges_an_image.py").assert_outcomes(passed=1)


def test_assert_agreement_passes_equal_sets(pytester: pytest.Pytester) -> None:
    """A set agrees with itself."""
    pytester.makepyfile(
        """
        from parity import Detections

        def test_own(assert_agreement):
            found = Detections([[0, 0, 10, 10]], [0.9], [1])
            assert_agreement(found, found)
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("tolerance", ["float32", "int8"])
def test_assert_agreement_tells_what_is_lost(pytester: pytest.Pytester, tolerance: str) -> None:
    """A lost box is an AssertionError with the row."""
    pytester.makepyfile(
        f"""
        from parity import Detections

        def test_own(assert_agreement):
            expected = Detections([[0, 0, 10, 10]], [0.9], [1])
            assert_agreement(expected, Detections.empty(), "{tolerance}")
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: found on these detections disagrees*", "*lost*"])
