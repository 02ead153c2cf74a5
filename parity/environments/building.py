"""Making an environment in a folder: with uv where it is installed, else with venv and pip.

pip stays, as uv does not read what pip is configured with on a machine: a private index, folders of
wheels, certificates and constraints of ``pip.conf``. Who relies on these has no uv, or configures
both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from parity.environments import audit, complaints, interpreters, variables
from parity.environments.request import Request, Unavailable
from parity.runtimes.shared import processes

Tell = Callable[[str], None]
_NEWS = ("Collecting", "Downloading", "Building", "Installing", "Resolved", "Prepared", "Installed")


def build(request: Request, folder: Path, tell: Tell) -> None:
    """Make the environment, and see that it is the one that was asked for.

    Raises ``Unavailable`` where it cannot be made here.
    """
    uv = shutil.which("uv")
    python = folder / "bin" / "python"
    if uv is not None:
        _with_uv(_Installer(request, folder, tell, complaints.of_uv), uv, python)
    else:
        _with_pip(_Installer(request, folder, tell, complaints.of_pip), python)
    audit.check(request, python)


def _with_uv(installer: _Installer, uv: str, python: Path) -> None:
    """uv fetches a Python that is not there, where it knows one; no project's settings count."""
    request = installer.request
    command = [os.path.abspath(uv), "--no-config"]
    interpreter = interpreters.find(request.python)
    wanted = request.python if interpreter is None else str(interpreter)
    venv = ["venv", "--quiet", "--no-project", "--python", wanted, str(installer.folder)]
    try:
        installer.run([*command, *venv])
    except Unavailable as error:
        if interpreter is not None:
            raise
        raise Unavailable(f"{_absent(request)} ({error})") from error
    installer.run([*command, "pip", "install", "--python", str(python), *request.requires])


def _with_pip(installer: _Installer, python: Path) -> None:
    request = installer.request
    interpreter = interpreters.find(request.python)
    if interpreter is None:
        raise Unavailable(_absent(request))
    installer.run([str(interpreter), "-I", "-m", "venv", str(installer.folder)])
    install = [str(python), "-I", "-m", "pip", "install", "--no-input"]
    quietly = ["--disable-pip-version-check", "--progress-bar=off"]
    installer.run([*install, *quietly, *request.requires])


def _absent(request: Request) -> str:
    return (
        f"there is no Python {request.python} on this machine: install it (pyenv install "
        f"{request.python}, or uv, which fetches it), or change python in parity.toml"
    )


@dataclass(frozen=True)
class _Installer:
    """Runs the commands of one build in its folder, which no settings lie beside."""

    request: Request
    folder: Path
    tell: Tell
    complaint: Callable[[Sequence[str]], str]

    def run(self, command: Sequence[str]) -> None:
        """Run and pass its news on; ``Unavailable`` with what it complained of where it fails.

        It does not outlive this process: then the folder is removed too.
        """
        try:
            with processes.reaping():
                status, lines = self._run(command)
        except OSError as error:
            why = f"{command[0]} does not start: {error.strerror or error}"
            raise Unavailable(f"{self.request} cannot be installed here: {why}") from error
        if status != 0:
            why = self.complaint(lines)
            raise Unavailable(f"{self.request} cannot be installed here: {why}")

    def _run(self, command: Sequence[str]) -> tuple[int, list[str]]:
        lines: list[str] = []
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=variables.installers(os.environ),
            start_new_session=True,
        )
        assert process.stdout is not None
        with process.stdout, processes.guarded(process, str(self.folder)):
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").strip()
                lines += [line] if line else []
                if line.startswith(_NEWS):
                    self.tell(line)
            processes.wait(process)
        return process.returncode, lines
