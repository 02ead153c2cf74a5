"""The runtime does not answer the question: another image's answer, another one every time."""

from pathlib import Path

import pytest
from planting import Fault, Planted, agreeing, assert_told_apart

FAULTS = {
    "previous": Fault(
        impostor="previous", says=("it gives two answers", "the first is that of the image before")
    ),
    "dice": Fault(
        impostor="dice", says=("it gives two answers", "it depends on chance, or on what was run")
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_answer_that_does_not_hold_is_named(tmp_path: Path, name: str) -> None:
    """It is run twice on one image; no other cause is looked for in answers that change."""
    suite = Planted(tmp_path, {name: FAULTS[name]})
    assert_told_apart(suite, name)
    assert agreeing(suite.judge(name)) == ()


def test_a_slow_runtime_is_not_asked_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where time is up no reading is tried and none is named; the verdict is what it was."""
    monkeypatch.setattr("parity.diagnosis.probes.SECONDS", -1.0)
    fault = Fault(table='preprocess = { color = "BGR" }', says=("color is declared as 'BGR'",))
    assert_told_apart(Planted(tmp_path, {"slow": fault}, images=2), "slow")
