"""Where a Python of some version is on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_SAYS = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.executable)"


def find(version: str) -> Path | None:
    """An interpreter of this version ("3.9" or "3.9.18"), or None.

    Looked for: this one, PATH, pyenv's versions, the ``py`` launcher. Each is run and asked, since
    pyenv's shims are there for versions that are not.
    """
    for command in _candidates(version):
        found = _asked(command)
        if found is not None and fits(found[0], version):
            return found[1]
    return None


def version(python: Path) -> str | None:
    """The version of an interpreter, such as "3.9.18"; None where it does not start."""
    found = _asked([str(python)])
    return None if found is None else found[0]


def _candidates(version: str) -> Iterator[list[str]]:
    short = ".".join(version.split(".")[:2])
    yield [getattr(sys, "_base_executable", sys.executable) or sys.executable]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(f"python{short}", path=folder) if folder else None
        if found is not None:
            yield [found]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder_of in sorted(pyenv.glob(f"{short}*"), reverse=True):
        yield [str(folder_of / "bin" / "python")]
    if shutil.which("py") is not None:
        yield ["py", f"-{short}"]


def _asked(command: list[str]) -> tuple[str, Path] | None:
    try:
        done = subprocess.run(
            [*command, "-I", "-S", "-c", _SAYS],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        version, path = done.stdout.splitlines()[-2:]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return version, Path(path)


def fits(found: str, wanted: str) -> bool:
    """Whether a version ("3.9.18") is the one that is wanted ("3.9" or "3.9.18")."""
    return (found + ".").startswith(wanted + ".")
