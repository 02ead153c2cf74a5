"""Archives that hold no model that is read here, or none at all."""

from typing import Optional, Tuple

from ..content import Content
from ..model_file import ModelFile
from .zip_file import Archive, ArchiveFile

TRUNCATED = Content("truncated", "a truncated or damaged zip archive")


class Unread(ArchiveFile):
    """Nothing of it is loaded, so nothing of it runs."""

    def _scan(self) -> Tuple[str, ...]:
        return ()


def of_archive(archive: Archive) -> Optional[ModelFile]:
    """NumPy's .npz, a SavedModel that was packed, or an archive of anything."""
    if "saved_model.pb" in {name.rsplit("/", 1)[-1] for name in archive.names}:
        return Unread(archive, Content("zip", "a zip archive that holds a SavedModel directory"))
    if archive.names and all(name.endswith(".npy") for name in archive.names):
        return Unread(archive, Content("npz", "a NumPy archive (.npz)"))
    return Unread(archive, Content("zip", "a zip archive that holds no known model"))
