"""A zip archive that is open, and the base of the formats that are archives."""

import dataclasses
import json
import zipfile
import zlib
from typing import IO, Iterable, Iterator, List, Optional, Set, Tuple

from ..content import Content
from ..contents import Contents
from ..model_file import ModelFile
from .faults import NO_END
from .faults import findings as faults_of

LIMIT = 256 * 2**20  # bytes of one member that are ever read
_CHECKED = 512 * 2**20  # bytes of an archive's members up to which their checksums are compared
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    json.JSONDecodeError,
    UnicodeDecodeError,
)


class Archive:
    """An open archive: its names, their last parts, and what is wrong with it.

    ``file`` holds the bytes of one that is no file of its own.
    """

    def __init__(self, path: str, file: Optional[IO[bytes]] = None) -> None:
        self.path = path
        self.zip = zipfile.ZipFile(path if file is None else file)
        self.names: List[str] = self.zip.namelist()
        self.tails: Set[str] = {name.split("/", 1)[-1] for name in self.names} | set(self.names)
        self.faults: Tuple[str, ...] = tuple(faults_of(self.zip))

    def whole(self) -> bool:
        """Not cut: such a one may end with another that was stored in it, which zipfile reads."""
        return any(item.header_offset == 0 for item in self.zip.infolist())

    def texts(self, largest: int) -> Iterator[Tuple[str, str]]:
        """The last part of the name and the text of each .txt and .json of fewer bytes."""
        for item in self.zip.infolist():
            name = item.filename.rsplit("/", 1)[-1]
            if name.endswith((".txt", ".json")) and item.file_size < largest:
                with self.zip.open(item) as stream:
                    yield name, stream.read(largest).decode("utf-8", "replace")


class ArchiveFile(ModelFile):
    """A format that is an archive; it is scanned and described only where nothing is wrong."""

    def __init__(self, archive: Archive, content: Content) -> None:
        super().__init__(archive.path, content)
        self.archive = archive

    def faults(self) -> Tuple[str, ...]:
        """What of the archive is wrong before anything of it is unpacked."""
        return tuple(
            f"{one}: "
            + ("copy or export it again" if one == NO_END else "do not unpack or load it")
            for one in self.archive.faults
        )

    def describe(self) -> Optional[Contents]:
        """With what the checksums of the members say."""
        if self.archive.faults:
            return None
        found = super().describe()
        if found is None or found.faults:
            return found
        return checked(self.archive.zip, found)

    def close(self) -> None:
        """Close the archive."""
        self.archive.zip.close()

    def _scan(self) -> Iterable[str]:
        return self.archive.faults or self._calls()

    def _calls(self) -> Iterable[str]:
        """The findings in a sound archive."""
        return ()

    def _is_damage(self, error: Exception) -> bool:
        return isinstance(error, _DAMAGED) or super()._is_damage(error)


def checked(archive: zipfile.ZipFile, contents: Contents) -> Contents:
    """With what the checksums of the members say, where they take no minutes."""
    try:
        size = sum(item.file_size for item in archive.infolist())
        if size > _CHECKED:
            note = f"the checksums of its {size >> 20} MiB were not compared: it is large"
            return dataclasses.replace(contents, notes=(*contents.notes, note))
        bad = archive.testzip()
        fault = f"its member {bad} is damaged, as its checksum says: copy it again"
    except Exception as error:  # as in ``describe``: damaged bytes fail in any way
        bad = fault = f"one of its members cannot be unpacked ({str(error)[:100]}): copy it again"
    if bad is None:
        return contents
    return dataclasses.replace(contents, faults=(*contents.faults, fault))


def read(archive: zipfile.ZipFile, name: str, limit: int = LIMIT) -> bytes:
    """One member, bounded: a small archive can hold a huge one."""
    with archive.open(name) as handle:
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is larger than {limit} bytes")
    return data
