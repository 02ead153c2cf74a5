"""Results as data: what was run, what was found, the verdicts. Versioned JSON that round-trips."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from parity.agreement import (
    Budget,
    Finding,
    HeadDifference,
    ImageAgreement,
    InputDifference,
    InputsDiffer,
    Row,
    inputs_differ,
)
from parity.decode import Unread
from parity.errors import HeadsError, ParityError, UsageError
from parity.record.caveats import SameFile
from parity.record.completeness import Earlier, Gap, Scope, gaps
from parity.suite.tolerance import Tolerance

FORMAT = 2  # 1 did not say what was asked for, and called a run of a part a pass
_DERIVED = ("verdict", "exit_code", "partial", "not_judged")  # told in files, never read back
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")

Verdict = Literal["pass", "fail", "error", "skipped", "partial"]
"""partial: all that was judged holds, and not all that is declared was judged."""


@dataclass(frozen=True)
class Failure:
    """An error as data: its class, its message, the exit code it stands for, and its cause.

    ``cause`` is the word for scripts, see ``errors.py``; "" where an older version wrote the file.
    """

    kind: str
    message: str
    exit_code: int
    cause: str = ""

    @classmethod
    def of(cls, error: ParityError) -> Failure:
        """The record of an exception of this package."""
        return cls(type(error).__name__, str(error), error.exit_code, error.cause)

    @property
    def likeness(self) -> tuple[str, str]:
        """Equal for failures that differ only in what was seen on their image."""
        first = self.message.split("\n", 1)[0]
        return self.kind, _NUMBER.sub("0", first) if self._of_heads else first

    @property
    def _of_heads(self) -> bool:
        """Whether it tells the numbers of heads, of the runtime's own or of its reference."""
        return self.kind == HeadsError.__name__ or "\non this image they are" in self.message


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
        return gaps(self)

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


def now() -> str:
    """The time at which a run starts, in UTC, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def statistics(images: Iterable[ImageRecord]) -> Statistics:
    """Count and summarise the images that were compared."""
    done = [image for image in images if image.agreement is not None]
    agreements = [image.agreement for image in done if image.agreement is not None]
    rows = [row for agreement in agreements for row in agreement.rows]
    paired = [row for row in rows if row.judged]
    times = [time for image in done if (time := image.milliseconds.get("network"))]  # none: a dump
    return Statistics(
        images=len(done),
        reference_deployed=sum(one.reference_deployed for one in agreements),
        candidate_deployed=sum(one.candidate_deployed for one in agreements),
        pairs=len(paired),
        borderline=sum(row.kind == "borderline" for row in paired),
        lost=_unexplained(rows, "lost"),
        extra=_unexplained(rows, "extra"),
        excused=sum(row.reason == "excused" for row in rows),
        unjudgeable=sum(row.reason == "unjudgeable" for row in rows),
        class_flips=sum(row.flipped for row in paired),
        one_minus_iou=_spread([1 - row.iou for row in paired if row.iou is not None]),
        score_diff=_spread([abs(row.score_diff) for row in paired if row.score_diff is not None]),
        milliseconds=float(np.median(times)) if times else None,
        ties=sum(row.tie for row in rows),
    )


def _unexplained(rows: Iterable[Row], kind: str) -> int:
    return sum(row.kind == kind and row.unexplained for row in rows)


def _spread(values: list[float]) -> Spread | None:
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return Spread(float(p50), float(p95), float(max(values)))


def _kind(record: object) -> Any:
    return type(record)


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_data(record: SuiteRecord | RuntimeRecord | ImageRecord) -> dict[str, Any]:
    """A record as plain JSON data; the format version comes first in a suite's."""
    data: dict[str, Any] = _adapter(_kind(record)).dump_python(record, mode="json")
    if isinstance(record, SuiteRecord):
        derived: dict[str, Any] = {name: getattr(record, name) for name in _DERIVED}
        derived["not_judged"] = [asdict(gap) for gap in record.not_judged]
        return {"format": data.pop("format"), **derived, **data}
    return data


def runtime_from_data(data: dict[str, Any]) -> RuntimeRecord:
    """The inverse of ``to_data`` for a runtime."""
    record: RuntimeRecord = _adapter(RuntimeRecord).validate_python(data)
    return record


def image_from_data(data: dict[str, Any]) -> ImageRecord:
    """The inverse of ``to_data`` for an image."""
    record: ImageRecord = _adapter(ImageRecord).validate_python(data)
    return record


def suite_from_data(data: dict[str, Any]) -> SuiteRecord:
    """The inverse of ``to_data`` for a suite. Raises ``UsageError`` for another format."""
    if data.get("format") != FORMAT:
        raise UsageError(
            f"expected results of format {FORMAT}, found {data.get('format')!r}: "
            f"read them with the version of parity that wrote them"
        )
    kept = {key: value for key, value in data.items() if key not in _DERIVED}
    record: SuiteRecord = _adapter(SuiteRecord).validate_python(kept)
    return record


def load(path: Path) -> SuiteRecord:
    """Read ``results.json``."""
    return suite_from_data(json.loads(path.read_text(encoding="utf-8")))


def with_images(record: RuntimeRecord, images: Iterable[ImageRecord]) -> RuntimeRecord:
    """A record with other images, and what follows from them: statistics, and how inputs differ."""
    images = tuple(images)
    inputs = inputs_differ({one.image: one.inputs for one in images if one.inputs is not None})
    return replace(record, images=images, statistics=statistics(images), inputs=inputs)
