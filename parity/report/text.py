"""Plain text that strings from files cannot break: escapes, widths, aligned columns."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 60  # characters of one cell
_GAP = "  "
_FOLDED = "    "  # before what did not fit beside the rest of its row


def printable(text: str) -> str:
    """The text in one line, every control or invisible character as its escape."""
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def lines(text: str) -> list[str]:
    """The lines of a message, each printable."""
    return [printable(line) for line in text.splitlines()] or [""]


def clipped(text: str, longest: int = LONGEST) -> str:
    """The text, cut in its middle where it is longer than a cell may be."""
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def class_name(label: int | None, classes: Sequence[str]) -> str:
    """The name of a class; its number where the suite has no name for it."""
    if label is None:
        return ""
    if 0 <= label < len(classes):
        return clipped(printable(classes[label]), 24)
    return f"class {label}"


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(unicodedata.combining(one) > 0 for one in text)


def padded(text: str, columns: int, right: bool = False) -> str:
    """The text filled up with spaces to so many columns."""
    fill = " " * (columns - width(text))
    return fill + text if right else text + fill


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Iterable[int],
    wide: int | None = None,
) -> list[str]:
    """Aligned lines, the header first; the columns numbered in ``right`` stand to the right.

    Columns that do not fit into ``wide`` follow below, each row on as many lines as that takes;
    nothing is cut.
    """
    grid = [tuple(header), *map(tuple, rows)]
    widths = [max(width(line[i]) for line in grid) for i in range(len(header))]
    right = set(right)
    groups = _groups(widths, wide)
    return [
        (
            _FOLDED * (place > 0) + _GAP.join(padded(line[i], widths[i], i in right) for i in group)
        ).rstrip()
        for line in grid
        for place, group in enumerate(groups)
    ]


def _groups(widths: Sequence[int], wide: int | None) -> list[list[int]]:
    """Which columns stand beside each other; empty ones stand nowhere."""
    groups: list[list[int]] = [[]]
    used = 0
    for i, needed in enumerate(widths):
        if not needed:
            continue
        if wide is not None and groups[-1] and used + len(_GAP) + needed > wide:
            groups.append([])
            used = len(_FOLDED)
        used += needed + (len(_GAP) if groups[-1] else 0)
        groups[-1].append(i)
    return groups


def wrapped(text: str, wide: int, indent: str = "") -> list[str]:
    """The text in lines broken between words, all but the first set in; no word is cut."""
    return textwrap.wrap(
        text, wide, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _escape(character: str) -> str:
    code = ord(character)
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
