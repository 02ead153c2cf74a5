"""Whole processes, measured from outside: wall time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds, and peak resident memory (bytes), of one process."""

    seconds: float
    processor: float
    memory: int


def measure(
    arguments: list[str],
    cwd: Path | None = None,
    python: str = sys.executable,
    fine: tuple[int, ...] = (0,),
) -> Cost:
    """Run ``python ARGUMENTS`` once. Raises where its exit code is none of the ``fine`` ones."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [python, *arguments],
        cwd=cwd or ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(),
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in fine:
        raise RuntimeError(
            f"{arguments} ended with {process.returncode}:\n{errors.decode()[-2000:]}"
        )
    return Cost(elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _environment() -> dict[str, str]:
    """As a user has it: compiled modules are kept, so that only the first start compiles."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"TF_CPP_MIN_LOG_LEVEL": "3"}


def alternate(
    commands: dict[str, list[str]],
    runs: int,
    cwd: Path | None = None,
    fine: tuple[int, ...] = (0,),
) -> dict[str, list[Cost]]:
    """Several runs of each command, in turn, after one of each that is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, arguments in commands.items():
            cost = measure(arguments, cwd, fine=fine)
            if turn:
                costs[name].append(cost)
    return costs


def medians(costs: dict[str, list[Cost]]) -> dict[str, Cost]:
    """The median of each figure of each command."""
    return {
        name: Cost(
            median(one.seconds for one in every),
            median(one.processor for one in every),
            int(median(one.memory for one in every)),
        )
        for name, every in costs.items()
    }
