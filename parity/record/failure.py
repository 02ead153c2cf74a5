"""Why there is no verdict, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from parity.errors import HeadsError, ParityError

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")


@dataclass(frozen=True)
class Failure:
    """An error as data: its class, its message, the exit code it stands for, and its cause.

    ``cause`` is the word for scripts, see ``errors.py``; "" where an older version wrote the file.
    """

    kind: str
    message: str
    exit_code: int
    cause: str = ""

    @classmethod
    def of(cls, error: ParityError) -> Failure:
        """The record of an exception of this package."""
        return cls(type(error).__name__, str(error), error.exit_code, error.cause)

    @property
    def likeness(self) -> tuple[str, str]:
        """Equal for failures that differ only in what was seen on their image."""
        first = self.message.split("\n", 1)[0]
        return self.kind, _NUMBER.sub("0", first) if self._of_heads else first

    @property
    def _of_heads(self) -> bool:
        """Whether it tells the numbers of heads, of the runtime's own or of its reference."""
        return self.kind == HeadsError.__name__ or "\non this image they are" in self.message
