"""Exporters chat on every channel there is. What they print is kept aside, for when they fail."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from types import TracebackType
from typing import Self

_LINES = 5


class Console:
    """Inside, standard output and error (also of native code) go to a temporary file."""

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        self._file = self._stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
        self._stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for number in (1, 2):
            self._redirect(number)
        self._stack.enter_context(contextlib.redirect_stdout(self._file))
        self._stack.enter_context(contextlib.redirect_stderr(self._file))
        return self

    def _redirect(self, number: int) -> None:
        try:
            saved = os.dup(number)
        except OSError:  # a process without that descriptor has nothing to quieten
            return
        _flush()
        os.dup2(self._file.fileno(), number)
        self._stack.callback(_restore, saved, number)

    def tail(self) -> list[str]:
        """The last lines that were printed."""
        self._file.flush()
        self._file.seek(0)
        lines = [line.strip()[:300] for line in self._file.read().splitlines()]
        return [line for line in lines if line][-_LINES:]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handler in list(logging.root.handlers):  # made inside by a library, for good
            if getattr(handler, "stream", None) is self._file:
                logging.root.removeHandler(handler)
        self._stack.close()


def _restore(saved: int, number: int) -> None:
    _flush()
    os.dup2(saved, number)
    os.close(saved)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
