"""File patterns of a suite."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

SUFFIX = re.compile(r"\.[A-Za-z0-9]+$")


def matching(pattern: str, folder: Path) -> list[str]:
    """The files that match a pattern relative to ``folder``, sorted, with forward slashes.

    A suffix matches in either case: ``*.jpg`` is also ``IMG_1.JPG``, as cameras write it.
    """
    return [match for match in matches(pattern, folder) if (folder / match).is_file()]


def matches(pattern: str, folder: Path) -> list[str]:
    """Whatever matches, folders and links to nothing included."""
    suffix = SUFFIX.search(pattern)
    if suffix is not None:
        either = "".join(
            f"[{one.lower()}{one.upper()}]" if one.isalpha() else one for one in suffix[0]
        )
        pattern = pattern[: suffix.start()] + either
    found = glob.glob(pattern, root_dir=folder, recursive=True)
    return sorted(Path(match).as_posix() for match in found)


def folders_of(pattern: str, folder: Path) -> list[str]:
    """The folders in which a pattern looks for files."""
    found = glob.glob(os.path.join(os.path.dirname(pattern), ""), root_dir=folder, recursive=True)
    return sorted(Path(match).as_posix() for match in found)
