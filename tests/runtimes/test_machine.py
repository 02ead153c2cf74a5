"""Facts of this machine that change numbers, in the identity of every runtime."""

from __future__ import annotations

import pytest

from parity.runtimes.shared.machine import VARIABLES, machine


def test_variables_that_change_numbers_unseen_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs with other kernels of one library say what differed between them."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert machine()["variables"] == {}
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("HOME", "/nowhere")
    assert machine()["variables"] == {"ATEN_CPU_CAPABILITY": "default"}
