"""A whole suite: what share of each limit's budget was used, and what no budget excuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from parity.agreement.bias import box_bias, score_bias
from parity.agreement.chance import lower_bound, upper_bound
from parity.agreement.counts import concentrated, deployed_counts
from parity.agreement.findings import Finding
from parity.agreement.rows import ImageAgreement, Row
from parity.agreement.samples import samples
from parity.suite.tolerance import Tolerance

_ROUNDING = 1e-9  # 1 - 0.9 is a little less than 0.1: 10 of 100 must hold
_MOST = 10**9  # objects: a budget that takes more to prove is none that images prove


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
    def most(self) -> int:
        """How many the budget covers: its share of the total, and one where that is no whole one.

        Of five or fewer one is surely more than 1 % (its 95 % interval lies above), and covered by
        nothing.
        """
        if not self.allowed or not self.total:
            return 0
        whole = int(self.allowed * self.total + _ROUNDING)
        return max(whole, int(lower_bound(1, self.total) < self.allowed - _ROUNDING))

    @property
    def holds(self) -> bool:
        """Whether the budget covers it."""
        return self.count <= self.most

    @property
    def proven(self) -> bool:
        """Whether the true share is within the budget, with 95 % confidence."""
        return not self.allowed or upper_bound(self.count, self.total) <= self.allowed

    @property
    def needed(self) -> int:
        """Of how many in all, without another miss, the budget would be proven."""
        if self.proven:
            return self.total
        low, high = self.total, max(self.total, 1)
        while upper_bound(self.count, high) > self.allowed and high < _MOST:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            proven = upper_bound(self.count, middle) <= self.allowed
            low, high = (low, middle) if proven else (middle, high)
        return high


@dataclass(frozen=True)
class Budget:
    """The verdict over all images: one ``Share`` a limit, and every finding.

    ``more_images``: how many more like these, without another miss, would prove the budget with
    95 % confidence; 0 where it is proven, or where nothing is allowed.
    """

    shares: tuple[Share, ...]
    findings: tuple[Finding, ...]
    more_images: int = 0


def budget(images: Mapping[str, ImageAgreement], tolerance: Tolerance) -> Budget:
    """Judge all images of a suite together.

    A strict tolerance has budgets of nothing, so the same shares judge it. Findings of single
    images are the images' own.
    """
    shares = _shares(images, tolerance)
    findings = [
        Finding(
            share.code,
            {"count": share.count, "total": share.total, "allowed": share.allowed, "share": True},
        )
        for share in shares
        if not share.holds
    ]
    measured = samples(images)
    findings += box_bias(measured, tuple(images), tolerance)
    findings += score_bias(measured, tolerance)
    findings += deployed_counts(images, tolerance)
    held = [share.code for share in shares if share.holds and share.code in ("box", "score")]
    findings += concentrated(images, tolerance, held)
    if not images:
        findings.append(Finding("no-image"))
    elif not any(one.reference_deployed or one.candidate_deployed for one in images.values()):
        findings.append(Finding("nothing-detected", {"images": len(images)}))
    return Budget(shares, tuple(findings), _more_images(shares, len(images)))


def _shares(images: Mapping[str, ImageAgreement], tolerance: Tolerance) -> tuple[Share, ...]:
    rows = [(row, image) for image in images.values() for row in image.rows]
    pairs = [(row, image) for row, image in rows if row.judged]
    ours = [row for row, image in pairs if image.of_reference(row)]
    risen = [row for row, image in pairs if not image.of_reference(row)]
    reference = sum(image.reference_deployed for image in images.values())
    candidate = sum(image.candidate_deployed for image in images.values())
    outside = 1 - tolerance.min_within
    both = reference + candidate

    def leftovers(kind: str) -> int:
        return sum(row.kind == kind and row.unexplained for row, _ in rows)

    def reason(name: str) -> int:
        return sum(row.reason == name for row, _ in rows)

    flips = sum(row.flipped for row, _ in pairs)
    off = sum(not row.box_within for row, _ in pairs)
    return (
        Share("box", "min_within", off, len(pairs), outside),
        Share("score", "min_within", _off_score(ours), len(ours), outside),
        Share("risen", "min_within", _off_score(risen), candidate, outside),
        Share("lost", "max_lost", leftovers("lost"), reference, tolerance.max_lost),
        Share("extra", "max_extra", leftovers("extra"), candidate, tolerance.max_extra),
        Share("class", "max_class_flips", flips, len(pairs), tolerance.max_class_flips),
        Share("excused", "max_excused", reason("excused"), both, tolerance.max_excused),
        Share("unjudgeable", "max_excused", reason("unjudgeable"), both, tolerance.max_excused),
    )


def _off_score(rows: Iterable[Row]) -> int:
    return sum(not row.score_within for row in rows)


def _more_images(shares: Iterable[Share], images: int) -> int:
    """By the share that needs most; its objects are as frequent as they were in these images."""
    needed = [
        -(-one.needed * images // one.total) - images  # rounded up
        for one in shares
        if one.total and not one.proven
    ]
    return max(needed, default=0)
