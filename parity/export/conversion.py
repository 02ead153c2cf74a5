"""One step: its libraries looked for, its exporter called, what it raises and prints in words."""

from __future__ import annotations

import importlib
from pathlib import Path

from parity.errors import ExportError, ParityError
from parity.export.console import Console
from parity.export.job import Job
from parity.export.methods import METHODS
from parity.export.plan import Step
from parity.runtimes.shared.libraries import absent
from parity.runtimes.shared.reasons import reason
from parity.suite import Suite


def check(step: Step, suite: Suite) -> None:
    """Raise ``ExportError`` where a library that the step needs is not installed."""
    for library in METHODS[step.table.method].libraries:
        if absent(library) is not None:
            raise ExportError(
                step.name,
                f"expected {library.name} for method = {step.table.method!r}, found that it is "
                f"not installed; install it with: {library.install}",
            )


def run(job: Job, target: Path) -> tuple[str, ...]:
    """Make the artifact at ``target``; what there is to know about it."""
    method = METHODS[job.step.table.method]
    exporter = importlib.import_module(f"parity.export.exporters.{method.module}")
    with Console() as console:
        try:
            notes: tuple[str, ...] = exporter.make(job, target)
        except ParityError:
            raise
        except Exception as error:  # an exporter raises whatever it likes
            raise ExportError(job.step.name, _words(job, error, console.tail())) from error
    if not target.exists():
        raise ExportError(job.step.name, f"expected a file from {job.label}, found none")
    return notes


def _words(job: Job, error: Exception, printed: list[str]) -> str:
    text = f"expected {job.label} to convert {job.source.name}, found {reason(error)}"
    if printed:
        text += "\n  it printed last:\n" + "\n".join(f"    {line}" for line in printed)
    return text
