"""A file's bytes, read when they are asked for: a 3 GB model costs what is looked at.

Not an mmap: a file that another program cuts off while it is mapped kills the process.
"""

import contextlib
import os
import zipfile
from collections import OrderedDict
from typing import IO, Iterator, Union
from typing import OrderedDict as Ordered

WHOLE = 32 * 2**20  # bytes up to which a file is simply read
MEMBER = 256 * 2**20  # bytes of one compressed member of an archive that are ever unpacked
_PAGE = 1 << 16
_PAGES = 64


class Unreadable(ValueError):
    """The bytes are not what the format promises; the message says where and how."""


class Paged:
    """``len(p)``, ``p[i]`` and ``p[a:b]`` of a part of an open file, one page at a time."""

    def __init__(self, handle: IO[bytes], start: int, size: int) -> None:
        self._handle = handle
        self._start = start
        self._size = size
        self._kept: Ordered[int, bytes] = OrderedDict()

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, key: Union[int, slice]) -> Union[int, bytes]:
        if isinstance(key, int):
            if not 0 <= key < self._size:
                raise IndexError(f"byte {key} of {self._size}")
            return self._page(key // _PAGE)[key % _PAGE]
        start, stop, _ = key.indices(self._size)
        if stop - start > _PAGE:
            return self._read(start, stop - start)
        first, last = start // _PAGE, max(start, stop - 1) // _PAGE
        pages = b"".join(self._page(index) for index in range(first, last + 1))
        return pages[start - first * _PAGE : max(start, stop) - first * _PAGE]

    def _page(self, index: int) -> bytes:
        page = self._kept.pop(index, None)
        if page is None:
            page = self._read(index * _PAGE, min(_PAGE, self._size - index * _PAGE))
            if len(self._kept) >= _PAGES:
                self._kept.popitem(last=False)
        self._kept[index] = page
        return page

    def _read(self, start: int, count: int) -> bytes:
        if count <= 0:
            return b""
        self._handle.seek(self._start + start)
        found = self._handle.read(count)
        if len(found) < count:
            raise Unreadable("the file became shorter while it was read")
        return found


Source = Union[bytes, Paged]


@contextlib.contextmanager
def bytes_of(path: str) -> Iterator[Source]:
    """The bytes of a file."""
    with open(path, "rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        yield handle.read() if size <= WHOLE else Paged(handle, 0, size)


@contextlib.contextmanager
def member(archive: zipfile.ZipFile, path: str, name: str) -> Iterator[Source]:
    """The bytes of one member; one that is stored as it is, is read where it lies."""
    item = archive.getinfo(name)
    if item.compress_type != zipfile.ZIP_STORED or item.file_size <= WHOLE:
        yield unpacked(archive, name)
        return
    with open(path, "rb") as handle:
        handle.seek(item.header_offset)
        header = handle.read(30)
        if header[:4] != b"PK\x03\x04":
            raise Unreadable(f"the member {name} does not begin where the archive says")
        skip = (
            30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        )
        start = item.header_offset + skip
        if start + item.file_size > os.fstat(handle.fileno()).st_size:
            raise Unreadable(f"the member {name} is cut off")
        yield Paged(handle, start, item.file_size)


def unpacked(archive: zipfile.ZipFile, name: str, limit: int = MEMBER) -> bytes:
    """One member, unpacked, bounded: a small archive can hold a huge one."""
    with archive.open(name) as handle:
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"the member {name} unpacks to more than {limit} bytes")
    return data
