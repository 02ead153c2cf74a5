"""The report that stands where another is written: a partial one takes no complete one's place.

The files of ``FOLDER/<detector>`` are always those of the last run. Where that run was partial, the
last complete report is kept below them, in ``complete/``, until a complete one is written again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from parity.files import write_all
from parity.record import SuiteRecord
from parity.record.completeness import Earlier
from parity.report.completeness import kept

COMPLETE = "complete"
RESULTS = "results.json"
FILES = ("detections.csv", "summary.md", RESULTS)


def stands(target: Path) -> bool:
    """Whether a suite's folder holds a report."""
    return (target / RESULTS).is_file()


def earlier(target: Path) -> Earlier | None:
    """The last complete report of a suite's folder: the one that stands there, or the kept one.

    A report of an older format that does not say whether it is complete counts as complete. What
    cannot be read is no report.
    """
    found = _results(target)
    if found is not None and found.get("partial"):
        found = _results(target / COMPLETE)
    if found is None:
        return None
    return Earlier(str(found.get("verdict", "unknown")), str(found.get("started", "unknown")))


def report_lines(
    record: SuiteRecord, target: Path, shown: Callable[[Path], str] = str
) -> list[str]:
    """Where the report was written, and where the complete one is that it did not replace."""
    before = kept(earlier(target), shown(target / COMPLETE)) if record.partial else ""
    return [f"report: {shown(target)}", *([before] if before else [])]


def keep(target: Path) -> None:
    """Put the files of a complete report that stands here aside; leave an older one where it is."""
    found = _results(target)
    if found is None or found.get("partial"):
        return
    files = {name: target / name for name in FILES}
    write_all(
        target / COMPLETE,
        {name: path.read_bytes() for name, path in files.items() if path.is_file()},
    )


def drop(target: Path) -> None:
    """Remove the report that was kept: a complete one stands in its place now."""
    for name in FILES:
        (target / COMPLETE / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # there is none, or somebody put files of their own there
        (target / COMPLETE).rmdir()


def _results(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "format" in found else None
