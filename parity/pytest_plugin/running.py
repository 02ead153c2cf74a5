"""The suites that this process judges: one ``Run`` a suite, closed when pytest ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity.harness import Run
from parity.pytest_plugin.sharing import shared_folder
from parity.suite import Suite

RUNS = pytest.StashKey[dict[Path, Run]]()


def run_of(config: pytest.Config, suite: Suite) -> Run:
    """The run of a suite in this process."""
    runs = config.stash.setdefault(RUNS, {})
    if suite.path not in runs:
        reference = config.getoption("parity_reference")
        runs[suite.path] = Run(suite, reference, shared_folder(config, suite))
    return runs[suite.path]


def close(config: pytest.Config) -> None:
    """Release every runtime that is open."""
    for run in config.stash.get(RUNS, {}).values():
        run.close()
