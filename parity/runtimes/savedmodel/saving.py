"""Which TensorFlow saved a SavedModel, read from the file alone."""

import mmap
import os
from typing import Any, Optional

from ...formats import wire


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
