"""What in an HDF5 file lies in other files: links to them, and datasets that are stored in them.

Weights that lie elsewhere can be any file of whoever loads them. Nothing of the data is read.
"""

import io
import os
import zipfile
from typing import Any, Iterator

from ..formats.archive.zip_file import read


def findings(source: Any) -> Iterator[str]:
    """Everything that leads out of the file at a path, or of an open one."""
    import h5py

    with h5py.File(source, "r") as handle:
        todo, seen = [("", handle)], set()
        while todo:
            path, group = todo.pop()
            for name in group:
                where = f"{path}/{name}"
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    yield f"its {where} is a link into the file {link.filename}"
                if not isinstance(link, h5py.HardLink):
                    continue
                item = group[name]
                if isinstance(item, h5py.Dataset):
                    yield from _elsewhere(where, item)
                elif isinstance(item, h5py.Group):
                    address = h5py.h5o.get_info(item.id).addr
                    if address not in seen:
                        seen.add(address)
                        todo.append((where, item))


def _elsewhere(where: str, dataset: Any) -> Iterator[str]:
    for file, _, _ in dataset.external or ():
        name = file.decode("utf-8", "replace") if isinstance(file, bytes) else file
        yield f"its {where} is stored in the file {name}"
    if dataset.is_virtual:
        yield f"its {where} is a view of other files"


def archived_findings(archive: zipfile.ZipFile) -> Iterator[str]:
    """The same of every HDF5 file in an archive."""
    for item in archive.infolist():
        if item.filename.lower().endswith((".h5", ".hdf5")) and item.file_size:
            for finding in findings(_opened(archive, item)):
                yield f"{item.filename}: {finding}"


def _opened(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> Any:
    handle = archive.fp
    if item.compress_type != zipfile.ZIP_STORED or handle is None:
        return io.BytesIO(read(archive, item.filename))
    handle.seek(item.header_offset)
    header = handle.read(30)
    skip = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    return _Stored(handle, item.header_offset + 30 + skip, item.file_size)


class _Stored(io.RawIOBase):
    """A part of an open file; weights of gigabytes are not read to look at their names."""

    def __init__(self, handle: Any, start: int, size: int) -> None:
        self._handle, self._start, self._size, self._at = handle, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = max(0, min(len(buffer), self._size - self._at))
        self._handle.seek(self._start + self._at)
        data = self._handle.read(count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
