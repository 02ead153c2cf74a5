"""The keeper: watches over one worker, and leaves nothing of it behind, however it ends.

It is forked off before anything is imported that starts threads, and does so little that nothing
can happen to it. Standard library only.
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

KEPT = 16384  # bytes of what the worker wrote last
POLL = 0.02  # seconds between two looks at the memory
_LOOKS, _MOMENT = 4, 0.005  # more looks at once, and seconds between them, where it is too much
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

Serve = Callable[[int, int, Sequence[str]], None]


def keep(control: int, lifeline: int, limit: int, folders: Sequence[str], serve: Serve) -> int:
    """Fork the worker, which calls ``serve``; stay with it until it ends or the other side does."""
    lifeline = os.dup(lifeline)  # a low number, which ``select`` can wait for
    written, pen = os.pipe()
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(alarm)
    keeper = os.getpid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what the worker leaves behind stays in the family
    worker = os.fork()
    if worker == 0:
        for descriptor in (lifeline, written, wake, alarm):
            os.close(descriptor)
        _become_worker(keeper, pen)
        serve(control, limit, folders)
        return 0
    os.close(control)
    os.close(pen)
    try:
        report = _watch(worker, lifeline, written, wake, limit)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.write(lifeline, json.dumps(report).encode() + b"\n")
    for process in _descendants():  # also those that lead a group of their own
        _kill(process)
    os.killpg(0, signal.SIGKILL)  # the keeper too
    return 0


def _become_worker(keeper: int, pen: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:  # it was gone before it could be watched
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (pen, 1), (pen, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(pen)


def _prctl(option: int, value: int) -> None:
    """Linux alone has it; elsewhere it is done without."""
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(option, value)


def _watch(worker: int, lifeline: int, written: int, wake: int, limit: int) -> Dict[str, Any]:
    """Until the worker ends: how it did, what it wrote last, its memory where that was too much."""
    tail = b""
    excess = None
    suspected = False
    listening = [lifeline, written, wake]
    while True:
        ready, _, _ = select.select(listening, [], [], POLL if limit else None)
        if written in ready:
            chunk = os.read(written, 65536)
            tail = (tail + chunk)[-KEPT:]
            if not chunk:
                listening.remove(written)
        if lifeline in ready:
            listening.remove(lifeline)
            _kill(worker)
        if limit and excess is None:
            occupied, alone = _settled(worker, limit)
            # A process that is just being forked seems to have all that its parent has.
            if occupied > limit and (alone or suspected):
                excess = occupied
                _kill(worker)
            suspected = occupied > limit
        if wake in ready:
            os.read(wake, 512)
        status = _ended(worker)
        if status is not None:
            tail = (tail + _rest(written))[-KEPT:]
            return {**_outcome(status), "memory": excess, "tail": tail.decode("utf-8", "replace")}


def _ended(worker: int) -> Optional[int]:
    """How the worker ended; None while it runs. What it has left behind is buried on the way."""
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == worker:
                return status
            if not process:
                return None
    return None


def _settled(worker: int, limit: int) -> Tuple[int, bool]:
    """What ``_occupied`` says once it holds: a child that is just being made is past it soon."""
    found = _occupied(worker)
    for _ in range(_LOOKS):
        if found[1] or found[0] <= limit:
            break
        time.sleep(_MOMENT)
        found = _occupied(worker)
    return found


def _occupied(worker: int) -> Tuple[int, bool]:
    """The memory in bytes of the worker and its descendants, and whether it has none.

    Its own peak at least; several processes have what they share only once.
    """
    if _descendants() == [worker]:
        return peak(worker), True
    return max(peak(worker), sum(_shares(child, b"") for child in children(os.getpid()))), False


def _shares(process: int, above: bytes) -> int:
    """What a process and its descendants occupy now; ``above`` is its parent's entry in /proc.

    Between ``vfork`` and ``exec`` a child runs in its parent's memory, and its entry is the same.
    """
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            entry = file.read()
    except OSError:
        entry = b""
    own = 0 if entry and entry == above else share(process)
    return own + sum(_shares(child, entry) for child in children(process))


def _descendants() -> List[int]:
    """The worker and whatever descends from it, also from what has ended meanwhile."""
    return list(family(os.getpid()))[1:]


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _rest(written: int) -> bytes:
    """What is still in the pipe; nobody waits for processes that the worker has left behind."""
    found = b""
    os.set_blocking(written, False)
    with contextlib.suppress(OSError):
        while True:
            chunk = os.read(written, 65536)
            if not chunk:
                break
            found = (found + chunk)[-KEPT:]
    return found


def _outcome(status: int) -> Dict[str, Optional[int]]:
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status), "code": None}
    return {"signal": None, "code": os.WEXITSTATUS(status)}


def family(process: int) -> Iterator[int]:
    """A process and those that descend from it; only itself where the system does not tell."""
    yield process
    for child in children(process):
        yield from family(child)


def children(process: int) -> List[int]:
    """The processes that a process has started; none where the system does not tell."""
    folder = f"/proc/{process}/task"
    found: List[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(folder):
            with contextlib.suppress(OSError), open(f"{folder}/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def share(process: int) -> int:
    """The memory in bytes that a process occupies now, of what it shares its part alone."""
    try:
        with open(f"/proc/{process}/smaps_rollup", "rb") as file:
            return int(file.read().partition(b"\nPss:")[2].split(None, 1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        return peak(process)


def peak(process: int) -> int:
    """The most memory in bytes that a process has occupied so far (resident); 0 where unknown.

    Where there is no /proc a process knows it of itself only.
    """
    try:
        with open(f"/proc/{process}/status", "rb") as file:
            return int(file.read().partition(b"VmHWM:")[2].split(None, 1)[0]) * 1024
    except (OSError, ValueError, IndexError):  # another system, or the process is gone
        if process != os.getpid():
            return 0
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
