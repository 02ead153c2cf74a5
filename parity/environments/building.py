"""Making an environment in a folder: with uv where it is installed, else with venv and pip."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from parity.environments import interpreters
from parity.environments.request import Request, Unavailable

Tell = Callable[[str], None]
_NEWS = ("Collecting", "Downloading", "Building", "Installing", "Resolved", "Prepared", "Installed")
_OF_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def build(request: Request, folder: Path, tell: Tell) -> None:
    """Make the environment. Raises ``Unavailable`` where that cannot be done here."""
    uv = shutil.which("uv")
    interpreter = interpreters.find(request.python)
    python = folder / "bin" / "python"
    if uv is not None:
        wanted = request.python if interpreter is None else str(interpreter)
        _run(
            request, [uv, "venv", "--quiet", "--no-project", "--python", wanted, str(folder)], tell
        )
        install = [uv, "pip", "install", "--python", str(python)]
    elif interpreter is not None:
        _run(request, [str(interpreter), "-I", "-m", "venv", str(folder)], tell)
        install = [str(python), "-I", "-m", "pip", "install", "--no-input"]
        install += ["--disable-pip-version-check", "--progress-bar=off"]
    else:
        raise Unavailable(
            f"there is no Python {request.python} on this machine: install it (pyenv install "
            f"{request.python}, or uv, which fetches it), or change python in parity.toml"
        )
    _run(request, [*install, *request.requires], tell)


def _run(request: Request, command: Sequence[str], tell: Tell) -> None:
    """Run a command and pass its news on; ``Unavailable`` with the last ones where it fails."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={name: value for name, value in os.environ.items() if name not in _OF_OURS},
    ) as process:
        try:
            for line in process.stdout or ():
                if line.strip():
                    lines.append(line.strip())
                    if line.strip().startswith(_NEWS):
                        tell(line.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise Unavailable(f"{request} cannot be installed here: {_complaint(lines)}")


def _complaint(lines: Sequence[str]) -> str:
    """The lines of an installer that say what is wrong."""
    told = [line for line in lines if line.lower().startswith(("error", "×", "╰", "because"))]
    return " ".join(line[:300] for line in (told or lines)[-3:]) or "the installer said nothing"
