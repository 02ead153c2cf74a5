"""File patterns of a suite."""

from __future__ import annotations

import glob
import re
from pathlib import Path

_SUFFIX = re.compile(r"\.[A-Za-z0-9]+$")


def matching(pattern: str, folder: Path) -> list[str]:
    """The files that match a pattern relative to ``folder``, sorted, with forward slashes.

    A suffix matches in either case: ``*.jpg`` is also ``IMG_1.JPG``, as cameras write it.
    """
    suffix = _SUFFIX.search(pattern)
    if suffix is not None:
        either = "".join(
            f"[{one.lower()}{one.upper()}]" if one.isalpha() else one for one in suffix[0]
        )
        pattern = pattern[: suffix.start()] + either
    matches = glob.glob(pattern, root_dir=folder, recursive=True)
    return sorted(Path(match).as_posix() for match in matches if (folder / match).is_file())
