"""What a worker is started with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from parity.suite import RuntimeTable

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True)
class Launch:
    """How a worker runs.

    ``runtime`` is the name that its failures bear.
    ``python`` is the interpreter's executable. ``foreign`` says that it belongs to an environment
    of its own, where nothing of this process's paths and variables must be seen. ``timeout`` is in
    seconds an image, ``memory`` in bytes that the worker may occupy (resident, at its peak, with
    Python, the library and every process that it starts); None is no limit.
    """

    runtime: str = ""
    python: Path = Path(sys.executable)
    foreign: bool = False
    timeout: float | None = None
    memory: int | None = None

    @property
    def patience(self) -> float | None:
        """Seconds for anything but a run: libraries are slow to import, layers many."""
        return None if self.timeout is None else max(60.0, 10 * self.timeout)


def is_isolated(table: RuntimeTable) -> bool:
    """Whether a runtime is asked to run apart from this process."""
    asked = (table.requires, table.python, table.memory_limit, table.timeout, table.isolated)
    return any(asked)


def memory_bytes(text: str) -> int:
    """The bytes of a ``memory_limit`` such as "512MiB"."""
    return int(text[:-3]) * _UNITS[text[-3:]]
