"""The orchestrators: judge a suite, record its goldens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from parity import __version__, golden
from parity.diagnosis import scale_note
from parity.errors import ParityError, RuntimeFailure, RuntimeMissing, SuiteError
from parity.harness.likeness import with_repeats
from parity.harness.reference import widest_band
from parity.harness.run import Run
from parity.pipeline import Images, Pipeline
from parity.record import Failure, RuntimeRecord, SuiteRecord, now
from parity.suite import Suite, load

__all__ = ["Run", "absent_record", "check", "record", "suite_record"]

Progress = Callable[[str, int, int], None]
"""Called as work goes on: what is done, how many steps are done, of how many."""


def check(
    suite: Suite | Path | str,
    runtimes: tuple[str, ...] | None = None,
    *,
    reference: str = "auto",
    allow_missing: bool = False,
    progress: Progress | None = None,
) -> SuiteRecord:
    """Judge runtimes of a suite (all of them for None) against its reference on every image.

    ``reference`` is "auto" or "golden". A runtime whose library is not installed is an error, or
    skipped with ``allow_missing``. Raises ``SuiteError`` and ``UsageError``; what happens to a
    single runtime is part of the record.
    """
    suite = suite if isinstance(suite, Suite) else load(suite)
    names = suite.select(runtimes)
    started = now()
    run = Run(suite, reference)
    try:
        absent = {name: reason for name in names if (reason := run.missing(name)) is not None}
        able = [name for name in names if name not in absent]
        done, total = 0, len(able) * (1 + len(suite.images))
        for name in able:
            _tell(progress, f"opening {name}", done, total)
            run.open(name)
            done += 1
        for image in suite.images:
            for name in able:
                _tell(progress, f"{name} {image}", done, total)
                if run.judged(name) and run.open(name).failure is None:
                    run.image(name, image)
                done += 1
        _tell(progress, "judging", total, total)
        records = {name: run.runtime(name) for name in able}
        for name, reason in absent.items():
            stood_in = name == suite.reference and _source(run) == "golden"
            records[name] = absent_record(suite, name, reason, allow_missing or stood_in)
        return suite_record(suite, run, [records[name] for name in names], started)
    finally:
        run.close()


def suite_record(
    suite: Suite, run: Run | None, records: Iterable[RuntimeRecord], started: str
) -> SuiteRecord:
    """Put the records of a suite's runtimes together and judge that anything was judged at all."""
    records = tuple(with_repeats(suite, records))
    source = "none"
    against = {one.against for one in records if one.role == "candidate" and one.against}
    if against:
        source = "golden" if against == {"golden"} else "native"
    elif run is not None:
        source = _source(run)
    judged = [one for one in records if one.verdict in ("pass", "fail")]
    failure = None
    if not suite.candidates and all(one.verdict is None for one in records):
        problem = (
            f"runtimes: expected a candidate beside the reference {suite.reference}, found none; "
            f"add a second runtime, or record a golden for the reference to be judged by"
        )
        failure = Failure.of(SuiteError(str(suite.path), [problem]))
    elif not judged:
        reasons = "; ".join(map(_unjudged, records))
        failure = Failure.of(
            RuntimeFailure(suite.name, f"expected a candidate to judge, found none: {reasons}")
        )
    note = scale_note(suite.reference, records)
    return SuiteRecord(
        detector=suite.name,
        suite=suite.path.name,
        reference=suite.reference,
        reference_source=source,
        classes=suite.classes,
        images=suite.images,
        runtimes=records,
        parity_version=__version__,
        started=started,
        reference_milliseconds=None if run is None else run.reference_milliseconds(),
        notes=(*(() if note is None else (note,)), *(() if run is None else run.doubts())),
        failure=failure,
    )


def record(suite: Suite | Path | str, *, progress: Progress | None = None) -> Path:
    """Run the native reference on every image and write the suite's goldens anew.

    Returns their folder. Raises what kept the reference from running: nothing is written then.
    """
    suite = suite if isinstance(suite, Suite) else load(suite)
    images = Images(suite)
    reason = images.missing(suite.runtimes[suite.reference].recipe)
    if reason is not None:
        raise RuntimeMissing(suite.reference, reason)
    pipeline = Pipeline(suite, suite.reference, images)
    try:
        band = widest_band(suite)
        stages = {}
        for done, image in enumerate(suite.images):
            _tell(progress, f"recording {image}", done, len(suite.images))
            one = pipeline.stages(image, band)
            if one.side is None:
                raise RuntimeFailure(
                    suite.reference, f"{image}: expected finite heads, found NaN or infinity"
                )
            stages[image] = one
        return golden.record(suite, stages, pipeline.session.identity())
    finally:
        pipeline.close()


def _unjudged(record: RuntimeRecord) -> str:
    """Why a runtime has neither passed nor failed; why it was skipped its own record tells."""
    if record.verdict is None:
        return f"{record.name} is the reference and has no golden to drift from"
    if record.verdict == "skipped":
        return f"{record.name} was skipped"
    failures = [image.failure for image in record.images if image.failure is not None]
    reason = record.reason or (failures[0].message if failures else "has no image")
    return f"{record.name}: {reason.removeprefix(f'{record.name}: ')}"


def _source(run: Run) -> str:
    try:
        return run.source
    except ParityError:
        return "none"


def absent_record(suite: Suite, name: str, reason: str, skipped: bool) -> RuntimeRecord:
    """The record of a runtime that is not installed here: skipped, or an error."""
    runtime = suite.runtimes[name]
    return RuntimeRecord(
        name=name,
        kind=runtime.table.kind,
        role="reference" if name == suite.reference else "candidate",
        verdict="skipped" if skipped else "error",
        tolerance=runtime.tolerance,
        against="",
        recipe=runtime.recipe.describe(),
        recipe_digest=runtime.recipe.digest(),
        decode=runtime.decode.nms_label,
        failure=Failure.of(RuntimeMissing(name, reason)),
    )


def _tell(progress: Progress | None, text: str, done: int, total: int) -> None:
    if progress is not None:
        progress(text, done, total)
