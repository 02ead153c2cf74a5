"""Where text goes: results to the standard output, everything else to the standard error."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from parity.errors import UsageError, why

Tell = Callable[[str, int, int], None]


def open_missing() -> None:
    """Give a process that was started without one of its standard streams the null device for it.

    Else the next file that is opened takes its number, and what native code prints goes there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def say(text: str) -> None:
    """Print results. Raises ``UsageError`` where the standard output takes none; then none is."""
    try:
        _write(sys.stdout, text)
    except OSError as failure:
        _silence(sys.stdout)
        raise UsageError(
            f"standard output: expected a place that takes the results, found {why(failure)}; "
            f"make room, or send them elsewhere"
        ) from None


def error(message: str) -> None:
    """Print what went wrong; where nobody can be told, the exit code says it."""
    from parity.report.text import lines

    first, *rest = lines(message)
    try:
        _write(sys.stderr, "\n".join([f"error: {first}", *rest]) + "\n")
    except OSError:
        _silence(sys.stderr)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads along, on something that can show colours."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what runtimes (native code too) print to the standard output to the standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            kept = os.dup(1)
        except OSError:  # there is no standard output
            yield
            return
        _flush()
        os.dup2(2, 1)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 1)
            os.close(kept)


@contextlib.contextmanager
def progress(title: str) -> Iterator[Tell | None]:
    """A bar on the standard error of a terminal; nothing elsewhere."""
    if not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from parity.report.text import clipped, printable

    columns = (
        TextColumn(escape(title)),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(text: str, done: int, total: int) -> None:
            bar.update(
                task, description=escape(clipped(printable(text))), completed=done, total=total
            )

        yield tell


def _write(stream: TextIO, text: str) -> None:
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError as failure:  # a terminal or pipe that is not UTF-8
            stream.write(text.encode(failure.encoding, "backslashreplace").decode(failure.encoding))
        stream.flush()
    except BrokenPipeError:  # whoever read, as `head` does, has seen enough: the verdict stands
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """Let go what a stream still holds and whatever comes: at its end Python would fail over it."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _flush() -> None:
    """Write out what Python and the C library still hold for whichever file 1 is now."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
