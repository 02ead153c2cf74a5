"""Arrays by name in files that any program may have written: an .npz, or a folder of .npy files.

Source: NEP 1 and ``numpy.lib.format``. Nothing is unpickled, and nothing but numbers is read.
"""

import os
from typing import Any, Dict, List

import numpy as np

from ...formats import recognise
from .reasons import reason


class Unreadable(Exception):
    """What was found in the place of arrays, in words."""


class Archive:
    """An open .npz: its names, and each array when it is asked for."""

    def __init__(self, path: str) -> None:
        found = recognise(path)
        if found.kind != "npz":
            raise Unreadable(found.phrase)
        try:
            self._file: Any = np.load(path, allow_pickle=False)
        except Exception as error:  # a damaged file raises whatever it likes
            raise Unreadable(f"a damaged file: {reason(error)}") from error
        self.names: List[str] = list(self._file.files)
        unclear = [name for name in self.names if name.endswith(".npy")]
        if unclear:  # numpy reads the member of that name, which is another array
            raise Unreadable(f"{unclear[0]!r}, a name that ends in .npy")
        doubled = sorted({name for name in self.names if self.names.count(name) > 1})
        if doubled:
            raise Unreadable(f"{doubled[0]!r} more than once")

    def read(self, name: str) -> np.ndarray:
        """One array."""
        try:
            values = self._file[name]
        except Exception as error:
            raise Unreadable(f"a damaged array {name!r}: {reason(error)}") from error
        return _numbers(values, name)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def of_archive(path: str) -> Dict[str, np.ndarray]:
    """Every array of an .npz, in its order."""
    archive = Archive(path)
    try:
        return {name: archive.read(name) for name in archive.names}
    finally:
        archive.close()


def of_folder(path: str) -> Dict[str, np.ndarray]:
    """Every NAME.npy of a folder, by name."""
    if not os.path.isdir(path):
        raise Unreadable(recognise(path).phrase)
    names = names_of_folder(path)
    if not names:
        raise Unreadable("a folder without .npy files")
    found = {}
    for name in names:
        try:
            values = np.load(os.path.join(path, name + ".npy"), allow_pickle=False)
        except Exception as error:
            raise Unreadable(f"a damaged {name}.npy: {reason(error)}") from error
        found[name] = _numbers(values, name)
    return found


def names_of_folder(path: str) -> List[str]:
    """The names of the arrays that lie in a folder, sorted."""
    found = [os.path.splitext(file) for file in os.listdir(path) if not file.startswith(".")]
    return sorted(name for name, suffix in found if suffix == ".npy")


def _numbers(values: Any, name: str) -> np.ndarray:
    """The array in this machine's byte order."""
    if not isinstance(values, np.ndarray):
        raise Unreadable(f"{name!r}, which is no array")
    if values.dtype.kind not in "fiub":
        raise Unreadable(f"{name!r}, an array of {values.dtype}, not of numbers")
    return values.astype(values.dtype.newbyteorder("="), copy=False)
