"""What belongs into the line of a verdict because a pass does not say it."""

from __future__ import annotations

from collections.abc import Iterable

from parity.decode.unread import Unread, surplus
from parity.record import RuntimeRecord, SuiteRecord
from parity.report.text import printable

_NAMED = 4  # outputs that are named in the line; the notes name all


def caveats(record: SuiteRecord) -> str:
    """To be put behind the verdict, each behind a semicolon; "" for nothing.

    "; int8 is the reference's own file; not judged: output masks".
    """
    judged = [one for one in record.runtimes if one.verdict in ("pass", "fail")]
    found = [one.same_file.short(one.name) for one in judged if one.same_file is not None]
    unread = list(dict.fromkeys(one.short() for one in _every(judged)))
    if unread:
        more = len(unread) - _NAMED
        listed = ", ".join(unread[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        found.append(f"not judged: {listed}")
    return "".join(f"; {printable(one)}" for one in found)


def _every(judged: Iterable[RuntimeRecord]) -> tuple[Unread, ...]:
    """What is not judged of any runtime; what is the same in two by the name of the first."""
    found: tuple[Unread, ...] = ()
    for runtime in judged:
        found += surplus(found, runtime.unread)
    return found
