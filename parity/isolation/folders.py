"""Private folders for tensors, on shared memory and on disk; none outlives its process for long."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "parity-worker-"
SHARED_MEMORY = Path("/dev/shm")
_ROOM = 64 << 20  # bytes; what has less free is left alone
_YOUNG = 60.0  # seconds in which a folder may not have been locked yet


@dataclass(frozen=True)
class Folders:
    """``tensors`` in order of preference; ``scratch`` is the worker's folder for temporary files.

    ``locks`` are open descriptors: as long as this process lives nobody else removes the folders.
    """

    tensors: tuple[Path, ...]
    scratch: Path
    locks: tuple[int, ...]

    def remove(self) -> None:
        """Remove everything; may be called again."""
        for folder in self.tensors:
            shutil.rmtree(folder, ignore_errors=True)

    def unlock(self) -> None:
        """Close the locks, once."""
        for lock in self.locks:
            os.close(lock)


def make() -> Folders:
    """New folders that only this user can read, after a look for those that others left."""
    bases = [Path(tempfile.gettempdir())]
    if _usable(SHARED_MEMORY):
        bases.insert(0, SHARED_MEMORY)
    for base in bases:
        _sweep(base)
    made, locks = [], []
    for base in bases:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        made.append(folder)
        locks.append(_locked(folder))
    scratch = made[-1] / "scratch"
    scratch.mkdir()
    return Folders(tuple(made), scratch, tuple(locks))


def _usable(base: Path) -> bool:
    if not base.is_dir() or not os.access(base, os.W_OK | os.X_OK):
        return False
    return shutil.disk_usage(base).free >= _ROOM


def _locked(folder: Path) -> int:
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _sweep(base: Path) -> None:
    """Remove folders whose process is gone: it was killed, and its keeper with it."""
    for folder in base.glob(f"{_PREFIX}*"):
        try:
            found = folder.stat()
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < _YOUNG:
                continue
            os.close(_locked(folder))
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
