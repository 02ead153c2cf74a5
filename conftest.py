"""Fixtures for the project's own tests; the plugin itself comes in through its entry point."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def _signals_are_heard() -> None:
    """Programs that tests start and interrupt: a shell's background job has these ignored."""
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def golden_suites() -> Path:
    """The folder of the bundled suites."""
    return ROOT / "golden"


@pytest.fixture(scope="session")
def zoo() -> Path:
    """The published detectors; skips, with the reason, where they are not at hand."""
    given = os.environ.get("PARITY_ZOO")
    if not given:
        pytest.skip("PARITY_ZOO is not set: no published detectors to compare with")
    return Path(given)
