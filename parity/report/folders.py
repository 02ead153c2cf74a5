"""The folder of a report: asked for before any work, one for every detector, written at once."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from parity.errors import UsageError, why
from parity.files import write_all

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_name(detector: str) -> bool:
    """Whether a folder may be called so; a detector's name may come from a file of any kind."""
    return _NAME.fullmatch(detector) is not None


def need_writable(folder: Path, names: Iterable[str], option: str, files: Iterable[str]) -> None:
    """Make the report's folder, and see that it and its detectors' folders can be written.

    ``files`` of each detector will be written. To be asked before any work. Raises ``UsageError``
    that starts with ``option``.
    """
    targets = [folder / name for name in names]
    for place in (folder, *targets):
        try:
            if place == folder:
                place.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(place):
                with tempfile.TemporaryFile(dir=place):
                    pass
        except OSError as failure:
            raise UsageError(
                f"{option}: expected a folder that can be written, found {place}: "
                f"{failure.strerror or failure}"
            ) from None
    for file in (target / file for target in targets for file in files):
        if file.is_dir():
            raise UsageError(
                f"{option}: expected a file or nothing at {file}, found a folder; move it away"
            )


def unwritten(option: str, folder: Path, failure: OSError) -> UsageError:
    """What to say where a report could not be written after all."""
    place = failure.filename or folder
    return UsageError(
        f"{option}: expected a folder that can be written, found {place}: {why(failure)}; "
        f"make room or name another folder; what stood there stands as it was"
    )


def distinct(names: Iterable[str]) -> None:
    """Raise ``UsageError`` unless every detector has a folder of its own inside the report."""
    names = tuple(names)
    for name in names:
        if not is_name(name):
            raise UsageError(
                f"expected a detector name of letters, digits, '.', '_' and '-', found {name!r}: "
                f"its report is written to a folder of that name"
            )
    for name, count in Counter(name.casefold() for name in names).items():
        if count > 1:
            same = " and ".join(repr(one) for one in names if one.casefold() == name)
            raise UsageError(
                f"expected suites of different names in one run, found {same}: "
                f"give each its own detector.name"
            )


def write_files(folder: Path, detector: str, contents: Mapping[str, str]) -> tuple[Path, ...]:
    """Write files to FOLDER/<detector>, all or none; a name that is no UTF-8 as its escapes."""
    distinct([detector])
    target = folder / detector
    write_all(
        target, {name: text.encode("utf-8", "backslashreplace") for name, text in contents.items()}
    )
    return tuple(target / name for name in contents)
