"""What every format answers: one file, opened and parsed at most once, and three views of it."""

import os
from typing import Iterable, NamedTuple, Optional, Tuple

from .content import Content
from .contents import Contents
from .source import Unreadable

HEAD = 4096  # bytes by which a file is recognised


class Start(NamedTuple):
    """What a format is asked about: where the file is, its size, and how it begins."""

    path: str
    size: int
    head: bytes


class ModelFile:
    """One file or folder; a format says what it knows in ``_scan`` and ``_contents``.

    ``content`` is what it is. Close it when done, or use it in a ``with`` statement.
    """

    def __init__(self, path: str, content: Content) -> None:
        self.path = path
        self.content = content
        self._scanned: Optional[Tuple[Tuple[str, ...], bool]] = None

    def findings(self) -> Tuple[str, ...]:
        """What loading it would run beyond tensor operations, one sentence each; never raises.

        What cannot be read cannot be judged either, and is a finding of its own.
        """
        return self._once()[0]

    def damaged(self) -> bool:
        """Whether it cannot be scanned because it is cut off or corrupt: trust mends nothing."""
        return self._once()[1]

    def faults(self) -> Tuple[str, ...]:
        """What is wrong with it before it is read, each with what to do; then it is not read."""
        return ()

    def describe(self) -> Optional[Contents]:
        """What is in it, None for what is no model; broken promises of the bytes are a fault.

        Raises OSError where the file cannot be read.
        """
        try:
            return self._contents()
        except OSError:
            raise
        except Exception as error:  # damaged bytes fail in any way
            why = str(error)[:300] or type(error).__name__
            fault = f"it is cut off or damaged: {why}; copy or export it again"
            return Contents(f"{self.content.phrase} that is damaged", faults=(fault,))

    def close(self) -> None:
        """Let go of what was opened."""

    def __enter__(self) -> "ModelFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _scan(self) -> Iterable[str]:
        """The findings; what it raises becomes one."""
        return ()

    def _contents(self) -> Optional[Contents]:
        """The description; what it raises becomes a fault."""
        return None

    def _is_damage(self, error: Exception) -> bool:
        """Whether the scan's failure says that the file is cut off or corrupt."""
        return isinstance(error, (Unreadable, EOFError))

    def _is_cut(self, findings: Tuple[str, ...]) -> bool:
        """Whether all that was found is that the file is cut off."""
        return False

    def _once(self) -> Tuple[Tuple[str, ...], bool]:
        if self._scanned is None:
            try:
                found = tuple(dict.fromkeys(self._scan()))
                self._scanned = found, bool(found) and self._is_cut(found)
            except Exception as error:
                said = f"it cannot be scanned: {str(error)[:200] or type(error).__name__}"
                self._scanned = (said,), self._is_damage(error)
        return self._scanned


def start(path: str) -> Start:
    """The beginning of a file."""
    with open(path, "rb") as handle:
        return Start(path, os.fstat(handle.fileno()).st_size, handle.read(HEAD))
