"""How a worker ended, as a failure with facts."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any

from parity.runtimes.contract import AdapterError
from parity.worker.serving import OUT_OF_MEMORY

LINES = 20  # of what it wrote last
_NOT_TEXT = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def timed_out(seconds: float, report: Mapping[str, Any]) -> AdapterError:
    """It was stopped because it took longer than it may."""
    return AdapterError("timed-out", seconds=seconds, output=_lines(report))


def lost(limit: int | None, report: Mapping[str, Any], log: str) -> AdapterError:
    """It ended while it was needed; ``report`` is the keeper's, or empty, ``log`` its own words."""
    found = report.get("memory")
    if found is not None or (limit is not None and report.get("code") == OUT_OF_MEMORY):
        return AdapterError("out-of-memory", limit=limit, found=found, output=_lines(report))
    output = _lines(report) or _lines({"tail": log})
    return AdapterError("worker-lost", how=_how(report), output=output)


def garbled(found: str, report: Mapping[str, Any]) -> AdapterError:
    """Something else than answers came over the control socket."""
    how = f"sent something that is no answer ({found!r})"
    return AdapterError("worker-lost", how=how, output=_lines(report))


def _how(report: Mapping[str, Any]) -> str:
    number, code = report.get("signal"), report.get("code")
    if number is not None:
        name = _signal_name(number)
        if number == signal.SIGKILL and report.get("ended_by_us"):
            return "closed the connection on which it answers, and was stopped,"
        if number == signal.SIGKILL:
            return f"was killed ({name}: by hand, or by a system that was out of memory)"
        return f"crashed with signal {number} ({name})"
    if code is not None:
        return f"ended by itself with exit code {code}"
    return "is gone without a word"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def _lines(report: Mapping[str, Any]) -> tuple[str, ...]:
    """The last lines that are not empty, without colours and control characters, each bounded."""
    lines = _NOT_TEXT.sub("", str(report.get("tail", "")).replace("\r", "\n")).splitlines()
    return tuple(line.rstrip()[:300] for line in lines if line.strip())[-LINES:]
