"""``parity export``: make each runtime's artifact from another runtime's, as ``parity.toml`` says.

``export(suite)`` goes through the runtimes that have an ``export`` table, sources first. Begin with
``methods.py``, which says what each method reads, writes and needs: a new one is a line there and a
file in ``exporters/``. ``plan.py`` orders the steps, ``job.py`` opens their sources.

The same input gives the same bytes, but for a SavedModel: TensorFlow numbers its functions through
the life of a process, so only a fresh process repeats itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from parity.errors import ExportError, UsageError, why
from parity.export import conversion
from parity.export.job import Job, Sources
from parity.export.plan import Step, plan
from parity.export.writing import replacing
from parity.files import digest
from parity.suite import Runtime, Suite, load

__all__ = ["Exported", "export"]

Progress = Callable[[str, int, int], None]
"""Called as work goes on: what is done, how many steps are done, of how many."""


@dataclass(frozen=True)
class Exported:
    """One artifact that was written. ``notes`` say what to know before it is deployed.

    ``sha256`` and ``bytes`` of a folder (a SavedModel) are those of all its files.
    """

    runtime: str
    path: Path
    bytes: int
    sha256: str
    seconds: float
    method: str
    notes: tuple[str, ...] = ()


def export(
    suite: Suite | Path | str,
    runtimes: tuple[str, ...] | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Exported, ...]:
    """Write the artifacts of these runtimes (of all that have an ``export`` table for None).

    Each goes where the suite's ``model`` (or ``weights``) says, or to the same relative path below
    ``out``. A source that this run exports is taken from where this run wrote it. Nothing is
    written before the whole plan is known to be sound; a file is replaced only by a complete one.

    Raises ``SuiteError``, ``UsageError``, ``ExportError``, and ``RuntimeFailure`` for a source that
    cannot be opened.
    """
    suite = suite if isinstance(suite, Suite) else load(suite)
    steps = plan(suite, _selected(suite, runtimes))
    for step in steps:
        conversion.check(step, suite)
    done: list[Exported] = []
    sources = Sources(suite)
    try:
        for number, step in enumerate(steps):
            if progress is not None:
                progress(f"exporting {step.name}", number, len(steps))
            written = {one.runtime: one.path for one in done}
            done.append(_made(suite, step, sources, written, out))
    finally:
        sources.close()
    if progress is not None:
        progress("exported", len(steps), len(steps))
    return tuple(done)


def _selected(suite: Suite, runtimes: tuple[str, ...] | None) -> tuple[str, ...]:
    """The runtimes to export: the asked-for ones, which must have an ``export`` table."""
    able = [name for name, runtime in suite.runtimes.items() if runtime.table.export is not None]
    if runtimes is None:
        return tuple(able)
    names = suite.select(runtimes)
    for name in names:
        if name not in able:
            known = ", ".join(able) or "none"
            raise UsageError(
                f"{suite.path}: expected runtimes with an export table ({known}), found {name!r}"
            )
    return names


def _made(
    suite: Suite, step: Step, sources: Sources, written: dict[str, Path], out: Path | None
) -> Exported:
    started = time.perf_counter()
    source = suite.runtimes[step.source]
    if step.source in written:
        source = _moved(source, written[step.source])
    path = (out if out is not None else suite.folder) / step.target
    job = Job(suite, step, source, sources)
    try:
        with replacing(path) as temporary:
            notes = conversion.run(job, temporary)
        sha256, size = digest(path)
    except OSError as error:
        raise ExportError(
            step.name,
            f"expected a place that can be written at {path}, found {why(error)}; what stood there "
            f"stands as it was",
        ) from error
    seconds = time.perf_counter() - started
    return Exported(step.name, path, size, sha256, seconds, step.table.method, notes)


def _moved(runtime: Runtime, path: Path) -> Runtime:
    """The runtime with its artifact elsewhere."""
    key = "model" if runtime.table.weights is None else "weights"
    return replace(runtime, table=runtime.table.model_copy(update={key: str(path.absolute())}))
