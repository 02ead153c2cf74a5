"""What follows from one image, and from all of a runtime: agreement, budget, verdict."""

from __future__ import annotations

from dataclasses import replace

from parity.agreement import (
    Budget,
    Finding,
    ImageAgreement,
    budget,
    changed_by_settings,
    constant_heads,
    judge,
    under_settings,
)
from parity.detections import Side
from parity.record import ImageRecord, Verdict
from parity.suite import Runtime
from parity.suite.tolerance import Tolerance


def judged_sides(
    runtime: Runtime, reference: Side, candidate: Side, scale: tuple[float, float]
) -> ImageAgreement:
    """Judge one image; where other settings are deliberate, under those of the candidate."""
    if not runtime.deliberate:
        return judge(reference, candidate, runtime.tolerance, scale)
    changed = changed_by_settings(reference, candidate)
    reference = under_settings(reference, candidate)
    agreement = judge(reference, candidate, runtime.tolerance, scale)
    return replace(agreement, deliberate=changed)


def budget_of(
    compared: dict[str, ImageAgreement], tolerance: Tolerance, images: tuple[ImageRecord, ...]
) -> Budget:
    """The budget; that nothing was detected is no finding where images fail for another reason."""
    found = budget(compared, tolerance)
    findings = (*constant_heads(one.heads for one in images), *found.findings)
    if 0 < len(compared) < len(images):
        findings = tuple(one for one in findings if one.code != "nothing-detected")
    return replace(found, findings=findings)


def verdict_of(images: tuple[ImageRecord, ...], findings: tuple[Finding, ...]) -> Verdict:
    if any(image.verdict == "error" for image in images):
        return "error"
    failed = findings or any(image.verdict == "fail" for image in images)
    return "fail" if failed else "pass"
