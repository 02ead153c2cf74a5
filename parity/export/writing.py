"""Artifacts are written aside and then put in place: a killed run leaves the old one or the new."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path of the same name in a temporary folder beside ``path``; at the end it replaces it.

    For a folder (a SavedModel) the old one is moved aside first, as no file system swaps two.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        temporary = folder / path.name
        yield temporary
        _sync(temporary)
        if path.is_dir() or (temporary.is_dir() and path.exists()):
            os.replace(path, folder / ".old")
        try:
            os.replace(temporary, path)
        except OSError:
            if (folder / ".old").exists():
                os.replace(folder / ".old", path)
            raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    for file in files:
        os.chmod(file, 0o644)
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
