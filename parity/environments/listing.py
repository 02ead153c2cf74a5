"""Everything that is kept, also what is broken or was left half-built, and removing it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from parity.environments import cache, locking, reading
from parity.environments.reading import Environment, Unusable

READY = "ready"
BUILT_NOW = "being built"


@dataclass(frozen=True)
class Kept:
    """What lies under a name. ``state`` is ``READY``, ``BUILT_NOW``, or why it is of no use.

    ``environment`` is there where ``state`` is ``READY``.
    """

    name: str
    folder: Path
    state: str
    environment: Environment | None = None


def listed() -> list[Environment]:
    """Every environment that is complete, the newest first."""
    found = [one.environment for one in kept()]
    return sorted((one for one in found if one is not None), key=lambda one: -one.built)


def kept() -> list[Kept]:
    """All there is: environments that are complete, the newest first; then the rest by name."""
    folders = sorted(one for one in cache.root().glob("[0-9a-f]*") if not one.suffix)
    found = [_kept(folder) for folder in folders]
    ready = [one for one in found if one.environment is not None]
    ready.sort(key=lambda one: -(one.environment.built if one.environment else 0))
    unusable = [one for one in found if one.environment is None]
    half = sorted(cache.root().glob(f"{cache.BUILDING}*"))
    return [*ready, *unusable, *(_building(folder) for folder in half)]


def _kept(folder: Path) -> Kept:
    try:
        return Kept(folder.name, folder, READY, reading.read(folder))
    except Unusable as error:
        return Kept(folder.name, folder, f"broken: {error}")


def _building(folder: Path) -> Kept:
    key = folder.name.removeprefix(cache.BUILDING).partition("-")[0]
    with locking.free(cache.root(), key) as free:
        return Kept(key, folder, "left half-built" if free else BUILT_NOW)


def remove(name: str) -> bool:
    """Remove what is kept under a name; false where somebody is building it, and nothing is done.

    Raises ``OSError`` where it cannot be removed.
    """
    with locking.free(cache.root(), name) as free:
        if not free:
            return False
        cache.clear(name)
        cache.remove_tree(cache.root() / name)
        with contextlib.suppress(OSError):
            locking.path(cache.root(), name).unlink()
    return True


def sweep() -> None:
    """Remove the locks of environments that are gone, as a build that failed leaves one."""
    names = {one.name for one in kept()}
    for lock in cache.root().glob("*.lock"):
        if lock.stem not in names:
            with locking.free(cache.root(), lock.stem) as free, contextlib.suppress(OSError):
                if free:
                    lock.unlink()
