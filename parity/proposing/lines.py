"""A ``parity.toml`` as lines: keys with values, each with the reason for its value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMN = 30  # where a comment begins, as far as the value leaves room


@dataclass(frozen=True)
class Entry:
    """``key = value  # why``; with the value None only the comment, as a line of its own."""

    key: str
    value: Any
    why: str = ""


@dataclass(frozen=True)
class Section:
    """A table of the file: comments before it, its name, its entries."""

    name: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def note(text: str) -> Entry:
    """A comment on a line of its own."""
    return Entry("", None, text)


def rendered(header: Sequence[str], sections: Iterable[Section]) -> str:
    """The file's text."""
    lines = [_comment(line) for line in header]
    for section in sections:
        lines += ["", *map(_comment, section.notes), f"[{section.name}]"]
        lines += [_line(entry) for entry in section.entries]
    return "\n".join(lines) + "\n"


def key(name: str) -> str:
    """A name as a key: bare where TOML allows it."""
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else _string(name)


def value(found: Any) -> str:
    """A value in TOML."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        return _string(found)
    if isinstance(found, Mapping):
        return "{ " + ", ".join(f"{key(k)} = {value(v)}" for k, v in found.items()) + " }"
    if isinstance(found, list | tuple):
        return "[" + ", ".join(map(value, found)) + "]"
    return repr(found)


def _string(text: str) -> str:
    """A basic string: what JSON escapes is valid in TOML, but for the byte DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(entry: Entry) -> str:
    if entry.value is None:
        return _comment(entry.why)
    text = f"{key(entry.key)} = {value(entry.value)}"
    return f"{text:<{COLUMN}}  {_comment(entry.why)}" if entry.why else text


def _comment(text: str) -> str:
    """One line, whatever a model file has put into its names."""
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return f"# {plain}".rstrip()
