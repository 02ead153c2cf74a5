"""What runs apart leaves nothing behind: checked after every test of this folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BASES = [base for base in (Path("/dev/shm"), Path(tempfile.gettempdir())) if base.is_dir()]


def folders() -> set[Path]:
    """Folders of workers, of whatever process."""
    return {one for base in BASES for one in base.glob("parity-worker-*")}


def own_processes() -> set[int]:
    """Processes that run a worker's script with a folder of this process's children."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            mine = os.stat(entry).st_uid == os.getuid()
        except OSError:
            continue
        if mine and any(word.endswith(b"/worker/start.py") for word in words):
            found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process and no file that was not there before."""
    before = folders(), own_processes()
    yield
    assert (folders() - before[0], own_processes() - before[1]) == (set(), set())
