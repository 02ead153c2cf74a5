"""What a runtime offers: providers, delegates, devices, threads; asked in a process of its own.

A framework takes seconds and hundreds of megabytes, and a broken one may crash: so it is imported
elsewhere, under a time limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

_SECONDS = 120
_BEFORE = "import json, warnings\nwarnings.simplefilter('ignore')\n"
_AFTER = "\nprint('\\n' + json.dumps(found))\n"


@dataclass(frozen=True)
class Delegates:
    """The facts, or the reason why the library could not be asked."""

    facts: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def delegates(probe: str) -> Delegates:
    """Import a runtime's library in a process of its own and ask it (see ``Descriptor.probe``)."""
    if not probe:
        return Delegates()
    program = _BEFORE + probe + _AFTER
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", program],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=environment,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return Delegates(problem=f"its library did not load within {_SECONDS} s")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        return Delegates(problem=f"its library cannot be imported: {lines[-1].strip()[:300]}")
    return Delegates(json.loads(done.stdout.splitlines()[-1]))
