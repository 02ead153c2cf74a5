"""A whole suite: what share of each limit's budget was used, and what no budget excuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parity.agreement.alarms import bias, vanished
from parity.agreement.findings import Finding
from parity.agreement.rows import ImageAgreement, Row
from parity.suite.tolerance import Tolerance

_ROUNDING = 1e-9  # 1 - 0.9 is a little less than 0.1: 10 of 100 must hold


@dataclass(frozen=True)
class Share:
    """One limit of the tolerance: ``count`` of ``total``, and the share that is allowed.

    ``limit`` is the tolerance's key. For ``min_within`` the count is of those that are *not*
    within, and the allowed share is 1 - min_within. ``code`` is the finding's when it is exceeded.
    """

    code: str
    limit: str
    count: int
    total: int
    allowed: float

    @property
    def used(self) -> float:
        """The share used, 0 to 1 (all of it where something was found among nothing)."""
        return self.count / self.total if self.total else float(self.count > 0)

    @property
    def holds(self) -> bool:
        """Whether the budget covers it."""
        return self.count <= self.allowed * self.total + _ROUNDING


@dataclass(frozen=True)
class Budget:
    """The verdict over all images: one ``Share`` a limit, and every finding."""

    shares: tuple[Share, ...]
    findings: tuple[Finding, ...]


def budget(images: Mapping[str, ImageAgreement], tolerance: Tolerance) -> Budget:
    """Judge all images of a suite together.

    A strict tolerance has budgets of nothing, so the same shares judge it. Findings of single
    images are the images' own.
    """
    rows = tuple(row for image in images.values() for row in image.rows)
    shares = _shares(rows, images, tolerance)
    findings = [
        Finding(
            share.code,
            {"count": share.count, "total": share.total, "allowed": share.allowed, "share": True},
        )
        for share in shares
        if not share.holds
    ]
    if not tolerance.strict:
        of_reference = [row for image in images.values() for row in image.of_reference]
        findings += [*vanished(of_reference), *bias(rows, tolerance)]
    if not images:
        findings.append(Finding("no-image"))
    elif not any(one.reference_deployed or one.candidate_deployed for one in images.values()):
        findings.append(Finding("nothing-detected", {"images": len(images)}))
    return Budget(shares=shares, findings=tuple(findings))


def _shares(
    rows: tuple[Row, ...], images: Mapping[str, ImageAgreement], tolerance: Tolerance
) -> tuple[Share, ...]:
    paired = [row for row in rows if row.paired]
    reference = sum(image.reference_deployed for image in images.values())
    candidate = sum(image.candidate_deployed for image in images.values())
    allowed = 1 - tolerance.min_within
    open_ = ("", "threshold")

    def count(kind: str) -> int:
        return sum(row.kind == kind and row.reason in open_ for row in rows)

    def reason(name: str) -> int:
        return sum(row.reason == name for row in rows)

    outside = sum(not row.box_within for row in paired), sum(not row.score_within for row in paired)
    flips = sum(row.flipped for row in paired)
    both = reference + candidate
    return (
        Share("box", "min_within", outside[0], len(paired), allowed),
        Share("score", "min_within", outside[1], len(paired), allowed),
        Share("lost", "max_lost", count("lost"), reference, tolerance.max_lost),
        Share("extra", "max_extra", count("extra"), candidate, tolerance.max_extra),
        Share("class", "max_class_flips", flips, len(paired), tolerance.max_class_flips),
        Share("excused", "max_excused", reason("excused"), both, tolerance.max_excused),
        Share("unjudgeable", "max_excused", reason("unjudgeable"), both, tolerance.max_excused),
    )
