"""The processes of a worker: starting them, hearing how they ended, leaving nothing of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity import environments
from parity.isolation import folders
from parity.isolation.folders import Folders
from parity.isolation.launch import Launch
from parity.runtimes.contract import AdapterError

_START = Path(__file__).parents[1] / "worker" / "start.py"
_GRACE = 10.0  # seconds for a keeper to kill, clear up and say so


@dataclass(frozen=True, eq=False)
class Processes:
    """A keeper and its worker, with both sockets that lead to them."""

    keeper: subprocess.Popen[bytes]
    control: socket.socket
    lifeline: socket.socket
    folders: Folders
    log: Path

    def end(self, at_once: bool) -> dict[str, Any]:
        """Kill what still runs (``at_once``, or when it does not end by itself) and clear up.

        Returns the keeper's report; ``ended_by_us`` alone where it could make none.
        """
        report: dict[str, Any] = {}
        if not at_once:
            report = _report(self.lifeline, 1.0)
        with contextlib.suppress(OSError):
            self.lifeline.shutdown(socket.SHUT_WR)
        if not report:
            report = _report(self.lifeline, _GRACE)
            report["ended_by_us"] = True
        try:
            self.keeper.wait(_GRACE if "signal" in report else 1.0)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.keeper.pid, signal.SIGKILL)
            self.keeper.wait()
        self.control.close()
        self.lifeline.close()
        return report

    def words(self) -> str:
        """What the interpreter itself complained of, before there was a worker."""
        try:
            return self.log.read_text("utf-8", "replace")[-4096:]
        except OSError:
            return ""

    def clear(self) -> None:
        """Remove the files."""
        self.folders.remove()
        self.folders.unlock()


def start(launch: Launch, owner: object) -> tuple[Processes, weakref.finalize[Any, Any]]:
    """Start keeper and worker; they end with ``owner`` at the latest, by the finalizer returned."""
    if not hasattr(os, "fork"):
        why = "runtimes in processes of their own need Linux or macOS"
        raise AdapterError("missing-library", library="", install="", reason=why)
    made = folders.make()
    control, theirs = socket.socketpair()
    lifeline, keepers = socket.socketpair()
    log = made.scratch / "start.log"
    flags = ["-u", *(["-I"] if launch.foreign else [])]
    if launch.foreign:  # compiled adapters stay out of this installation
        flags += ["-X", f"pycache_prefix={launch.python.parents[1] / 'pycache'}"]
    numbers = [str(theirs.fileno()), str(keepers.fileno()), str(launch.memory or 0)]
    command = [str(launch.python), *flags, str(_START), *numbers, *map(str, made.tensors)]
    try:
        with log.open("wb") as words:
            keeper = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                pass_fds=(theirs.fileno(), keepers.fileno()),
                start_new_session=True,
                env={**_variables(launch), "TMPDIR": str(made.scratch)},
            )
    except OSError as error:
        made.remove()
        made.unlock()
        control.close()
        lifeline.close()
        why = f"expected {launch.python} to start, found: {error.strerror}{rebuilt(launch)}"
        raise AdapterError("broken-library", library="", install="", reason=why) from error
    finally:
        theirs.close()
        keepers.close()
    processes = Processes(keeper, control, lifeline, made, log)
    return processes, weakref.finalize(owner, _finish, processes)


def rebuilt(launch: Launch) -> str:
    """What to do about an interpreter that is not as it was built."""
    name = launch.python.parents[1].name
    return f"; remove it (parity env remove {name}), it is built again then" * launch.foreign


def _variables(launch: Launch) -> Mapping[str, str]:
    """What a worker starts finds the worker's Python, not this one's."""
    return (
        environments.within(launch.python.parents[1], os.environ) if launch.foreign else os.environ
    )


def _finish(processes: Processes) -> None:
    processes.end(at_once=True)
    processes.clear()


def _report(lifeline: socket.socket, seconds: float) -> dict[str, Any]:
    """The one object that the keeper sends; empty where it sends none in time."""
    received = b""
    lifeline.settimeout(seconds)
    with contextlib.suppress(OSError, ValueError):
        while not received.endswith(b"\n"):
            chunk = lifeline.recv(65536)
            if not chunk:
                break
            received += chunk
        found = json.loads(received)
        return found if isinstance(found, dict) else {}
    return {}
