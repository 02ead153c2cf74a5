"""A suite's report: ``results.json``, ``detections.csv``, ``summary.md`` in FOLDER/<detector>.

They are always those of the last run. Where that was partial, the last complete report is kept
below them, in ``complete/``, until a complete one is written again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from parity.files import alone, write_all
from parity.record import SuiteRecord, document_data
from parity.record.codec import json_text
from parity.record.completeness import Earlier
from parity.report.folders import distinct, is_name
from parity.report.suite.detections import detections_csv
from parity.report.suite.overview import kept
from parity.report.suite.summary import summary_md

COMPLETE = "complete"
RESULTS = "results.json"
FILES = ("detections.csv", "summary.md", RESULTS)


def write(record: SuiteRecord, folder: Path) -> Path:
    """Write one suite's report, return its folder; a killed run leaves the old files or the new."""
    (written,) = write_many([record], folder)
    return written


def write_many(records: Iterable[SuiteRecord], folder: Path) -> tuple[Path, ...]:
    """Write the reports of one run. Raises ``UsageError``, nothing written, where names meet.

    A partial one is written beside the last complete one, see above. Two runs that report to one
    folder write one after the other: what stands there is of one of them.
    """
    records = tuple(records)
    distinct(record.detector for record in records)
    if not records:
        return ()
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        return tuple([_write(record, folder / record.detector) for record in records])


def _write(record: SuiteRecord, target: Path) -> Path:
    before = earlier(target) if record.partial else None
    contents = _files(replace(record, earlier=before))
    if record.partial:
        _keep(target)
    write_all(target, contents)
    if not record.partial:
        _drop(target)
    return target


def mark(records: Iterable[SuiteRecord], folder: Path) -> tuple[Path, ...]:
    """Write the reports of suites of which nothing was judged over those that stand, and no other.

    Whoever reads a report then never reads the pass of a suite that no longer loads.
    """
    return write_many([one for one in records if _stands(one, folder)], folder)


def earlier(target: Path) -> Earlier | None:
    """The last complete report of a suite's folder: the one that stands there, or the kept one.

    A report of an older format that does not say whether it is complete counts as complete. What
    cannot be read is no report.
    """
    found = _results(target)
    if found is None or found.get("partial"):
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


def _files(record: SuiteRecord) -> dict[str, bytes]:
    contents = {
        "detections.csv": detections_csv(record),
        "summary.md": summary_md(record),
        "results.json": json_text(document_data(record)),
    }
    return {name: text.encode("utf-8", "backslashreplace") for name, text in contents.items()}


def _stands(record: SuiteRecord, folder: Path) -> bool:
    """Whether a report stands for a detector; its name may come from a file that does not load."""
    return is_name(record.detector) and (folder / record.detector / RESULTS).is_file()


def _keep(target: Path) -> None:
    """Put the files of a complete report that stands here aside; leave an older one where it is."""
    found = _results(target)
    if found is None or found.get("partial"):
        return
    files = {name: target / name for name in FILES}
    write_all(
        target / COMPLETE,
        {name: path.read_bytes() for name, path in files.items() if path.is_file()},
    )


def _drop(target: Path) -> None:
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
