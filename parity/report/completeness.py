"""What a run did not judge, in words: the same in every report, on the terminal and in pytest."""

from __future__ import annotations

from parity.record import SuiteRecord
from parity.record.completeness import Earlier, Gap
from parity.report.text import printable

MOST_RUNTIMES = 8  # named in the last line; results.json has all
MOST_IMAGES = 3


def state(record: SuiteRecord) -> str:
    """The verdict, and that it is not one of the whole: "pass", "partial", "fail, partial"."""
    verdict = record.verdict
    return f"{verdict}, partial" if record.partial and verdict != "partial" else verdict


def closing(record: SuiteRecord) -> str:
    """The last line of a run that judged less than the suite declares; "" for a complete one.

    "parts: partial (only onnx asked for): not judged: tflite; torch (its drift)".
    """
    found = [_gap(gap, record) for gap in record.not_judged]
    if not found:
        return ""
    if len(found) > MOST_RUNTIMES:
        found = [*found[:MOST_RUNTIMES], f"and {len(found) - MOST_RUNTIMES} more"]
    why = ", ".join(map(printable, record.scope.reasons))
    reasons = f" ({why})" if why else ""
    detector = printable(record.detector)
    return f"{detector}: {state(record)}{reasons}: not judged: {'; '.join(found)}"


def kept(earlier: Earlier | None, place: str = "complete/") -> str:
    """What a partial report says of the complete one that it was written beside; "" for none."""
    if earlier is None:
        return ""
    return (
        f"the last complete report, {printable(earlier.verdict)} of "
        f"{printable(earlier.started)}, is kept in {place}"
    )


def _gap(gap: Gap, record: SuiteRecord) -> str:
    name = printable(gap.runtime)
    if gap.why == "not installed":
        return f"{name} (not installed)"
    lost = " (test lost)" if gap.why == "lost" else ""
    if not gap.images:
        return f"{name} over all images together{lost}"
    if len(gap.images) == len(record.images):
        return name + (lost or (" (its drift)" if gap.runtime == record.reference else ""))
    if len(gap.images) > MOST_IMAGES:
        return f"{name} on {len(gap.images)} of {len(record.images)} images{lost}"
    return f"{name} on {', '.join(map(printable, gap.images))}{lost}"
