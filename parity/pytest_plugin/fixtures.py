"""What people's own tests use."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from parity.detections import Detections
from parity.harness import Run
from parity.harness.comparing import assert_agreement
from parity.pytest_plugin.running import run_of
from parity.suite import load

__all__ = ["AssertAgreement", "OpenRun", "assert_agreement", "opener"]


class OpenRun(Protocol):
    """``parity_run(path)``: the run of a suite."""

    def __call__(self, path: Path | str) -> Run:
        """Open the suite at ``path``, relative to pytest's root."""
        ...


class AssertAgreement(Protocol):
    """``assert_agreement(expected, found, tolerance, threshold=...)``."""

    def __call__(
        self,
        expected: Detections,
        found: Detections,
        tolerance: str = "float32",
        *,
        threshold: float = 0.0,
    ) -> None:
        """Raise ``AssertionError`` where the two do not agree."""
        ...


def opener(config: pytest.Config) -> OpenRun:
    """The function behind the fixture ``parity_run``."""

    def open_run(path: Path | str) -> Run:
        return run_of(config, load(config.rootpath / path))

    return open_run
