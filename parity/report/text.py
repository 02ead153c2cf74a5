"""Plain text that strings from files cannot break: escapes, widths, wrapped lines."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

LONGEST = 60  # characters of one cell


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
