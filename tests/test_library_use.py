"""``import parity``: what is asked for in Python is judged, or refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import parity
from tests.cli.cli_suites import write_suite

NAN, INF = float("nan"), float("inf")


def found(*boxes: tuple[float, ...], classes: object = None) -> parity.Detections:
    """Detections of score 0.9."""
    given = np.zeros(len(boxes)) if classes is None else np.array(classes)
    return parity.Detections(np.array(boxes), np.full(len(boxes), 0.9), given)


HERE, THERE = found((0, 0, 10, 10)), found((5, 5, 15, 15))


@pytest.mark.parametrize("wanted", ["gold", "GOLDEN", "native", ""])
def test_an_unknown_reference_is_no_other_one(tmp_path: Path, wanted: str) -> None:
    """Who misspells the golden is not judged against something else."""
    suite = write_suite(tmp_path / "s", {"a": "same"})
    with pytest.raises(parity.UsageError, match="reference: expected one of auto, golden, found"):
        parity.check(suite, reference=wanted)
    assert parity.check(suite, reference="auto").verdict == "pass"


def test_runtimes_may_be_any_names(tmp_path: Path) -> None:
    """One name as a text, and names of which there is but one way to read them."""
    suite = write_suite(tmp_path / "s", {"a": "same", "b": "lower"})
    for names in ("b", ["b"], iter(["b"]), {"b"}):
        record = parity.check(suite, names)  # type: ignore[arg-type]
        assert [one.name for one in record.runtimes] == ["b"]
        assert record.verdict == "fail"


def test_no_runtime_is_no_pass(tmp_path: Path) -> None:
    """A list that turned out empty judges nothing."""
    suite = write_suite(tmp_path / "s", {"a": "same"})
    record = parity.check(suite, ())
    assert (record.verdict, record.exit_code, record.partial) == ("error", 3, True)


@pytest.mark.parametrize("threshold", [NAN, INF, -INF])
def test_a_threshold_that_is_no_score_hides_no_difference(threshold: float) -> None:
    """Nothing is above NaN, so that any two sets would agree."""
    with pytest.raises(parity.UsageError, match="threshold: expected a score, found"):
        parity.assert_agreement(HERE, THERE, threshold=threshold)
    parity.assert_agreement(HERE, HERE, threshold=0.5)
    with pytest.raises(AssertionError):
        parity.assert_agreement(HERE, THERE, threshold=0.5)


@pytest.mark.parametrize("scale", [(NAN, 1.0), (0.0, 0.0), (-1.0, 1.0), (INF, 1.0)])
def test_a_scale_that_is_none_is_refused(scale: tuple[float, float]) -> None:
    """Corners are compared in pixels of the input."""
    with pytest.raises(parity.UsageError, match="scale: expected two factors above 0"):
        parity.compare(HERE, THERE, scale=scale)
    assert not parity.compare(HERE, HERE, scale=(0.5, 0.5)).findings


@pytest.mark.parametrize("classes", [[0.5], [NAN], [1.0017]])
def test_a_class_that_is_no_whole_number_becomes_no_other_class(classes: list[float]) -> None:
    """1.7 would become 1 in silence, and a flip would go unseen."""
    with pytest.raises(ValueError, match="expected classes that are whole numbers, found 1"):
        found((0, 0, 1, 1), classes=classes)


def test_a_class_that_is_a_whole_number_may_be_a_float() -> None:
    """The healthy twin: as most programs write it."""
    assert found((0, 0, 1, 1), classes=[3.0]).classes.tolist() == [3]
