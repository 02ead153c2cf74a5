"""What is asked of an environment."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.environments import requirements

_FORMAT = 1  # of how environments are built; another one makes other environments


class Unavailable(Exception):
    """There can be no such environment here; the text says why and what to do."""


@dataclass(frozen=True)
class Request:
    """Requirements as pip takes them, and a Python version such as "3.9".

    ``files`` are the wheels and archives among the requirements by what is in them: pairs of path
    and SHA-256, so that a wheel that was built anew in its place is another request.
    """

    requires: tuple[str, ...]
    python: str
    files: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, requires: tuple[str, ...], python: str | None) -> Request:
        """With what every worker needs: numpy, and by default this Python's own version.

        Raises ``Unavailable`` where a file that is named is not there.
        """
        version = python or f"{sys.version_info.major}.{sys.version_info.minor}"
        read = [requirements.read(text) for text in requires]
        named = {one.name for one in read if one.applies(version)}
        numpy = () if "numpy" in named else ("numpy",)
        files = [one.file for one in read if one.file is not None]
        return cls((*requires, *numpy), version, tuple((str(one), _sha256(one)) for one in files))

    @property
    def key(self) -> str:
        """The name under which the environment is kept."""
        asked: dict[str, Any] = {
            "format": _FORMAT,
            "requires": sorted(self.requires),
            "python": self.python,
            "platform": [sys.platform, platform.machine()],
        }
        if self.files:
            asked["files"] = sorted(self.files)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"Python {self.python} with {', '.join(self.requires)}"


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        found = "a folder" if path.is_dir() else (error.strerror or str(error))
        raise Unavailable(
            f"expected a wheel or a source archive at {path}, which requires names, found {found}"
        ) from error
