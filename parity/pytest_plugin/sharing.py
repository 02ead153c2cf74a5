"""Where the workers of one pytest-xdist run share the reference's heads."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest

from parity.suite import Suite

FOLDER = pytest.StashKey[str]()


def folder_for_workers(config: pytest.Config) -> str:
    """The controller's folder for this run, made when the first worker starts."""
    if FOLDER not in config.stash:
        config.stash[FOLDER] = tempfile.mkdtemp(prefix="parity-")
    return config.stash[FOLDER]


def shared_folder(config: pytest.Config, suite: Suite) -> Path | None:
    """Where a worker finds the suite's reference; None where there is only one process."""
    given = getattr(config, "workerinput", {}).get("parity_shared")
    if given is None:
        return None
    return Path(given) / hashlib.sha256(str(suite.path).encode()).hexdigest()[:16]


def remove(config: pytest.Config) -> None:
    """Remove the controller's folder."""
    if FOLDER in config.stash:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)
