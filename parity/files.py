"""Files: text, hashes, and writes that leave the old content or the new, never half of one."""

from __future__ import annotations

import codecs
import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from parity.errors import why

_OTHER_TEXT = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins like UTF-16, so it is asked for first
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


_ASIDE = ".writing-"


class Unreadable(Exception):
    """What was found in the place of a text file, in words."""


def text(path: Path) -> str:
    """A file's text, which is UTF-8 with or without a byte order mark. Raises ``Unreadable``."""
    try:
        if path.exists() and not path.is_file():  # to open a pipe waits, a device may never end
            raise Unreadable("a folder" if path.is_dir() else "a pipe, a socket or a device")
        content = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("nothing there") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"one that cannot be read: {why(error)}") from None
    for mark, name in _OTHER_TEXT:
        if content.startswith(mark):
            raise Unreadable(f"text in {name}; save it as UTF-8")
    if b"\0" in content:
        raise Unreadable("one with NUL bytes, which is no text in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"the byte 0x{content[error.start]:02x} in line {line}"
        raise Unreadable(f"{byte}, which is no UTF-8; save it as UTF-8") from None


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


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Wait until no other process is alone in a folder, and let others wait.

    Gives whether that is so: some file systems have no locks. No file is left behind.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        locked = False
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            locked = True
        yield locked
    finally:
        os.close(descriptor)


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write several files of one folder: all of them, or none where one cannot be written.

    They are written aside first, then renamed into place; other processes wait meanwhile. What
    one that was killed has left aside is removed. Raises ``OSError``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder) as locked:
        if locked:  # then nobody writes any of it now
            for left in folder.glob(f"{_ASIDE}*"):
                shutil.rmtree(left, ignore_errors=True)
        _write_all(folder, contents)


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name in contents:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=_ASIDE, ignore_cleanup_errors=True
    ) as aside:
        for name, content in contents.items():
            with open(Path(aside) / name, "xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
                os.fchmod(stream.fileno(), 0o644)
        _put_in_place(Path(aside), folder, tuple(contents))


def _put_in_place(aside: Path, folder: Path, names: Sequence[str]) -> None:
    """Rename finished files over the old ones, which come back if one of them refuses to go."""
    old = Path(tempfile.mkdtemp(dir=aside))
    done: list[str] = []
    try:
        for name in names:
            _keep(folder / name, old / name)
            os.replace(aside / name, folder / name)
            done.append(name)
    except OSError:
        for name in done:
            if (old / name).exists():
                os.replace(old / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        raise


def _keep(file: Path, name: Path) -> None:
    """A second name for a file, if there is one; a copy where the file system has no links."""
    if not os.path.lexists(file):
        return
    try:
        os.link(file, name)
    except OSError:
        shutil.copy2(file, name)
