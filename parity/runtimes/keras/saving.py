"""Which Keras saved a file, read from the file alone."""

import json
import zipfile
from typing import Any


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


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
