"""What a pattern of files matches and nobody can read: named and counted, never left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from parity.suite.images.matching import SUFFIX, folders_of, matches

_NAMED = 5  # files that a message names; more are counted


def unreadable(pattern: str, folder: Path) -> str | None:
    """The sentence about matches that cannot be read; None where every one can.

    A folder counts where the pattern ends with a suffix: ``*.jpg`` asks for files, ``*`` does not.
    """
    every = matches(pattern, folder)
    only_files = SUFFIX.search(pattern) is not None
    found = {name: why for name in every if (why := _why(folder / name, only_files))}
    for name in folders_of(pattern, folder):
        if not os.access(folder / name, os.R_OK | os.X_OK):
            found[name] = "a folder that may not be read"
    if not found:
        return None
    return (
        f"expected files that can be read, found {len(found)} of {len({*every, *found})} matches "
        f"of {pattern!r} that cannot: {_listed(f'{name} ({why})' for name, why in found.items())}"
    )


def _why(path: Path, only_files: bool) -> str:
    """What is there instead of a file that can be read; "" for one that can."""
    if path.is_symlink() and not path.exists():
        return f"a link to {os.readlink(path)}, which is not there"
    if path.is_dir():
        return "a folder" if only_files else ""
    if not path.is_file():
        return "a pipe, a socket or a device"
    return "" if os.access(path, os.R_OK) else "a file that may not be read"


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more} more" if more > 0 else "")
