"""Numbers as text that never says otherwise than the number did: no fail is rounded into a pass."""

from __future__ import annotations

import math

from parity.agreement import Share


def number(value: float, digits: int = 2) -> str:
    """A number with so many significant digits; tiny and huge ones as 3.1e-06."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def exact(value: float) -> str:
    """A limit as the suite writes it: the shortest text that reads back as the same number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def beside(value: float, limit: float, digits: int = 3) -> str:
    """A number with as many digits as it takes to stay on its side of a printed limit."""
    for count in range(digits, 18):
        text = number(value, count)
        if _side(float(text), limit) == _side(value, limit):
            return text
    return repr(value)


def signed(value: float, limit: float) -> str:
    """A signed difference whose size stays on its side of a printed limit."""
    sign = "-" if value < 0 else "+"
    return sign + beside(abs(value), limit) if value else "0"


def percent(share: float, allowed: float | None = None) -> str:
    """A share as "0.73 %", on its side of the allowed one however many digits that takes."""
    value = round(100 * share, 10)  # 100 * 0.07 is a little more than 7
    if allowed is None:
        return f"{exact(value)} %"
    return f"{beside(value, round(100 * allowed, 10), 2)} %"


def found(share: Share) -> str:
    """How much was found: "3 of 412 (0.73 %)"."""
    if not share.total:
        return f"{share.count} of 0"
    return f"{share.count} of {share.total} ({percent(share.used, share.allowed)})"


def allowed(share: Share) -> str:
    """How much may be: "allowed 1 %", "none allowed"."""
    if not share.allowed:
        return "none allowed"
    few = share.total > 0 and share.allowed * share.total < 1
    number = f" ({share.most} of {share.total})" if few else ""
    return f"allowed {percent(share.allowed)}{number}"


def budget_used(share: Share) -> str:
    """How much of what is allowed was used: "73 % of the budget"; "" where nothing is allowed."""
    if not share.allowed or not share.total:
        return ""
    used = share.used / share.allowed
    if share.holds:
        used = min(used, 1.0)
    return f"{percent(used, 1.0)} of the budget"


def counted(count: int, noun: str) -> str:
    """A number of things: "1 pair", "3 pairs"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def milliseconds(value: float) -> str:
    """A duration in milliseconds, three significant digits."""
    return number(value, 3) if value < 100 else f"{value:.0f}"


def size(count: int) -> str:
    """A file size."""
    if count < 1024:
        return f"{count} B"
    if count < 1 << 20:
        return f"{count / 1024:.1f} KiB"
    return f"{count / (1 << 20):.1f} MiB"


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)
