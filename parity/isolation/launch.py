"""What a worker is started with."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from parity import environments, runtimes
from parity.runtimes.contract import AdapterError
from parity.suite import Runtime, RuntimeTable

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True)
class Launch:
    """How a worker runs.

    ``runtime`` is the name that its failures bear.
    ``python`` is the interpreter's executable. ``foreign`` says that it belongs to an environment
    of its own, where nothing of this process's paths and variables must be seen; ``version`` is
    the Python that it must be ("3.9"), "" where any will do. ``timeout`` is in
    seconds an image, ``memory`` in bytes that the worker may occupy (resident, at its peak, with
    Python, the library and every process that it starts); None is no limit.
    """

    runtime: str = ""
    python: Path = Path(sys.executable)
    foreign: bool = False
    version: str = ""
    timeout: float | None = None
    memory: int | None = None

    @property
    def patience(self) -> float | None:
        """Seconds for anything but a run: libraries are slow to import, layers many."""
        return None if self.timeout is None else max(60.0, 10 * self.timeout)


def is_isolated(table: RuntimeTable) -> bool:
    """Whether a runtime is asked to run apart from this process."""
    asked = (table.requires, table.python, table.memory_limit, _timeout(table), table.isolated)
    return any(asked)


def _timeout(table: RuntimeTable) -> float | None:
    """The timeout that a worker's end must see to; a program is ended by its adapter."""
    if table.timeout is None or runtimes.descriptor(table.kind).ends_itself:
        return None
    return table.timeout


def is_foreign(runtime: Runtime) -> bool:
    """Whether a runtime has an environment of its own."""
    return bool(runtime.table.requires or runtime.table.python)


def unavailable(runtime: Runtime) -> str | None:
    """Why the runtime's environment cannot be had here; else None, and then it is there."""
    found = _environment(runtime)
    return found if isinstance(found, str) else None


def launch(runtime: Runtime) -> Launch:
    """How the worker of a runtime is started. Raises ``AdapterError`` where that is impossible."""
    table = runtime.table
    limit = None if table.memory_limit is None else memory_bytes(table.memory_limit)
    found = Launch(runtime.name, timeout=_timeout(table), memory=limit)
    if not is_foreign(runtime):
        return found
    own = _environment(runtime)
    if isinstance(own, str):
        raise AdapterError("missing-library", library="", install="", reason=own)
    return replace(found, python=own.python, foreign=True, version=own.request.python)


def memory_bytes(text: str) -> int:
    """The bytes of a ``memory_limit`` such as "512MiB"."""
    return int(text[:-3]) * _UNITS[text[-3:]]


def _environment(runtime: Runtime) -> environments.Environment | str:
    """The environment that a runtime asks for, or why there is none."""
    try:
        request = environments.Request.of(runtime.table.requires, runtime.table.python)
    except environments.Unavailable as error:
        return str(error)
    return _made(request, environments.root())


@functools.cache
def _made(request: environments.Request, root: Path) -> environments.Environment | str:
    """An environment, or why there is none: tried once in a process and cache."""
    try:
        return environments.ensure(request, _tell)
    except environments.Unavailable as error:
        return str(error)


def _tell(line: str) -> None:
    """A build takes minutes, so it shows what it does."""
    sys.stderr.write(f"parity: {line}\n")
    sys.stderr.flush()
