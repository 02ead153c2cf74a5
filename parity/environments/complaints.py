"""What an installer says is wrong, from all the lines that it has written."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST = 400  # characters of a line
_MOST = 8  # lines
_VERSIONS = re.compile(r"\(from versions: ([^)]*)\)")
_SHOWN = 5  # versions
# pip's own words for each attempt, and for the last one.
_PIP_RETRIES = re.compile(r"Retrying \(|Max retries exceeded")
_PIP_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")]+)|(timed out|[A-Z]\w+Error)\b")
_UV_CONNECTS = re.compile(r"tcp connect error|dns error|client error \(Connect\)|timed out")
_UV_FETCHES = re.compile(r"Failed to fetch: (\S+)")


def of_pip(lines: Sequence[str]) -> str:
    """The errors of pip; that the index could not be reached, which it tells among warnings."""
    told = [line for line in lines if line.lower().startswith(("error", "×", "╰"))]
    if any("Could not find a version" in line for line in told):
        told = [line for line in told if "No matching distribution" not in line]
    text = _joined(told or lines[-3:])
    tries = [line for line in lines if _PIP_RETRIES.search(line)]
    starved = [line for line in told if "Could not find a version" in line or line in tries]
    if not tries or not starved:
        return text
    reasons = [one for one in map(_reason, tries) if one]
    return f"{_unreachable(reasons[-1] if reasons else '')} ({text})"


def of_uv(lines: Sequence[str]) -> str:
    """uv tells the reason below its first line of error."""
    starts = [at for at, line in enumerate(lines) if line.lower().startswith(("error", "×"))]
    told = [re.sub(r"^(cause|hint): ", "", line) for line in lines[starts[0] if starts else -3 :]]
    if not any(_UV_CONNECTS.search(line) for line in told):
        return _joined(told)
    found = [match.group(1) for match in map(_UV_FETCHES.search, told) if match]
    return _unreachable(": ".join([*found[:1], told[-1]]))


def _unreachable(reason: str) -> str:
    more = f": {reason}" if reason else ""
    return (
        f"the package index could not be reached{more}; check the network and the index's address"
    )


def _reason(line: str) -> str:
    """Of one of pip's attempts: the system's words, or the name of the exception."""
    found = _PIP_REASON.findall(line)
    words = [one for one, _ in found if one]
    return words[-1].strip() if words else next((name for _, name in found if name), "")


def _joined(lines: Sequence[str]) -> str:
    kept = [_VERSIONS.sub(_newest, line)[:_LONGEST] for line in lines[-_MOST:]]
    return " ".join(kept) or "the installer said nothing"


def _newest(match: re.Match[str]) -> str:
    """Of all the versions that there are the newest, which come last."""
    versions = match.group(1).split(", ")
    if len(versions) <= _SHOWN:
        return match.group(0)
    return f"(from {len(versions)} versions, the newest: {', '.join(versions[-_SHOWN:])})"
