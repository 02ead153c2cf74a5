"""Requirements, read: PEP 508, or the absolute path of a wheel or source archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True)
class Requirement:
    """One requirement.

    ``name`` is canonical, "" where the name of a file does not tell it; ``file`` is a file of this
    machine that is to be installed.
    """

    text: str
    name: str
    specifier: SpecifierSet
    marker: Marker | None = None
    file: Path | None = None

    def applies(self, python: str) -> bool:
        """Whether it is meant for this version of Python ("3.9", "3.9.18") on this machine."""
        if self.marker is None:
            return True
        numbers = python.split(".")
        full = python if len(numbers) > 2 else f"{python}.0"
        return self.marker.evaluate(
            {"python_version": ".".join(numbers[:2]), "python_full_version": full}
        )


def read(text: str) -> Requirement:
    """A requirement that ``suite.isolating`` has let pass."""
    from packaging import requirements, utils

    try:
        found = requirements.Requirement(text)
    except requirements.InvalidRequirement:
        return _of_file(text, Path(text))
    name = utils.canonicalize_name(found.name)
    return Requirement(text, name, found.specifier, found.marker, _file(found.url))


def _file(url: str | None) -> Path | None:
    if url is None:
        return None
    if url.startswith("file:"):
        return Path(url2pathname(urlsplit(url).path))
    return Path(url) if Path(url).is_absolute() else None


def _of_file(text: str, path: Path) -> Requirement:
    """A wheel or an archive by its path: its name has the package's and the version."""
    from packaging import specifiers, utils

    parse = utils.parse_wheel_filename if path.suffix == ".whl" else utils.parse_sdist_filename
    try:
        name, version = parse(path.name)[:2]
    except (utils.InvalidWheelFilename, utils.InvalidSdistFilename):
        return Requirement(text, "", specifiers.SpecifierSet(), file=path)
    return Requirement(text, name, specifiers.SpecifierSet(f"=={version}"), file=path)
