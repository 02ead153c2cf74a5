"""What is asked of an environment."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass

_FORMAT = 1  # of how environments are built; another one makes other environments
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class Unavailable(Exception):
    """There can be no such environment here; the text says why and what to do."""


@dataclass(frozen=True)
class Request:
    """Requirements as pip takes them, and a Python version such as "3.9"."""

    requires: tuple[str, ...]
    python: str

    @classmethod
    def of(cls, requires: tuple[str, ...], python: str | None) -> Request:
        """With what every worker needs: numpy, and by default this Python's own version."""
        names = [_NAME.match(one.strip()) for one in requires]
        known = {found.group().lower() for found in names if found is not None}
        numpy = () if "numpy" in known else ("numpy",)
        version = python or f"{sys.version_info.major}.{sys.version_info.minor}"
        return cls((*requires, *numpy), version)

    @property
    def key(self) -> str:
        """The name under which the environment is kept."""
        asked = {
            "format": _FORMAT,
            "requires": sorted(self.requires),
            "python": self.python,
            "platform": [sys.platform, platform.machine()],
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"Python {self.python} with {', '.join(self.requires)}"
