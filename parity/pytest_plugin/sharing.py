"""What the processes of one pytest run share: the reference's heads, and what was collected.

Without pytest-xdist there is one process, and nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from parity.files import write_all
from parity.suite import Suite

Collected = dict[str, dict[str, tuple[str, str]]]
"""By the path of a suite, and by the id of a test: its runtime and its image, "" for all images."""

FOLDER = pytest.StashKey[str]()
COLLECTED = pytest.StashKey[Collected]()
_FILE = "collected.json"


def folder_for_workers(config: pytest.Config) -> str:
    """The controller's folder for this run, made when the first worker starts."""
    if FOLDER not in config.stash:
        config.stash[FOLDER] = tempfile.mkdtemp(prefix="parity-")
    return config.stash[FOLDER]


def shared_folder(config: pytest.Config, suite: Suite) -> Path | None:
    """Where a worker finds the suite's reference; None where there is only one process."""
    given = _given(config)
    if given is None:
        return None
    return Path(given) / hashlib.sha256(os.fsencode(suite.path)).hexdigest()[:16]


def publish(config: pytest.Config, collected: Collected) -> None:
    """Tell the process that reports which tests this run is asked for; all workers say the same."""
    given = _given(config)
    if given is None:
        config.stash[COLLECTED] = collected
    else:
        write_all(Path(given), {_FILE: json.dumps(collected).encode()})


def collected(config: pytest.Config) -> Collected:
    """The tests that the run was asked for, in the process that reports."""
    if FOLDER not in config.stash:
        return config.stash.get(COLLECTED, {})
    try:
        text = (Path(config.stash[FOLDER]) / _FILE).read_text()
    except OSError:  # no worker came so far
        return {}
    return {
        suite: {test: (runtime, image) for test, (runtime, image) in tests.items()}
        for suite, tests in json.loads(text).items()
    }


def remove(config: pytest.Config) -> None:
    """Remove the controller's folder."""
    if FOLDER in config.stash:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


def _given(config: pytest.Config) -> str | None:
    given: str | None = getattr(config, "workerinput", {}).get("parity_shared")
    return given
