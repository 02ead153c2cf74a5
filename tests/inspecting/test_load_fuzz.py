"""Mutated files through a load in an isolated runtime: each ends with a class, and none runs.

The slice of every run is small; ``make fuzz`` loads thousands (``FUZZ=N``: N).
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import loading_mutations
import mutating
import pytest
from loading_mutations import FACTORY, Found, load

COUNT = int(os.environ.get("PARITY_FUZZ", "3000"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, a home and a folder for temporary files, all of them watched."""
    for name in ("cwd", "home", "tmp", "samples"):
        (tmp_path / name).mkdir()
    (tmp_path / "samples" / "net.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


def fuzz(models: Path, place: Path, count: int, seed: int) -> Found:
    """Load so many mutations; prints the classes with their counts, and the seconds."""
    canary = place / "canary"
    samples = mutating.samples(models, place / "samples", count, seed, str(canary))
    watched = {name: place / name for name in ("cwd", "home", "tmp")}
    found = load(models, samples, watched, canary)
    print(json.dumps(dict(sorted(found.classes.items())), indent=1))  # noqa: T201
    print("seconds", dict(found.seconds), "slowest", round(found.slowest, 1))  # noqa: T201
    print("workers", dict(found.workers))  # noqa: T201
    return found


def harmless(found: Found, count: int) -> None:
    """What must hold of every fuzz run: nothing ran or was left, and each load has an end."""
    assert found.wrong == []
    assert sum(found.classes.values()) == count
    assert found.slowest < 2 * loading_mutations.SECONDS + 30  # a new worker may be started


def test_a_slice_of_the_load_fuzz(models: Path, place: Path) -> None:
    """A few of each format: some load, some do not, some are refused for what they would run."""
    found = fuzz(models, place, 96, seed=3)
    harmless(found, 96)
    ends = {name.split(": ")[1] for name in found.classes}
    assert {"loads", "untrusted"} < ends


@pytest.mark.slow
def test_the_whole_load_fuzz(models: Path, place: Path) -> None:
    """Thousands."""
    harmless(fuzz(models, place, COUNT, seed=1), COUNT)
