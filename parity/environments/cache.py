"""Environments that were built, by the hash of what was asked; one process builds each, once."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from parity.environments import reading
from parity.environments.building import Tell, build
from parity.environments.locking import locked
from parity.environments.reading import Environment, Untrusted, Unusable
from parity.environments.request import Request, Unavailable

BUILDING = ".building-"
"""How the folder of a build begins; the request's key and more follow."""


def root() -> Path:
    """Where environments are kept."""
    given = os.environ.get("PARITY_CACHE")
    if given:
        return Path(given).absolute() / "environments"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "parity" / "environments"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "parity" / "environments"


def ensure(request: Request, tell: Tell) -> Environment:
    """The environment, built now where it is not there; others wait for who builds it.

    Raises ``Unavailable`` where it cannot be built, or where somebody else has made it.
    """
    target = root() / request.key
    found = _there(target)
    if found is not None:
        return found

    def waits() -> None:
        tell(f"waiting for another parity that builds it: {request}")

    try:
        with locked(root(), request.key, waits):
            return _there(target) or _built(request, target, tell)
    except OSError as error:
        raise Unavailable(
            f"environments cannot be kept in {root()}: {error.strerror or error}; "
            f"set PARITY_CACHE to a folder that can be written"
        ) from error


def clear(key: str) -> None:
    """Remove what interrupted builds of a request have left; its lock must be held."""
    for folder in root().glob(f"{BUILDING}{key}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _there(target: Path) -> Environment | None:
    """The environment, if one is there that can be used; else it is to be built anew."""
    try:
        return reading.read(target)
    except Untrusted as error:
        raise Unavailable(
            f"expected an environment that is this user's alone in {target}, found that {error}; "
            f"remove it, or set PARITY_CACHE to a folder of your own"
        ) from error
    except Unusable:
        return None


def _built(request: Request, target: Path, tell: Tell) -> Environment:
    clear(request.key)
    aside = Path(tempfile.mkdtemp(prefix=f"{BUILDING}{request.key}-", dir=root()))
    started = time.time()
    try:
        tell(f"building an environment: {request}")
        build(request, aside, tell)
        reading.write(aside, request, time.time())
        remove_tree(target)
        aside.rename(target)
        tell(f"built in {time.time() - started:.0f} s: {target}")
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    try:
        return reading.read(target)
    except Unusable as error:
        raise Unavailable(f"{request} was built in {target}, and now {error}") from error


def remove_tree(target: Path) -> None:
    """Remove an environment at once to whoever looks, however long its files take."""
    gone = target.with_name(f"{BUILDING}{target.name}-removed")
    shutil.rmtree(gone, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        target.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
