"""Where goldens lie: a folder that is theirs alone, and is replaced as a whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parity.errors import GoldenError, why

MANIFEST = "manifest.json"
_NAMED = 3  # files of others that a message names


def need_place(target: Path) -> None:
    """Raise ``GoldenError`` where goldens cannot be recorded at ``target``, before anything runs.

    Nothing that is not a golden may be lost with those that are replaced.
    """
    with writing(target):
        if os.path.lexists(target) and not target.is_dir():
            raise _refused(target, "a file there; move it away")
        there = sorted(one.name for one in target.iterdir()) if target.exists() else []
        ours = MANIFEST in there
        others = [one for one in there if not (ours and _is_ours(one))]
        if others:
            more = ", …" if len(others) > _NAMED else ""
            found = f"{', '.join(others[:_NAMED])}{more} there, which would be lost; move them away"
            raise _refused(target, found)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".golden."):
            pass


def _is_ours(name: str) -> bool:
    return name == MANIFEST or name.endswith(".npz") or name.startswith(".")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Inside, whatever the system refuses becomes a ``GoldenError``."""
    try:
        yield
    except OSError as error:
        raise _refused(target, f"that it cannot be written: {why(error)}") from error


def _refused(target: Path, found: str) -> GoldenError:
    expected = "a folder for goldens alone, which recording replaces"
    return GoldenError(str(target), [f"expected {expected}, found {found}; nothing was recorded"])


def swap(fresh: Path, target: Path) -> None:
    """Put a finished folder in the place of the old one, which comes back where that fails."""
    if not target.exists():
        fresh.rename(target)
        return
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=".golden-old."))
    try:
        target.rename(aside / target.name)
        try:
            fresh.rename(target)
        except OSError:
            (aside / target.name).rename(target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
