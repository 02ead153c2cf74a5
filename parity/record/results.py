"""Results as data: what was run, what was found, the verdicts. ``codec.py`` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from parity.agreement import (
    Budget,
    Finding,
    HeadDifference,
    ImageAgreement,
    InputDifference,
    InputsDiffer,
)
from parity.decode import Unread
from parity.errors import LostTest
from parity.record.caveats import SameFile
from parity.record.completeness import Earlier, Gap, Scope, Why
from parity.record.failure import Failure
from parity.suite.tolerance import Tolerance

Verdict = Literal["pass", "fail", "error", "skipped", "partial"]
"""partial: all that was judged holds, and not all that is declared was judged."""


@dataclass(frozen=True)
class ArtifactRecord:
    """A model file: path relative to the suite, SHA-256 and size in bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class ImageRecord:
    """One runtime on one image. ``agreement`` is None where nothing could be compared.

    ``inputs`` is None where both sides have one recipe, and so one input. ``size``: the image's
    (height, width) in pixels.
    """

    image: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    agreement: ImageAgreement | None = None
    heads: tuple[HeadDifference, ...] = ()
    milliseconds: dict[str, float] = field(default_factory=dict)
    failure: Failure | None = None
    inputs: InputDifference | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Spread:
    """Median, 95th percentile and maximum of a quantity over all pairs."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True)
class Statistics:
    """Counts and spreads over all compared images of one runtime."""

    images: int
    reference_deployed: int
    candidate_deployed: int
    pairs: int
    borderline: int
    lost: int
    extra: int
    excused: int
    unjudgeable: int
    class_flips: int
    one_minus_iou: Spread | None
    score_diff: Spread | None
    milliseconds: float | None
    ties: int = 0


@dataclass(frozen=True)
class RuntimeRecord:
    """One runtime over all images.

    ``against`` says what it was judged against: "native" (the reference, run now) or "golden" (the
    recorded reference). ``verdict`` is None for a reference that has no golden to drift from.
    ``average_precision``: mAP@0.5 of the deployed detections, by side, where the suite has labels.
    ``recipe_keys``: the settings in which its recipe differs from the reference's; ``inputs``: how
    far what it is fed differs then, None where the recipes are the same. ``same_file``: another
    runtime of which its file is, byte for byte. ``unread``: what of the outputs, its own and the
    reference's, nobody judges.
    """

    name: str
    kind: str
    role: Literal["reference", "candidate"]
    verdict: Verdict | None
    tolerance: Tolerance
    against: str
    recipe: str
    recipe_digest: str
    decode: str
    layout: str = ""
    identity: dict[str, Any] = field(default_factory=dict)
    artifacts: tuple[ArtifactRecord, ...] = ()
    notes: tuple[str, ...] = ()
    images: tuple[ImageRecord, ...] = ()
    budget: Budget | None = None
    statistics: Statistics | None = None
    average_precision: dict[str, float] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    failure: Failure | None = None
    recipe_keys: tuple[str, ...] = ()
    inputs: InputsDiffer | None = None
    same_file: SameFile | None = None
    unread: tuple[Unread, ...] = ()

    @property
    def reason(self) -> str:
        """Why there is no verdict, in one paragraph; "" where there is one."""
        return self.failure.message if self.failure is not None else ""

    def failed_images(self) -> tuple[ImageRecord, ...]:
        """The images whose own verdict is not pass."""
        return tuple(image for image in self.images if image.verdict != "pass")


@dataclass(frozen=True)
class SuiteRecord:
    """One run of one suite.

    ``images`` and ``scope.runtimes`` are what the suite declares, ``runtimes`` what this run made
    of it. ``earlier`` is the complete report that a partial one was written beside.
    """

    FORMAT: ClassVar[int] = 2  # 1 did not say what was asked for, and called a part a pass
    DERIVED: ClassVar[tuple[str, ...]] = ("verdict", "exit_code", "partial", "not_judged")

    detector: str
    suite: str
    reference: str
    reference_source: str
    classes: tuple[str, ...]
    images: tuple[str, ...]
    runtimes: tuple[RuntimeRecord, ...]
    parity_version: str
    started: str
    scope: Scope
    reference_milliseconds: float | None = None
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    earlier: Earlier | None = None
    format: int = FORMAT

    @property
    def not_judged(self) -> tuple[Gap, ...]:
        """What of the suite this run has no verdict on."""
        return _gaps(self)

    @property
    def partial(self) -> bool:
        """Whether less was judged than the suite declares; all of a suite that does not load."""
        return bool(self.not_judged) or not self.runtimes

    @property
    def verdict(self) -> Verdict:
        """error before fail before partial before pass; error where no candidate was judged."""
        verdicts = {one.verdict for one in self.runtimes}
        if self.failure is not None or "error" in verdicts:
            return "error"
        if "fail" in verdicts:
            return "fail"
        return "partial" if self.partial else "pass"

    @property
    def exit_code(self) -> int:
        """0 holds, 1 broken, 2 suite or command wrong, 3 undecided; 2 before 3 before 1.

        A part that was asked for and holds is 0; a run that was stopped before it had judged what
        it was asked for is 3, unless what it judged is broken.
        """
        codes = {one.exit_code for one in self._failures()}
        if 2 in codes:
            return 2
        if codes or self.verdict == "error":
            return 3
        if self.verdict == "fail":
            return 1
        return 3 if self.partial and self.scope.stopped else 0

    def _failures(self) -> Iterable[Failure]:
        if self.failure is not None:
            yield self.failure
        for runtime in self.runtimes:
            if runtime.failure is not None and runtime.verdict == "error":
                yield runtime.failure
            for image in runtime.images:
                if image.failure is not None:
                    yield image.failure


def _gaps(record: SuiteRecord) -> tuple[Gap, ...]:
    """What a suite declares and this record has no verdict on. A run without any is complete.

    A runtime that was asked for and could not be opened or run is no gap: its verdict, error, is
    one of the whole. Neither is a reference that did not run where its golden stood in for it.
    """
    found = {one.name: one for one in record.runtimes}
    stood_in = record.reference if record.reference_source == "golden" else None
    return tuple(
        gap
        for name in record.scope.runtimes
        if (gap := _gap(name, record.images, found.get(name), name == stood_in)) is not None
    )


def _gap(
    name: str, images: Sequence[str], record: RuntimeRecord | None, stood_in: bool
) -> Gap | None:
    if record is None or record.verdict == "skipped":
        why: Why = "left out" if record is None else "not installed"
        return None if stood_in else Gap(name, tuple(images), why)
    lost = record.failure is not None and record.failure.cause == LostTest.cause
    if record.failure is not None and not lost:
        return None
    judged = {one.image for one in record.images}
    left = tuple(one for one in images if one not in judged)
    if not left and record.budget is not None:
        return None
    return Gap(name, left, "lost" if lost else "left out")
