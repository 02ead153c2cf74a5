"""The project's pages: their blocks of code, and the packages that they show."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTENDING = ROOT / "docs" / "extending.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The contents of a page's blocks in one language."""
    text = page.read_text(encoding="utf-8")
    return [content for name, content in _BLOCK.findall(text) if name == language]


def shown(page: Path, language: str, marker: str) -> str:
    """The one block of a page that holds a text."""
    (found,) = [block for block in blocks(page, language) if marker in block]
    return found


def wheel(
    folder: Path, package: str, version: str, code: str, group: str, entries: dict[str, str]
) -> Path:
    """Write a wheel of one module, which is the one that ``entries`` name: name to module:NAME."""
    module = next(iter(entries.values())).partition(":")[0]
    stem = f"{package.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    path = folder / f"{stem}-py3-none-any.whl"
    about = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{module}.py", code)
        file.writestr(f"{info}/METADATA", about)
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/entry_points.txt", f"[{group}]\n{lines}")
        file.writestr(f"{info}/RECORD", "")
    return path
