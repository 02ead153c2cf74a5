"""``function``: the suite's own code makes the artifact, e.g. carries weights elsewhere."""

from __future__ import annotations

from pathlib import Path

from parity.errors import SuiteError
from parity.export.job import Job
from parity.runtimes.contract import AdapterError
from parity.runtimes.shared.resolve import resolve, siblings


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Call the function with the source's path and the path to write."""
    reference = job.step.table.function
    assert reference is not None  # the plan is sound
    folder = str(job.suite.folder)
    try:
        function = resolve(reference, folder)
    except AdapterError as error:
        reason = error.facts.get("reason", error.code)
        raise SuiteError(
            str(job.suite.path),
            [
                f"runtimes.{job.step.name}.export.function: expected 'module:function', "
                f"found {reference!r}: {reason}"
            ],
        ) from error
    with siblings(folder):
        function(job.source_path, target)
    return ()
