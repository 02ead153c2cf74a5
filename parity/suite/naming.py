"""The detector's name of a suite file that does not load, so that its old report can be found."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_TABLE = re.compile(r"^\s*\[detector\]([^\[]*)", re.MULTILINE)
_NAME = re.compile(r"""^\s*name\s*=\s*(["'])(?P<name>[^"'\n]*)\1""", re.MULTILINE)


def detector_name(path: Path) -> str | None:
    """``detector.name`` as far as the file says it, also where it is no valid TOML; else None."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
    try:
        found = tomllib.loads(text).get("detector")
    except (ValueError, RecursionError):  # no TOML, or numbers and lists beyond all measure
        table = _TABLE.search(text)
        name = None if table is None else _NAME.search(table[1])
        return None if name is None else name["name"]
    name_of = found.get("name") if isinstance(found, dict) else None
    return name_of if isinstance(name_of, str) else None
