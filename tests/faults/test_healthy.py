"""No false alarm: every bundled runtime agrees with its reference."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from planting import GOLDEN, Fault, Planted

from parity.harness import Run
from parity.record import RuntimeRecord
from parity.session import missing
from parity.suite import load

DETECTORS = ("parts_free", "parts_ssd")
RUNTIMES = [
    (detector, name) for detector in DETECTORS for name in load(GOLDEN / detector).candidates
]
IMAGES = 3  # of a runtime whose every image is its own verdict; a budget needs them all
Judge = Callable[[str, str], RuntimeRecord]


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """Judges one runtime of a bundled suite; its reference is opened once."""
    runs: dict[tuple[str, int], Run] = {}

    def record(detector: str, name: str) -> RuntimeRecord:
        suite = load(GOLDEN / detector)
        count = IMAGES if suite.runtimes[name].tolerance.strict else len(suite.images)
        if (detector, count) not in runs:
            runs[detector, count] = Run(replace(suite, images=suite.images[-count:]))
        return runs[detector, count].runtime(name)

    yield record
    for run in runs.values():
        run.close()


@pytest.mark.parametrize(("detector", "name"), RUNTIMES)
def test_a_bundled_runtime_agrees(judge: Judge, detector: str, name: str) -> None:
    """A pass, with neither notes nor hints."""
    suite = load(GOLDEN / detector)
    reason = missing(suite.runtimes[suite.reference]) or missing(suite.runtimes[name])
    if reason:
        pytest.skip(reason)
    record = judge(detector, name)
    assert (record.verdict, record.reason) == ("pass", "")
    assert (record.notes, record.hints) == ((), ())


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_planted_suites_are_healthy_without_a_fault(tmp_path: Path, detector: str) -> None:
    """The control of every test in this folder: an unchanged copy agrees with itself."""
    record = Planted(tmp_path, {"copy": Fault()}, detector=detector, images=2).judge("copy")
    (note,) = record.notes
    assert (record.verdict, record.hints) == ("pass", ())
    assert note.startswith("copy.onnx is byte for byte healthy.onnx, the reference's own file")
    assert record.statistics is not None
    assert record.statistics.pairs > 0
