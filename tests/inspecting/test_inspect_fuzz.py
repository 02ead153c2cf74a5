"""Mutated files through ``inspect``: no crash, no hang, no code run, no memory, each classified.

The slice of every run is small; ``make fuzz`` looks at thousands (``FUZZ=N``: at N).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fuzzing
import pytest

COUNT = int(os.environ.get("PARITY_FUZZ", "3000"))


def fuzz(models: Path, folder: Path, count: int, seed: int) -> Any:
    """Run the mutations in a process of its own, whose memory is limited."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, fuzzing.__file__, str(models), str(folder), str(count), str(seed)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, f"the process died with {done.returncode}: {done.stderr[-2000:]}"
    found = json.loads(done.stdout)
    print(json.dumps(found["classes"], indent=1))  # noqa: T201
    return found


def harmless(found: Any, count: int) -> None:
    """What must hold of every fuzz run."""
    assert found["wrong"] == []
    assert found["done"] == {}
    assert sum(found["classes"].values()) == count
    assert not [name for name in found["classes"] if name.startswith(("unreadable", "missing"))]
    assert found["peak"] < fuzzing.MEMORY
    assert found["slowest"] < fuzzing.SECONDS


def test_a_slice_of_the_fuzz(models: Path, tmp_path: Path) -> None:
    """Every format at least once, and both sound and damaged ones are seen."""
    found = fuzz(models, tmp_path / "work", 200, seed=20)
    harmless(found, 200)
    assert len(found["classes"]) >= 10


@pytest.mark.slow
def test_the_whole_fuzz(models: Path, tmp_path: Path) -> None:
    """Thousands."""
    harmless(fuzz(models, tmp_path / "work", COUNT, seed=1), COUNT)


def test_the_watch_sees_what_is_run() -> None:
    """The check above can fail: code, imports, writes and commands are seen."""
    program = (
        "import sys, os, json; sys.path.insert(0, sys.argv[1]); import fuzzing\n"
        "watch = fuzzing.Watch(); watch.on = True\n"
        "exec('1'); open(os.devnull, 'w'); os.system('true')\n"
        "watch.on = False; print(json.dumps(sorted(one.split()[0] for one in watch.seen)))\n"
    )
    folder = str(Path(fuzzing.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", program, folder], capture_output=True, check=True, text=True
    )
    assert json.loads(done.stdout) == ["exec", "open", "os.system"]
