"""Two sets of detections without a suite: for tests of one's own."""

from __future__ import annotations

import math

from parity.agreement import ImageAgreement, budget, judge
from parity.detections import Detections, Side, Suppression
from parity.errors import UsageError
from parity.record import ImageRecord, RuntimeRecord
from parity.suite.problems import unknown_name
from parity.suite.tolerance import BUILT_IN, Tolerance


def compare(
    expected: Detections,
    found: Detections,
    tolerance: Tolerance | str = "float32",
    *,
    threshold: float = 0.0,
    scale: tuple[float, float] = (1.0, 1.0),
) -> ImageAgreement:
    """Judge ``found`` against ``expected`` on one image.

    Detections from ``threshold`` on are deployed, those down to the tolerance's band below it are
    only looked at for partners. ``scale`` turns pixels of the boxes into pixels of the network's
    input. Nothing is known of NMS, so nothing is a tie. Raises ``UsageError`` for numbers with
    which nothing can be judged.
    """
    if not math.isfinite(threshold):
        raise UsageError(f"threshold: expected a score, found {threshold}")
    if not all(math.isfinite(one) and one > 0 for one in scale):
        raise UsageError(f"scale: expected two factors above 0, found {scale}")
    if isinstance(tolerance, str):
        tolerance = named(tolerance)
    floor = threshold - tolerance.band
    unknown = Suppression("none", 1.0, None)
    sides = [
        Side(one.take(one.scores >= floor), threshold, floor, unknown) for one in (expected, found)
    ]
    return judge(sides[0], sides[1], tolerance, scale)


def assert_agreement(
    expected: Detections,
    found: Detections,
    tolerance: Tolerance | str = "float32",
    *,
    threshold: float = 0.0,
) -> None:
    """Raise ``AssertionError``, with the offending rows, where two sets do not agree.

    A budget (``int8``) is judged over this one image.
    """
    from parity.report.messages.message import image_message

    if isinstance(tolerance, str):
        tolerance = named(tolerance)
    agreement = compare(expected, found, tolerance, threshold=threshold)
    findings = agreement.findings
    if not tolerance.strict:
        shares = budget({"detections": agreement}, tolerance).findings
        findings += tuple(one for one in shares if one.code != "nothing-detected")
    if findings:
        image = ImageRecord("these detections", "fail", findings, agreement)
        runtime = RuntimeRecord("found", "", "candidate", "fail", tolerance, "expected", "", "", "")
        raise AssertionError(image_message(image, runtime, ()))


def named(tolerance: str) -> Tolerance:
    """A built-in tolerance by name. Raises ``UsageError``."""
    if tolerance not in BUILT_IN:
        raise UsageError(unknown_name("tolerance", tolerance, BUILT_IN))
    return BUILT_IN[tolerance]
