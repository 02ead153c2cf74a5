"""What a Keras file says of itself, read from the file alone: its version, its configuration."""

from typing import Any

from ...formats import opened
from ...formats.keras.archive import KerasArchive
from ...formats.keras.hdf5_file import Hdf5File


def keras_version(path: str) -> str:
    """The Keras that saved an archive or an HDF5 file; "" where that is not said."""
    try:
        with opened(path) as file:
            return file.version() if isinstance(file, (Hdf5File, KerasArchive)) else ""
    except Exception:  # it is only asked for where the file is about to be refused anyway
        return ""


def configuration(path: str) -> Any:
    """The configuration of the model in a file; None where it holds only weights.

    Raises an error of any kind where the file is damaged.
    """
    with opened(path) as file:
        return file.configuration() if isinstance(file, (Hdf5File, KerasArchive)) else None
