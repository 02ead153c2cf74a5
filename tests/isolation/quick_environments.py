"""In place of builds, which take long: environments made by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from parity.environments.building import Tell
from parity.environments.request import Request

SITE = Path(np.__file__).parents[1]


def quickly(request: Request, folder: Path, tell: Tell) -> None:
    """In place of a build: an interpreter is there, with the packages of these tests."""
    tell("Collecting something")
    packages = site_packages(folder)
    packages.mkdir(parents=True)
    (packages / "of_the_tests.pth").write_text(f"{SITE}\n")
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (folder / "bin").mkdir()
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(base)


def site_packages(folder: Path) -> Path:
    """Where an environment's packages lie."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return folder / "lib" / f"python{version}" / "site-packages"


def silent(line: str) -> None:
    """Nobody listens."""
