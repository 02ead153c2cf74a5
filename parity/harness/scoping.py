"""What a suite declares to be judged, and the records of what was judged only in part or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from parity import golden
from parity.errors import ParityError, RuntimeFailure, RuntimeMissing, SuiteError
from parity.record import (
    Failure,
    ImageRecord,
    RuntimeRecord,
    SuiteRecord,
    Verdict,
    now,
    with_images,
)
from parity.record.completeness import Scope, asked_only
from parity.suite import Suite
from parity.version import __version__

STOPPED = "interrupted"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while a suite was judged. ``record`` says what was known by then."""

    def __init__(self, record: SuiteRecord) -> None:
        self.record = record
        super().__init__(record.scope.stopped)


def judgeable(suite: Suite) -> tuple[str, ...]:
    """The runtimes with something to be judged against: candidates, a reference with a golden."""
    drifts = golden.exists(suite)
    return tuple(name for name in suite.runtimes if name != suite.reference or drifts)


def scope_of(suite: Suite, asked: Sequence[str], stopped: str = "") -> Scope:
    """The scope of a run that was asked for some runtimes of a suite by name."""
    declared = judgeable(suite)
    narrowed = set(declared) - set(asked)
    return Scope(declared, (asked_only(asked),) if narrowed else (), stopped)


def nothing_of(suite: Suite, why: str) -> SuiteRecord:
    """The record of a suite that was asked for whole and was not reached, for what reason."""
    return unreached_record(suite, Scope(judgeable(suite), (), why))


def in_part(record: RuntimeRecord, images: Iterable[ImageRecord]) -> RuntimeRecord | None:
    """A runtime of which only single images were judged, which is never a pass of the whole.

    None where not even one was and nothing failed, so that there is nothing to say of it.
    """
    if record.failure is not None:
        return record
    images = tuple(images)
    if not images:
        return None
    verdicts = {image.verdict for image in images}
    order: tuple[Verdict, ...] = ("error", "fail", "partial")
    worst = next(one for one in order if one in verdicts or one == "partial")
    return replace(with_images(record, images), verdict=worst)


def absent_record(suite: Suite, name: str, reason: str, skipped: bool) -> RuntimeRecord:
    """The record of a runtime that is not installed here: skipped, or an error."""
    failure = RuntimeMissing(name, reason)
    return unjudged_record(suite, name, failure, "skipped" if skipped else "error")


def unjudged_record(
    suite: Suite, name: str, failure: ParityError, verdict: Verdict = "error"
) -> RuntimeRecord:
    """The record of a runtime of which nothing is known but why."""
    runtime = suite.runtimes[name]
    return RuntimeRecord(
        name=name,
        kind=runtime.table.kind,
        role="reference" if name == suite.reference else "candidate",
        verdict=verdict,
        tolerance=runtime.tolerance,
        against="",
        recipe=runtime.recipe.describe(),
        recipe_digest=runtime.recipe.digest(),
        decode=runtime.decode.nms_label,
        failure=Failure.of(failure),
    )


def unloaded_record(name: str, file: Path, failure: Failure) -> SuiteRecord:
    """The record of a suite that does not load, of which only the detector's name is known."""
    return SuiteRecord(
        detector=name,
        suite=file.name,
        reference="",
        reference_source="none",
        classes=(),
        images=(),
        runtimes=(),
        parity_version=__version__,
        started=now(),
        scope=Scope(()),
        failure=failure,
    )


def unreached_record(suite: Suite, scope: Scope) -> SuiteRecord:
    """The record of a suite that was asked for and of which the run did not judge anything."""
    failure = no_candidate(suite, (), scope)
    assert failure is not None
    return replace(
        unloaded_record(suite.name, suite.path, failure),
        reference=suite.reference,
        classes=suite.classes,
        images=suite.images,
        scope=scope,
    )


def no_candidate(suite: Suite, records: Iterable[RuntimeRecord], scope: Scope) -> Failure | None:
    """Why a suite holds nothing, where not one candidate was judged.

    That the reference agrees with its own golden says nothing of any candidate.
    """
    records = tuple(records)
    candidates = [one for one in records if one.role == "candidate"]
    if any(one.verdict in ("pass", "fail", "partial") for one in candidates):
        return None
    if not suite.candidates:
        problem = (
            f"runtimes: expected a candidate beside the reference {suite.reference}, found none; "
            f"add a second runtime: that a reference agrees with itself or with its own golden "
            f"says nothing of what is deployed"
        )
        return Failure.of(SuiteError(str(suite.path), [problem]))
    reasons = "; ".join(map(_unjudged, candidates)) or "; ".join(map(_unjudged, records))
    told = reasons or ", ".join(scope.reasons) or "no runtime was run"
    message = f"expected a candidate to judge, found none: {told}"
    return Failure.of(RuntimeFailure(suite.name, message))


def _unjudged(record: RuntimeRecord) -> str:
    """Why a runtime has neither passed nor failed; why it was skipped its own record tells."""
    if record.role == "reference" and record.verdict != "skipped":
        return f"{record.name} is the reference, whose own drift proves no candidate"
    if record.verdict == "skipped":
        return f"{record.name} was skipped"
    failures = [image.failure for image in record.images if image.failure is not None]
    reason = record.reason or (failures[0].message if failures else "has no image")
    return f"{record.name}: {reason.removeprefix(f'{record.name}: ')}"
