"""Which version of its library saved a file, read from the file alone."""

import json
import mmap
import os
import platform
import zipfile
from typing import Any, NamedTuple, Optional

from . import wire


class Versions(NamedTuple):
    """What saved a file and what has tried to open it: two versions of one library.

    ``place`` says where that ran ("TensorFlow 2.4.4, Python 3.8.18"); ``instead`` is one more thing
    to do, beside another version on either side, or "".
    """

    library: str
    saved: str
    opened: str
    place: str
    instead: str = ""

    def differ(self) -> bool:
        """Whether they are other releases: what only fixes defects changes no format."""
        return bool(self.saved) and _release(self.saved) != _release(self.opened)


def python() -> str:
    """This interpreter, for a place."""
    return "Python " + platform.python_version()


def keras_version(path: str) -> str:
    """The Keras that saved an archive or an HDF5 file; "" where that is not said."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
        import h5py

        with h5py.File(path, "r") as handle:
            return _text(handle.attrs.get("keras_version"))
    except Exception:  # it is only asked for where the file is about to be refused anyway
        return ""


def tensorflow_version(folder: str) -> str:
    """The TensorFlow that saved a SavedModel (saved_model.proto); "" where that is not said."""
    path = os.path.join(folder, "saved_model.pb")
    try:
        with open(path, "rb") as handle, mmap.mmap(
            handle.fileno(), 0, access=mmap.ACCESS_READ
        ) as data:
            return _first(data, wire.Field(0, wire.BYTES, 0, len(data)), 2, 1, 5) or ""
    except (OSError, ValueError):
        return ""


def _first(data: Any, parent: wire.Field, *numbers: int) -> Optional[str]:
    """The text at the end of a path of field numbers."""
    for number in numbers:
        found = next(wire.children(data, parent, number), None)
        if found is None:
            return None
        parent = found
    return wire.text(data, parent)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _release(version: str) -> str:
    return ".".join(version.split(".")[:2])
