"""What of a zip archive is wrong before anything in it is unpacked."""

import collections
import os
import re
import struct
import zipfile
from typing import IO, List, Optional

_BOMB = 2**30  # bytes that an archive must unpack to before it can be called a bomb
_END, _END64, _LOCATOR64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
NO_END = "it is cut off, or something stands behind its end"
_UNSAID = 0xFFFFFFFF  # in a field of 32 bits whose value is in the one of 64 bits


def findings(archive: zipfile.ZipFile) -> List[str]:
    """Every such fault, one sentence each."""
    return _twice(archive) + _outside(archive) + _bomb(archive) + _ambiguous(archive)


def _twice(archive: zipfile.ZipFile) -> List[str]:
    """Readers disagree about which of two members with one name counts, so neither does."""
    counts = collections.Counter(name.lower() for name in archive.namelist())
    return [f"two members are named {name}" for name, n in sorted(counts.items()) if n > 1]


def _outside(archive: zipfile.ZipFile) -> List[str]:
    """Members that would be unpacked outside of the folder they are unpacked to."""
    return [
        f"its member {name} names a path outside of the archive"
        for name in archive.namelist()
        if name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in re.split(r"[/\\]", name)
    ]


def _bomb(archive: zipfile.ZipFile) -> List[str]:
    """Weights hardly compress: much from little is an attack on whoever unpacks it."""
    full = sum(item.file_size for item in archive.infolist())
    packed = sum(item.compress_size for item in archive.infolist())
    if full < _BOMB or full < 100 * packed:
        return []
    return [f"it is a zip bomb: its {packed} bytes unpack to {full}"]


def _ambiguous(archive: zipfile.ZipFile) -> List[str]:
    """Python takes the table of contents from before the end, others from where the end says.

    Torch and Keras write it where both find it, and no comment behind it.
    """
    handle = archive.fp
    if handle is not None and _bytes(handle, handle.seek(0, os.SEEK_END) - 22, 4) != _END:
        return [NO_END]
    if handle is not None and _agrees(handle):
        return []
    return ["its table of contents is not where its end says, so readers disagree about it"]


def _agrees(handle: IO[bytes]) -> bool:
    at = handle.seek(0, os.SEEK_END) - 22
    end = _bytes(handle, at, 22)
    if end[:4] != _END or end[20:] != b"\0\0":
        return False
    size, start = struct.unpack_from("<II", end, 12)
    long = _long(handle, at)
    if long is not None:
        at, size64, start64 = long
        if size not in (size64, _UNSAID) or start not in (start64, _UNSAID):
            return False
        size, start = size64, start64
    return bool(start + size == at)


def _long(handle: IO[bytes], at: int) -> Optional[List[int]]:
    """Where the end of 64 bits is, and the size and start that it says; None without one."""
    locator = _bytes(handle, at - 20, 20)
    if locator[:4] != _LOCATOR64:
        return None
    where = struct.unpack_from("<Q", locator, 8)[0]
    record = _bytes(handle, where, 56)
    if record[:4] != _END64 or where + 56 != at - 20:
        return [-1, 0, 0]
    return [where, *struct.unpack_from("<QQ", record, 40)]


def _bytes(handle: IO[bytes], at: int, count: int) -> bytes:
    if not 0 <= at < 1 << 62:
        return b""
    handle.seek(at)
    return handle.read(count)
