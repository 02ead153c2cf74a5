"""GitHub's Markdown, in which nothing from a file can be structure.

Every string that came from a file is written as character references (or inside ``<pre>``, as HTML
text), which Markdown never takes for structure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from parity.report.text import printable

_PLAIN = frozenset(" .,;()%/-+='?")  # beside letters and digits: never structure within a line
_ACTIVE = re.compile(r"(?i)(?<=www)\.|:(?=\S)")  # www.example.org, http://, :emoji:
_LEADING = re.compile(r"(?i)^[^a-z0-9]|(?<=^\d)[.)]")  # a list, a heading or code of a line's start


def escaped(text: str, *, leading: bool = True) -> str:
    """Text that is only text to Markdown and HTML; ``leading`` if it starts its line."""
    text = printable(text)
    active = {match.start() for match in _ACTIVE.finditer(text)}
    if leading:
        active |= {match.start() for match in _LEADING.finditer(text)}
    return "".join(
        _reference(one) if place in active or not _is_plain(one) else one
        for place, one in enumerate(text)
    )


def preformatted(content: Iterable[str]) -> str:
    """Lines as they are, in a block that nothing in them can end."""
    return f"<pre>\n{html.escape(chr(10).join(map(_kept, content)))}\n</pre>"


def row(cells: Iterable[str]) -> str:
    """One row of a table."""
    return (
        "| " + " | ".join(escaped(" ".join(cell.split()), leading=False) for cell in cells) + " |"
    )


def _is_plain(character: str) -> bool:
    return not character.isascii() or character.isalnum() or character in _PLAIN or character == ":"


def _reference(character: str) -> str:
    return f"&#{ord(character)};"


def _kept(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
