"""The bytes of an HDF5 file by address: every read is checked against the end, and counted.

Checksums are Bob Jenkins' lookup3 (``hashlittle`` with 0 to begin with), as the HDF5 File Format
Specification, version 3.0, names it for all metadata of the newer form.
"""

import struct
from typing import Optional

from ..source import Source, Unreadable

UNDEFINED = (1 << 64) - 1
_STEPS = 5_000_000
_NAMES = 1 << 16
_WORD = 0xFFFFFFFF


class Space:
    """The file's bytes; what is read of them all together is bounded."""

    def __init__(self, data: Source) -> None:
        self._data = data
        self._left = _STEPS

    def __len__(self) -> int:
        return len(self._data)

    def take(self, at: int, count: int) -> bytes:
        """So many bytes."""
        self._spend(1 + count // 256)
        if at < 0 or count < 0 or at + count > len(self._data):
            raise Unreadable(
                f"an address points to byte {at + count}, behind the end at {len(self._data)}"
            )
        return bytes(self._data[at : at + count])

    def number(self, at: int, width: int) -> int:
        """A whole number without sign."""
        return int.from_bytes(self.take(at, width), "little")

    def text(self, at: int, end: int) -> str:
        """A text that ends with a zero byte before ``end``."""
        return self.take(at, self.length(at, end)).decode("utf-8", "replace")

    def length(self, at: int, end: Optional[int] = None) -> int:
        """How long the text is that ends with a zero byte before ``end``, or before the file's."""
        most = len(self._data) if end is None else end
        found = self.take(at, min(_NAMES, max(0, most - at))).find(b"\0")
        if found < 0:
            raise Unreadable(f"a text at byte {at} has no end")
        return found

    def signed(self, at: int, signature: bytes, what: str) -> None:
        """Raise Unreadable where the bytes at an address are no such structure."""
        if self.take(at, len(signature)) != signature:
            raise Unreadable(f"byte {at} is no {what}")

    def inside(self, at: int, count: int) -> None:
        """Raise Unreadable where a part does not lie in the file."""
        if at + count > len(self._data):
            raise Unreadable(
                f"an address points to byte {at + count}, behind the end at {len(self._data)}"
            )

    def checked(self, start: int, end: int, place: Optional[int] = None) -> None:
        """Compare the checksum of the bytes with the one behind them, or inside at ``place``.

        One that stands inside of them counts as zeros.
        """
        self._spend((end - start) // 16)
        data = self.take(start, end - start)
        if place is not None:
            data = data[: place - start] + bytes(4) + data[place - start + 4 :]
        where = end if place is None else place
        if checksum(data) != self.number(where, 4):
            raise Unreadable(f"the checksum at byte {where} is wrong")

    def _spend(self, steps: int) -> None:
        self._left -= max(0, steps)
        if self._left < 0:
            raise Unreadable("its objects repeat each other without end")


def checksum(data: bytes) -> int:
    """Jenkins' lookup3."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    if not data:
        return c
    words = struct.unpack(f"<{-(-len(data) // 12) * 3}I", data + bytes(-len(data) % 12))
    for at in range(0, len(words) - 3, 3):
        a, b, c = a + words[at], b + words[at + 1], c + words[at + 2]
        a = (a - c ^ _turned(c, 4)) & _WORD
        c += b
        b = (b - a ^ _turned(a, 6)) & _WORD
        a += c
        c = (c - b ^ _turned(b, 8)) & _WORD
        b += a
        a = (a - c ^ _turned(c, 16)) & _WORD
        c += b
        b = (b - a ^ _turned(a, 19)) & _WORD
        a += c
        c = (c - b ^ _turned(b, 4)) & _WORD
        b += a
    a, b, c = a + words[-3], b + words[-2], c + words[-1]
    c = (c ^ b) - _turned(b, 14) & _WORD
    a = (a ^ c) - _turned(c, 11) & _WORD
    b = (b ^ a) - _turned(a, 25) & _WORD
    c = (c ^ b) - _turned(b, 16) & _WORD
    a = (a ^ c) - _turned(c, 4) & _WORD
    b = (b ^ a) - _turned(a, 14) & _WORD
    found: int = (c ^ b) - _turned(b, 24) & _WORD
    return found


def _turned(word: int, bits: int) -> int:
    word &= _WORD
    return (word << bits | word >> 32 - bits) & _WORD
