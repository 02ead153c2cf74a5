"""Signals that ask a process to end: SIGTERM of ``timeout``, SIGHUP of a closed terminal."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_ASKED = ("SIGTERM", "SIGHUP")


class Ended(KeyboardInterrupt):
    """One of them came; whoever handles Ctrl-C handles it too."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"ended by {signal.Signals(number).name}")


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Inside, these signals interrupt the work, so that it leaves a report of what was judged.

    Those that somebody ignores or handles already are left alone; a second one ends the process.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _ASKED if hasattr(signal, name)]
        asked = [one for one in numbers if signal.getsignal(one) is signal.SIG_DFL]
        before = {one: signal.signal(one, _end) for one in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 and the number of the signal, as shells say it; Ctrl-C is SIGINT."""
    ended = stop if isinstance(stop, Ended) else stop.__cause__
    return 128 + (ended.number if isinstance(ended, Ended) else signal.SIGINT)


def words(stop: KeyboardInterrupt) -> str:
    """Why the work was interrupted."""
    ended = stop if isinstance(stop, Ended) else stop.__cause__
    return str(ended) if isinstance(ended, Ended) else "interrupted"


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise Ended(number)
