"""Which libraries are installed, told from their metadata: nothing is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata, util

from parity import runtimes
from parity.runtimes.contract import Library, library_of

_TOOLS = tuple(library_of("export", name, name) for name in ("onnx", "onnxscript", "tf2onnx"))
"""Of exporters."""


def libraries() -> dict[str, Library]:
    """What the runtimes here and the exporters can use, by name."""
    kinds = runtimes.descriptors()
    needed = [library for one in kinds for library in one.libraries]
    instead = [library for one in kinds for library in one.instead]
    return {one.name: one for one in (*needed, *instead, *_TOOLS)}


@dataclass(frozen=True)
class Installed:
    """One library here: its version, and every distribution of it with its version.

    ``version`` is None where it is not installed. ``problem`` says what is wrong with it.
    """

    name: str
    version: str | None
    distributions: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


def installed(wanted: Library) -> Installed:
    """A library as it is installed here."""
    every = wanted.distributions or (wanted.name,)
    found = tuple((one, at) for one in every if (at := version_of(one)) is not None)
    importable = _importable(wanted.module.partition(".")[0])
    version = found[0][1] if found else "unknown" if importable else None
    return Installed(wanted.name, version, found, _problem(wanted.name, found, importable))


def install_command(library: Library) -> str:
    """The command that installs a library, beside what is there already."""
    extra = library.extra
    if not extra:
        return library.install
    if extra == "tensorflow" and version_of("tensorflow-cpu") is not None:
        extra = "tensorflow-cpu"  # the two overwrite each other
    return f"pip install 'detector-parity[{extra}]'"


def outdated(name: str, version: str) -> str | None:
    """The requirement of this package that an installed version does not meet; else None."""
    for requirement in _requirements().get(name, ()):
        operator, wanted = requirement
        have, limit = _release(version), _release(wanted)
        if (operator == ">=" and have < limit) or (operator == "<" and have >= limit):
            return f"{name}{operator}{wanted}"
    return None


def _problem(name: str, found: tuple[tuple[str, str], ...], importable: bool) -> str | None:
    if len(found) > 1:
        names = " and ".join(f"{one} {version}" for one, version in found)
        others = " ".join(one for one, _ in found)
        return (
            f"{names} are both installed and overwrite each other's files; keep one: "
            f"pip uninstall -y {others} && pip install {found[0][0]}"
        )
    if found and not importable:
        return (
            f"{found[0][0]} {found[0][1]} is listed as installed, but its files are gone; "
            f"pip install --force-reinstall --no-deps {found[0][0]}=={found[0][1]}"
        )
    return None


def version_of(distribution: str) -> str | None:
    """The version of an installed distribution; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _importable(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except (ImportError, ValueError):  # half a package, or one made by hand
        return False


def _requirements() -> dict[str, list[tuple[str, str]]]:
    """The bounds of this package's own requirements, by distribution."""
    try:
        lines = metadata.requires("detector-parity") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        bounds = re.findall(r"(>=|<)([\d.]+)", line.partition(";")[0])
        if name:
            found.setdefault(name[0], bounds)
    return found


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
