"""The orchestrators: judge a suite, record its goldens.

Begin with ``check`` here and ``run.py``, which judges the runtimes of one suite, image by image;
``judging.py`` says what follows from them. ``layering.py``, ``matrix.py`` and ``roundtripping.py``
are those commands; the other files are what a run asks: its reference, its notes, its scope. Only
``cli/`` and ``pytest_plugin/`` are above; nothing here prints or words a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from parity import golden
from parity.diagnosis import scale_note
from parity.errors import ParityError, RuntimeFailure, RuntimeMissing
from parity.harness.likeness import with_repeats
from parity.harness.reference import widest_band
from parity.harness.run import Run
from parity.harness.scoping import STOPPED, Interrupted, absent_record, no_candidate, scope_of
from parity.pipeline import Images, Pipeline
from parity.record import RuntimeRecord, SuiteRecord, now
from parity.record.completeness import Scope
from parity.suite import Suite, load
from parity.version import __version__

__all__ = ["Interrupted", "Run", "absent_record", "check", "record", "suite_record"]

Progress = Callable[[str, int, int], None]
"""Called as work goes on: what is done, how many steps are done, of how many."""


def check(
    suite: Suite | Path | str,
    runtimes: Iterable[str] | None = None,
    *,
    reference: str = "auto",
    allow_missing: bool = False,
    progress: Progress | None = None,
) -> SuiteRecord:
    """Judge runtimes of a suite (all of them for None) against its reference on every image.

    ``reference`` is "auto" or "golden". A runtime whose library is not installed is an error, or
    skipped with ``allow_missing``. Raises ``SuiteError`` and ``UsageError``; what happens to a
    single runtime is part of the record. Ctrl-C raises ``Interrupted``, a ``KeyboardInterrupt``
    with the record of what was judged by then.
    """
    suite = suite if isinstance(suite, Suite) else load(suite)
    names = suite.select(runtimes)
    started = now()
    run = Run(suite, reference)
    records: dict[str, RuntimeRecord] = {}
    try:
        for known in _judged(run, names, allow_missing, progress):
            records[known.name] = known
        return _concluded(run, _ordered(names, records), started, scope_of(suite, names))
    except KeyboardInterrupt as stop:
        for name in set(names) - set(records):
            if (part := run.so_far(name)) is not None:
                records[name] = part
        asked = scope_of(suite, names, str(stop) or STOPPED)
        raise Interrupted(_concluded(run, _ordered(names, records), started, asked)) from stop
    finally:
        run.close()


def _judged(
    run: Run, names: Iterable[str], allow_missing: bool, progress: Progress | None
) -> Iterator[RuntimeRecord]:
    """Judge all runtimes on each image in turn; a runtime's record as soon as it is known."""
    suite = run.suite
    able = []
    for name in names:
        reason = run.missing(name)
        if reason is None:
            able.append(name)
            continue
        stood_in = name == suite.reference and _source(run) == "golden"
        yield absent_record(suite, name, reason, allow_missing or stood_in)
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
    for name in able:
        yield run.runtime(name)


def _ordered(names: Iterable[str], records: dict[str, RuntimeRecord]) -> tuple[RuntimeRecord, ...]:
    return tuple(records[name] for name in names if name in records)


def _concluded(
    run: Run, records: tuple[RuntimeRecord, ...], started: str, scope: Scope
) -> SuiteRecord:
    record = suite_record(run.suite, records, started, scope, doubts=run.doubts())
    return replace(record, reference_milliseconds=run.reference_milliseconds())


def suite_record(
    suite: Suite,
    records: Iterable[RuntimeRecord],
    started: str,
    scope: Scope,
    *,
    doubts: tuple[str, ...] = (),
) -> SuiteRecord:
    """Put the records of a suite's runtimes together and judge that a candidate was judged.

    The source of the reference is what the candidates were judged against, "none" for none.
    """
    records = tuple(with_repeats(suite, records))
    against = {one.against for one in records if one.role == "candidate" and one.against}
    source = ("golden" if against == {"golden"} else "native") if against else "none"
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
        scope=scope,
        notes=(*(() if note is None else (note,)), *doubts),
        failure=no_candidate(suite, records, scope),
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
    golden.need_place(suite)
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
        with golden.writing(suite):
            return golden.record(suite, stages, pipeline.session.identity())
    finally:
        pipeline.close()


def _source(run: Run) -> str:
    try:
        return run.source
    except ParityError:
        return "none"


def _tell(progress: Progress | None, text: str, done: int, total: int) -> None:
    if progress is not None:
        progress(text, done, total)
