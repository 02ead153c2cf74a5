"""A program run to its end, or ended: it and what it started never outlive the call.

On POSIX a program leads a process group of its own, which is killed as a whole, also where this
process is killed meanwhile; a process that leaves that group by itself (a daemon) is out of reach.
Elsewhere only the program is killed.
"""

import contextlib
import os
import re
import signal
import subprocess
import threading
from typing import IO, Iterator, NamedTuple, Optional, Sequence, Tuple

_KEPT = 1 << 13  # bytes of the standard error that are kept
_LINES = 5
_LONGEST = 300  # characters of a line
# Reads until the other end of its standard input is closed by whatever ends this process.
_GUARD = 'read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2"'
_UNSEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\x80-\U0010ffff\t]")


class Ended(NamedTuple):
    """How a program ended: its status, whether it was ended for being late, its last lines."""

    status: int
    late: bool
    lines: Tuple[str, ...]

    @property
    def how(self) -> str:
        """The status in words."""
        if self.status >= 0:
            return f"status {self.status}"
        try:
            return f"signal {signal.Signals(-self.status).name}"
        except ValueError:
            return f"signal {-self.status}"


def run(command: Sequence[str], folder: str, timeout: Optional[float], scratch: str) -> Ended:
    """Run a command in a folder for at most ``timeout`` seconds; nothing of it is left behind.

    ``scratch`` is the caller's, who removes it unless this process is killed before.
    """
    with reaping():
        return _run(command, folder, timeout, scratch)


@contextlib.contextmanager
def reaping() -> Iterator[None]:
    """Hear how programs end, also where whoever started this process had that ignored."""
    number = getattr(signal, "SIGCHLD", None)
    elsewhere = threading.current_thread() is not threading.main_thread()
    if number is None or elsewhere or signal.getsignal(number) != signal.SIG_IGN:
        yield
        return
    signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_IGN)


def _run(command: Sequence[str], folder: str, timeout: Optional[float], scratch: str) -> Ended:
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with guarded(process, scratch):
        tail = _Tail(process.stderr)
        late = _late(process, timeout)
    return Ended(process.returncode, late, tail.lines())


@contextlib.contextmanager
def guarded(process: "subprocess.Popen[bytes]", scratch: str) -> Iterator[None]:
    """Nothing of a program that leads a session outlives the block, or this process.

    In the block nobody waits for its end. ``scratch`` is removed where this process is killed.
    """
    guard = None
    try:
        guard = _guard(process, scratch)
        yield
    finally:  # also on an interrupt; what it started may still run when it has ended
        _kill(process)
        if guard is not None:
            guard.kill()  # before the program's number can be another's
            guard.communicate()
        process.wait()


def _guard(process: "subprocess.Popen[bytes]", scratch: str) -> Optional["subprocess.Popen[bytes]"]:
    """A shell that kills the program's group and removes ``scratch`` when this process is gone."""
    if os.name != "posix":
        return None
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(process.pid), scratch],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _late(process: "subprocess.Popen[bytes]", timeout: Optional[float]) -> bool:
    """Wait for the end of a program, which is killed when its time is over.

    A timer does that, as waiting with a timeout would look in only twenty times a second.
    """
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        _kill(process)

    timer = threading.Timer(timeout, kill) if timeout is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        wait(process)
    finally:
        if timer is not None:
            timer.cancel()
            timer.join()
    return killed.is_set()


def wait(process: "subprocess.Popen[bytes]") -> None:
    """Wait, but leave it a zombie: so long its number, and its group's, is nobody else's."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if not hasattr(os, "killpg"):
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


class _Tail:
    """Reads a stream to its end, so that nobody waits for it, and keeps the last of it."""

    def __init__(self, stream: Optional[IO[bytes]]) -> None:
        assert stream is not None
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # it may be closed meanwhile
            while True:
                block = os.read(self._stream.fileno(), 1 << 16)
                if not block:
                    return
                self._kept = (self._kept + block)[-_KEPT:]

    def lines(self) -> Tuple[str, ...]:
        """The last lines, without colours and other characters that cannot be seen."""
        self._thread.join(1.0)  # longer only if a daemon holds the stream
        if not self._thread.is_alive():
            self._stream.close()
        text = self._kept.decode("utf-8", "replace").replace("\r", "\n")
        kept = [_UNSEEN.sub("", line).strip()[:_LONGEST] for line in text.split("\n")]
        return tuple([line for line in kept if line][-_LINES:])
