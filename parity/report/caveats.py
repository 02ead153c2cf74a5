"""What belongs into the line of a verdict because a pass does not say it."""

from __future__ import annotations

from parity.record import SuiteRecord
from parity.report.text import printable


def caveats(record: SuiteRecord) -> str:
    """To be put behind the verdict: "; copy is the reference's own file"; "" for nothing."""
    judged = [one for one in record.runtimes if one.verdict in ("pass", "fail")]
    found = [one.same_file.short(one.name) for one in judged if one.same_file is not None]
    return "".join(f"; {printable(one)}" for one in found)
