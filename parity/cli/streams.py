"""Where text goes: results to the standard output, everything else to the standard error."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

Tell = Callable[[str, int, int], None]


def say(text: str) -> None:
    """Print results."""
    _write(sys.stdout, text)


def error(message: str) -> None:
    """Print what went wrong."""
    from parity.report.text import lines

    first, *rest = lines(message)
    _write(sys.stderr, "\n".join([f"error: {first}", *rest]) + "\n")


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
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _flush() -> None:
    """Write out what Python and the C library still hold for whichever file 1 is now."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
