"""Files: hashes, and writes that leave the old content or the new, never half of one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file, or of all files below a folder in sorted order.

    A pipe or a device, which may never end, is not read: it counts as empty.
    """
    files = [path] if path.is_file() or not path.exists() else []
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
    total = hashlib.sha256()
    size = 0
    for file in files:
        if path.is_dir():
            total.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
                size += len(block)
    return total.hexdigest(), size


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write several files of one folder: all are written aside first, then renamed into place."""
    folder.mkdir(parents=True, exist_ok=True)
    staged: list[tuple[str, Path]] = []
    try:
        for name, content in contents.items():
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            staged.append((temporary, folder / name))
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
        for temporary, target in staged:
            os.replace(temporary, target)
    finally:
        for temporary, _ in staged:
            if os.path.exists(temporary):
                os.unlink(temporary)
