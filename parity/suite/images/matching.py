"""File patterns of a suite: those of ``glob``, for folders and names as people have them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

SUFFIX = re.compile(r"\.[A-Za-z0-9]+$")
_NO_SET = re.compile(r"\[(?!!?\]?[^\]]*\])")  # a bracket that nothing closes


class Ambiguous(ValueError):
    """Brackets that are a set for one file and part of the name of another."""


def matching(pattern: str, folder: Path) -> list[str]:
    """The files that match a pattern relative to ``folder``, sorted, with forward slashes.

    A suffix matches in either case: ``*.jpg`` is also ``IMG_1.JPG``, as cameras write it. Brackets
    are a set of characters, as in ``[0-9].png``, or stand in a name, as in ``run[1]/*.png``,
    whichever there is; raises ``Ambiguous`` where there are both. A link that leads back to a
    folder above it is not followed.
    """
    return [match for match in matches(pattern, folder) if os.path.isfile(folder / match)]


def matches(pattern: str, folder: Path) -> list[str]:
    """Whatever matches, folders and links to nothing included."""
    suffix = SUFFIX.search(pattern)
    ending = "" if suffix is None else suffix[0]
    parts = pattern.removesuffix(ending).split("/")
    found = _walk(folder, "/" if pattern.startswith("/") else "", parts, ending)
    return sorted({_shortest(match, folder) for match in found})


def _shortest(match: str, folder: Path) -> str:
    """A match without ways there and back, so that one file has one name and counts once."""
    place = os.path.normpath(folder / match)  # which may be elsewhere, behind a link
    home = os.path.normpath(folder)
    if ".." not in Path(match).parts or not os.path.exists(place):
        return Path(match).as_posix()
    if not os.path.samefile(place, folder / match):
        return Path(match).as_posix()
    inside = os.path.commonpath([home, place]) == home
    short = os.path.relpath(place, home) if inside else os.path.normpath(match)
    return Path(short).as_posix()


def _walk(folder: Path, at: str, parts: Sequence[str], ending: str) -> Iterator[str]:
    """What matches ``parts`` below ``folder / at``; a file's name has this ending behind them."""
    part, *rest = parts
    last = ending if not rest else ""
    if part == "**" and not last:
        for below in _below(folder, at, frozenset()):
            yield from _walk(folder, below, rest, ending) if rest else _all(folder, below)
    elif part in ("", ".", "..") and not last:
        if os.path.isdir(folder / at):
            yield from _walk(folder, os.path.join(at, part), rest, ending) if rest else (at,)
    else:
        for name in _fitting(part, last, _names(folder / at)):
            here = os.path.join(at, name)
            yield from _walk(folder, here, rest, ending) if rest else (here,)


def _below(folder: Path, at: str, above: frozenset[str]) -> Iterator[str]:
    """A folder and all in it that are not hidden, but none that it lies in itself."""
    real = os.path.realpath(folder / at)
    if real in above:
        return
    yield at
    for name in _names(folder / at):
        here = os.path.join(at, name)
        if not name.startswith(".") and os.path.isdir(folder / here):
            yield from _below(folder, here, above | {real})


def _all(folder: Path, at: str) -> Iterator[str]:
    return (os.path.join(at, name) for name in _names(folder / at) if not name.startswith("."))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # no folder, or none that may be read
        return []


def _fitting(part: str, ending: str, names: Sequence[str]) -> list[str]:
    """The names that fit one part of a pattern, whatever its brackets are."""
    sets = _matched(_NO_SET.sub("[[]", part), ending, names)
    plain = _matched(part.replace("[", "[[]"), ending, names) if "[" in part else []
    if set(plain) <= set(sets):
        return sets
    if set(sets) <= set(plain):
        return plain
    one, other = min(set(plain) - set(sets)), min(set(sets) - set(plain))
    raise Ambiguous(
        f"expected one meaning of the brackets in {part + ending!r}, found {one!r} and {other!r}; "
        f"write [[] for a bracket that stands in a name, or list the names"
    )


def _matched(part: str, ending: str, names: Sequence[str]) -> list[str]:
    found = [name for name in names if name.lower().endswith(ending.lower())]
    if not part.startswith("."):
        found = [name for name in found if not name.startswith(".")]
    return [name for name in found if fnmatchcase(name[: len(name) - len(ending)], part)]


def folders_of(pattern: str, folder: Path) -> list[str]:
    """The folders in which a pattern looks for files."""
    above = os.path.dirname(pattern)
    if not above:
        return []
    found = _walk(folder, "/" if pattern.startswith("/") else "", above.split("/"), "")
    return sorted({Path(match).as_posix() for match in found if os.path.isdir(folder / match)})
