"""One process at a time builds or removes an environment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

_SOON = 1.0  # seconds after which who waits is told so


def path(root: Path, key: str) -> Path:
    """The file that is locked."""
    return root / f"{key}.lock"


@contextlib.contextmanager
def locked(root: Path, key: str, waits: Callable[[], None]) -> Iterator[None]:
    """Hold an environment's lock; ``waits`` is called where another process has it for long.

    Raises ``OSError`` where there can be no lock.
    """
    from filelock import FileLock, Timeout

    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(path(root, key)))
    try:
        lock.acquire(timeout=_SOON)
    except Timeout:
        waits()
        lock.acquire()
    except NotImplementedError as error:  # some file systems know no locks
        raise OSError(str(error)) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def free(root: Path, key: str) -> Iterator[bool]:
    """Whether nobody has the lock; it is held meanwhile if so."""
    from filelock import FileLock, Timeout

    lock = FileLock(str(path(root, key)))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except (OSError, NotImplementedError):  # where nothing can be locked nobody builds either
        yield True
        return
    try:
        yield True
    finally:
        lock.release()
