"""Writing what ``--report`` asks for; a report that is lost loses no result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from parity.cli.streams import error
from parity.errors import UsageError


def written(
    folder: Path | None, write: Callable[[Path], tuple[Path, ...]]
) -> tuple[tuple[Path, ...], UsageError | None]:
    """Write a report where one is asked for: its files, and what kept it from being written."""
    if folder is None:
        return (), None
    from parity.report.folders import unwritten

    try:
        return write(folder), None
    except OSError as failure:
        return (), unwritten("--report", folder, failure)


def told(lost: UsageError | None) -> tuple[int, ...]:
    """Say, after the results, that their report is lost; the exit code of that, if it is."""
    if lost is None:
        return ()
    error(str(lost))
    return (lost.exit_code,)
