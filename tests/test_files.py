"""Files: text in whatever coding, and writes of which all arrive or none."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from parity.files import Unreadable, alone, text, write_all

OLD = {"a.json": b"old a", "b.csv": b"old b"}
NEW = {"a.json": b"new a", "b.csv": b"new b", "c.md": b"new c"}


def held(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder: the content of files, None for folders."""
    return {one.name: one.read_bytes() if one.is_file() else None for one in folder.iterdir()}


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, at: str, number: int) -> None:
    """Let a function of ``os`` fail where its second path ends in ``at``."""
    real = getattr(os, name)

    def failing(first: str, second: str) -> None:
        if str(second).endswith(at):
            raise OSError(number, os.strerror(number), str(second))
        real(first, second)

    monkeypatch.setattr(os, name, failing)


def test_every_file_is_written(tmp_path: Path) -> None:
    """Into a folder that is made for it, over files that are there."""
    write_all(tmp_path / "new" / "folder", OLD)
    write_all(tmp_path / "new" / "folder", NEW)
    assert held(tmp_path / "new" / "folder") == NEW
    assert (tmp_path / "new" / "folder" / "a.json").stat().st_mode & 0o777 == 0o644


def test_a_folder_in_the_place_of_a_file_leaves_all_as_it_was(tmp_path: Path) -> None:
    """Nothing is written beside it, and nothing is left behind."""
    write_all(tmp_path, OLD)
    (tmp_path / "c.md").mkdir()
    with pytest.raises(IsADirectoryError):
        write_all(tmp_path, NEW)
    assert held(tmp_path) == {**OLD, "c.md": None}


def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written aside so far is removed."""
    write_all(tmp_path, OLD)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_all(tmp_path, NEW)
    assert held(tmp_path) == OLD


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_cannot_be_replaced_brings_back_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Old and new are never mixed, on file systems without links too; what is new goes again."""
    write_all(tmp_path, OLD)
    refuse(monkeypatch, "replace", "c.md", errno.EPERM)
    if not links:
        refuse(monkeypatch, "link", "", errno.EPERM)
    first_new = {"d.svg": b"new d", **NEW}
    with pytest.raises(PermissionError):
        write_all(tmp_path, first_new)
    assert held(tmp_path) == OLD


def test_what_a_killed_writer_left_aside_is_removed(tmp_path: Path) -> None:
    """A folder of reports holds reports, whatever happened to the runs before."""
    (tmp_path / ".writing-x1").mkdir()
    (tmp_path / ".writing-x1" / "a.json").write_bytes(b"half of")
    write_all(tmp_path, NEW)
    assert held(tmp_path) == NEW


def test_who_writes_is_alone(tmp_path: Path) -> None:
    """Another process waits until all files of one writer are in place."""
    other = os.open(tmp_path, os.O_RDONLY)
    with alone(tmp_path) as locked:
        assert locked
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_folder_without_locks_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits then, and what another may be writing aside is left alone."""

    def refused(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)
    (tmp_path / ".writing-x1").mkdir()
    write_all(tmp_path, NEW)
    assert held(tmp_path) == {**NEW, ".writing-x1": None}


def test_text_may_begin_with_a_mark(tmp_path: Path) -> None:
    """Editors on Windows put one in front of UTF-8."""
    for content in ("schön\n".encode(), "schön\n".encode("utf-8-sig")):
        (tmp_path / "file").write_bytes(content)
        assert text(tmp_path / "file") == "schön\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a\n".encode("utf-16"), "text in UTF-16; save it as UTF-8"),
        ("a\n".encode("utf-32"), "text in UTF-32; save it as UTF-8"),
        ("a\n".encode("utf-16-le"), "one with NUL bytes, which is no text in UTF-8"),
        (b"a\nb\xe9\n", "the byte 0xe9 in line 2, which is no UTF-8; save it as UTF-8"),
    ],
)
def test_text_in_another_coding_is_named(tmp_path: Path, content: bytes, found: str) -> None:
    """With what to do about it."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        text(tmp_path / "file")
    assert str(caught.value) == found


def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    """A pipe has no end, and neither has a device; no message has the system's number."""
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    odd = {
        "": "a folder",
        "pipe": "a pipe, a socket or a device",
        "/dev/zero": "a pipe, a socket or a device",
        "none": "nothing there",
        "loop": "one that cannot be read: too many levels of symbolic links",
        "x" * 300: "one that cannot be read: file name too long",
        "a\0b": "one that cannot be read: embedded null byte",
    }
    for name, found in odd.items():
        with pytest.raises(Unreadable) as caught:
            text(tmp_path / name)
        assert str(caught.value) == found
