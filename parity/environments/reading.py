"""An environment that lies in a folder: what it says of itself, and whether that is to be believed.

Its interpreter is run, so a folder that somebody else may have filled is not even looked into.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from parity.environments import interpreters
from parity.environments.request import Request

_FACTS = "parity-environment.json"


@dataclass(frozen=True)
class Environment:
    """One that is complete. ``name`` is its request's hash, ``built`` in seconds since 1970."""

    name: str
    folder: Path
    request: Request
    built: float

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


class Unusable(Exception):
    """There is no such environment in a folder; the text says what is there, for a list."""


class Untrusted(Unusable):
    """Somebody else may have filled the folder: nothing in it must run."""


def read(folder: Path) -> Environment:
    """The environment of a folder. Raises ``Unusable``."""
    _check_owner(folder)
    found = _stated(folder)
    version = interpreters.version(found.python)
    if version is None:
        raise Unusable("its Python is gone, or does not start")
    if not interpreters.fits(version, found.request.python):
        raise Unusable(f"its Python is {version} now")
    return found


def write(folder: Path, request: Request, built: float) -> None:
    """Say what was built in a folder: from then on it is complete."""
    facts = {
        "requires": request.requires,
        "python": request.python,
        "files": request.files,
        "built": built,
    }
    (folder / _FACTS).write_text(json.dumps(facts))


def _check_owner(folder: Path) -> None:
    try:
        found = folder.lstat()
    except OSError as error:
        raise Unusable("nothing is there") from error
    if not stat.S_ISDIR(found.st_mode):
        raise Unusable("it is no folder")
    if hasattr(os, "getuid") and found.st_uid not in (os.getuid(), 0):
        raise Untrusted(f"it belongs to another user ({found.st_uid})")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Untrusted("others may write in it")


def _stated(folder: Path) -> Environment:
    """As its facts say, which are those of a request of the folder's name."""
    try:
        facts = json.loads((folder / _FACTS).read_text())
        files = tuple((str(path), str(sha256)) for path, sha256 in facts.get("files", ()))
        request = Request(tuple(map(str, facts["requires"])), str(facts["python"]), files)
        found = Environment(folder.name, folder, request, float(facts["built"]))
    except OSError as error:
        raise Unusable("it is half built, or half removed") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable("what it says of itself cannot be read") from error
    if request.key != folder.name:
        raise Unusable(f"it was built for something else ({request})")
    return found
