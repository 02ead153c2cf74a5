"""Signals that ask a command to end leave a report of what was judged, as Ctrl-C does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parity.cli import main
from tests.cli.cli_suites import write_suite

KILLED_LATER = """

def killed_later(feeds):
    \"\"\"Somebody sends the signal while the second image, which is brighter, is run.\"\"\"
    import os

    if feeds["image"].max() > 0:
        os.kill(os.getpid(), NUMBER)
    return same(feeds)
"""


def killed(folder: Path, number: int) -> Path:
    """A suite that holds, and whose function ``killed_later`` asks to end on the second image."""
    suite = write_suite(folder, {"a": "same"})
    networks = suite / "networks.py"
    later = KILLED_LATER.replace("NUMBER", str(number))
    networks.write_text(networks.read_text() + later)
    return suite


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_command_that_is_asked_to_end_leaves_a_report(tmp_path: Path, name: str) -> None:
    """The pass that stood there is no longer the last word; the code is that of the signal."""
    number = getattr(signal, name)
    suite = killed(tmp_path / "s", number)
    out = tmp_path / "out"
    assert main(["check", str(suite), "--report", str(out)]) == 0
    toml = suite / "parity.toml"
    toml.write_text(toml.read_text().replace(":same", ":killed_later"))
    found = subprocess.run(
        [sys.executable, "-m", "parity", "check", str(suite), "--report", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (128 + number, f"error: ended by {name}\n")
    assert f"tiny: partial (ended by {name}): not judged: a on images/001.png" in found.stdout
    data = json.loads((out / "tiny" / "results.json").read_text())
    assert (data["verdict"], data["scope"]["stopped"]) == ("partial", f"ended by {name}")
    assert data["earlier"]["verdict"] == "pass"


def test_signals_are_as_they_were_afterwards(tmp_path: Path) -> None:
    """Whoever calls the command in a process of their own keeps their handlers."""
    before = signal.getsignal(signal.SIGTERM)
    assert main(["check", str(write_suite(tmp_path / "s", {"a": "same"}))]) == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As ``nohup`` wants it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        suite = killed(tmp_path / "s", signal.SIGHUP)
        toml = suite / "parity.toml"
        toml.write_text(toml.read_text().replace(":same", ":killed_later"))
        assert main(["check", str(suite)]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
