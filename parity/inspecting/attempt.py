"""One attempt to open a file in one runtime, in a process of its own, and what came of it.

``attempt`` is the only place where a framework meets a file that is merely looked at; whatever
else can isolate a runtime may replace it. Nothing is ever trusted here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 120
_MEMORY = 4 * 2**30  # bytes of data of the process, beside six times the file


@dataclass(frozen=True)
class Attempted:
    """Whether the runtime opened the file, and else what it said."""

    loads: bool
    reason: str = ""


def attempt(kind: str, path: Path, seconds: float = SECONDS) -> Attempted:
    """Open ``path`` in a runtime of this kind; a crash or a hang of it becomes a reason."""
    memory = _MEMORY + 6 * path.stat().st_size if path.is_file() else _MEMORY
    command = [sys.executable, "-P", "-m", __name__, kind, str(path.absolute()), str(memory)]
    with tempfile.TemporaryFile() as answers, tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            [*command, str(answers.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            pass_fds=(answers.fileno(),),
            start_new_session=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return Attempted(False, f"it did not open within {seconds:g} s")
        finally:  # also when the user interrupts
            process.kill()
            process.wait()
        answers.seek(0)
        answer = answers.read()
        if answer:
            return Attempted(**json.loads(answer))
        printed.seek(0)
        said = printed.read()[-4096:].decode("utf-8", "replace").strip().splitlines()
    return Attempted(False, _died(code, said))


def _why(code: str, facts: Mapping[str, Any]) -> str:
    """The cause, as far as it is known, and the library's own words."""
    words = str(facts.get("reason") or facts)
    if code == "not-registered" and facts.get("lacks") == "kernel":
        return f"it has no kernel of the op {facts['name']} for these types: {words}"
    if code == "not-registered":
        return f"the {facts['what']} {facts['name']} is not registered: {words}"
    if code == "version" and "too" in facts:
        return f"{facts['what']} {facts['found']} is too {facts['too']}: {words}"
    return words


def _died(code: int, said: list[str]) -> str:
    last = f": {said[-1][:300]}" if said else ""
    if code < 0:
        return f"it crashes the runtime ({signal.Signals(-code).name}){last}"
    return f"the runtime ended with exit code {code}{last}"


def main(kind: str, path: str, memory: str, descriptor: str) -> None:
    """The other process: open, answer on the descriptor, end."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    from parity import runtimes
    from parity.runtimes.contract import AdapterError, Artifact

    try:
        runtimes.load(kind)(Artifact(model=path)).close()
        answer = Attempted(True)
    except AdapterError as error:
        answer = Attempted(False, _why(error.code, error.facts))
    except MemoryError:
        answer = Attempted(False, f"it needs more memory than {int(memory) >> 20} MiB")
    os.write(int(descriptor), json.dumps(vars(answer)).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
