"""The libraries without which nothing can be planted, and time enough on a busy machine."""

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reading is tried, however slow the machine is."""
    monkeypatch.setattr("parity.diagnosis.probes.SECONDS", 600.0)
