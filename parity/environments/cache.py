"""Environments that were built, by the hash of what was asked; one process builds each, once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parity.environments.building import Tell, build
from parity.environments.request import Request, Unavailable

_BUILDING = ".building-"
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

    Raises ``Unavailable`` where it cannot be built.
    """
    target = root() / request.key
    found = _read(target)
    if found is not None:
        return found
    with _locked(request.key):
        found = _read(target)
        return found if found is not None else _built(request, target, tell)


def listed() -> list[Environment]:
    """Every environment that is complete, the newest first."""
    found = [_read(folder) for folder in root().glob("[0-9a-f]*") if folder.is_dir()]
    return sorted((one for one in found if one is not None), key=lambda one: -one.built)


def remove(name: str) -> None:
    """Remove an environment; waits while it is being built."""
    with _locked(name):
        _clear(name)
        gone = root() / f"{_BUILDING}{name}-removed"
        with contextlib.suppress(FileNotFoundError):
            (root() / name).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _built(request: Request, target: Path, tell: Tell) -> Environment:
    _clear(request.key)  # what an interrupted build has left
    aside = Path(tempfile.mkdtemp(prefix=f"{_BUILDING}{request.key}-", dir=root()))
    started = time.time()
    try:
        tell(f"building an environment: {request}")
        build(request, aside, tell)
        facts = {"requires": request.requires, "python": request.python, "built": time.time()}
        (aside / _FACTS).write_text(json.dumps(facts))
        shutil.rmtree(target, ignore_errors=True)
        aside.rename(target)
        tell(f"built in {time.time() - started:.0f} s: {target}")
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    found = _read(target)
    if found is None:
        raise Unavailable(f"{request} was built in {target} and has no interpreter there")
    return found


def _read(folder: Path) -> Environment | None:
    """A complete environment; one whose base interpreter was removed since is none."""
    try:
        facts = json.loads((folder / _FACTS).read_text())
        request = Request(tuple(facts["requires"]), str(facts["python"]))
        found = Environment(folder.name, folder, request, float(facts["built"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.python.exists() else None


def _clear(key: str) -> None:
    for folder in root().glob(f"{_BUILDING}{key}-*"):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(key: str) -> Iterator[None]:
    from filelock import FileLock

    try:
        root().mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(root() / f"{key}.lock"))
    except OSError as error:
        raise Unavailable(
            f"environments cannot be kept in {root()}: {error.strerror}; "
            f"set PARITY_CACHE to a folder that can be written"
        ) from error
    with lock:
        yield
