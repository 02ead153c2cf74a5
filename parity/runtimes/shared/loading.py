"""Opening a file: whatever a library raises on the way becomes an ``AdapterError``."""

import contextlib
import os
import warnings
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from ..contract import AdapterError
from . import refusals
from .reasons import reason
from .saving import Versions


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Libraries warn about themselves while they load; that is no news for a comparison."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Loading:
    """A context that turns whatever a library raises while it loads into an ``AdapterError``.

    ``explain`` reads a code and facts out of what was raised (see ``refusals``); ``library`` is
    the library's name and version for messages. ``versions`` says which version saved the file,
    which is the cause of ``version`` and a circumstance of ``not-loadable``.

    A file that is another one, or is longer or shorter, when it has been loaded is ``not-loadable``
    as well: what was scanned and what was loaded are two things then.
    """

    def __init__(
        self,
        path: str,
        expected: str,
        found: str,
        explain: Optional[Callable[[BaseException], Tuple[str, Dict[str, Any]]]] = None,
        library: str = "the library",
        versions: Optional[Callable[[], Versions]] = None,
    ) -> None:
        self._versions = versions
        self._facts = {"path": path, "expected": expected, "found": found, "library": library}
        self._explain = explain or refusals.reader(())
        self._before = _state(path)

    def __enter__(self) -> "Loading":
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        if (error is None or isinstance(error, Exception)) and (
            _state(self._facts["path"]) != self._before
        ):
            why = "it changed while it was loaded: run again when nothing writes to it"
            raise AdapterError("not-loadable", reason=why, **self._facts) from error
        if isinstance(error, Exception) and not isinstance(error, AdapterError):
            code, facts = self._explain(error)
            told = {**self._facts, "reason": reason(error), **facts}
            versions = self._versions() if self._versions is not None else None
            if versions is not None and versions.differ():
                if code == "version":
                    told.update(versions._asdict())
                elif code == "not-loadable":
                    told["author"] = f"{versions.library} {versions.saved}"
            raise AdapterError(code, **told) from error


def _state(path: str) -> Tuple[Tuple[str, int, int, int], ...]:
    """What changes when a file does, or one of a folder: its identity, its size and its time."""
    every = [os.path.join(at, name) for at, _, names in os.walk(path) for name in names]
    found = []
    for one in sorted(every) or [path]:
        try:
            at = os.stat(one)
        except OSError:
            continue
        found.append((one, at.st_ino, at.st_size, at.st_mtime_ns))
    return tuple(found)
