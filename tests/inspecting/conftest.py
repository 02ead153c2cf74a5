"""The model files of every kind, made once a session; and the harness around ``inspect``."""

from __future__ import annotations

from pathlib import Path

import model_files
import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real files of every kind; skips, with the reason, where a framework is missing."""
    for library in ("onnx", "tensorflow", "keras", "torch"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("models")
    model_files.make_all(folder)
    return folder
