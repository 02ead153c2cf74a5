"""Flatbuffers read without a schema or library: tables, vectors and texts by field number.

Source: the FlatBuffers internals document (offsets, vtables, vectors). Every read is checked
against the end of the buffer, and the number of reads is bounded: a damaged file may point
thousands of tables at the same place.
"""

import struct
from typing import Any, Iterator, Optional, Tuple

from .source import Source, Unreadable

_READS = 20_000_000


class Buffer:
    """The bytes of one flatbuffer, and how much of them may still be looked at."""

    def __init__(self, data: Source) -> None:
        self.data = data
        self._left = _READS

    def number(self, at: int, form: str) -> Any:
        """The number at a position, by its struct letter."""
        return self.numbers(at, form, 1)[0]

    def numbers(self, at: int, form: str, count: int) -> Tuple[Any, ...]:
        """So many numbers from a position on."""
        size = struct.calcsize(f"<{form}") * count
        if at < 0 or at + size > len(self.data):
            raise Unreadable(
                f"an offset points to byte {at + size}, behind the end at {len(self.data)}"
            )
        self._left -= count
        if self._left < 0:
            raise Unreadable("its tables repeat each other without end")
        found = self.data[at : at + size]
        return struct.unpack(f"<{count}{form}", found)  # type: ignore[arg-type]

    def root(self) -> "Table":
        """The table that the buffer begins with."""
        return Table(self, self.number(0, "I"))


class Table:
    """One table; fields are numbered in the order of the schema, from 0."""

    def __init__(self, buffer: Buffer, at: int) -> None:
        self._buffer = buffer
        self._at = at
        self._vtable = at - buffer.number(at, "i")
        self._fields = buffer.number(self._vtable, "H") // 2 - 2

    def _field(self, number: int) -> Optional[int]:
        if number >= self._fields:
            return None
        offset = self._buffer.number(self._vtable + 4 + 2 * number, "H")
        return self._at + offset if offset else None

    def scalar(self, number: int, form: str, default: int = 0) -> Any:
        """A number field, by its struct letter."""
        at = self._field(number)
        return default if at is None else self._buffer.number(at, form)

    def _target(self, number: int) -> Optional[int]:
        at = self._field(number)
        return None if at is None else at + int(self._buffer.number(at, "I"))

    def table(self, number: int) -> Optional["Table"]:
        """A table field; None where the file leaves it out."""
        at = self._target(number)
        return None if at is None else Table(self._buffer, at)

    def span(self, number: int, item: int = 1) -> Tuple[int, int]:
        """Start and count of a vector of items of so many bytes; its end is inside the file."""
        at = self._target(number)
        if at is None:
            return 0, 0
        count = self._buffer.number(at, "I")
        if at + 4 + count * item > len(self._buffer.data):
            raise Unreadable(
                f"a list of {count} entries at byte {at} ends behind the end of the file at "
                f"{len(self._buffer.data)}"
            )
        return at + 4, count

    def vector(self, number: int, form: str) -> Tuple[Any, ...]:
        """A vector of numbers; empty where the file leaves it out."""
        start, count = self.span(number, struct.calcsize(f"<{form}"))
        return self._buffer.numbers(start, form, count) if count else ()

    def tables(self, number: int) -> Iterator["Table"]:
        """The tables of a vector."""
        start, count = self.span(number, 4)
        for index in range(count):
            at = start + 4 * index
            yield Table(self._buffer, at + self._buffer.number(at, "I"))

    def raw(self, number: int) -> bytes:
        """A vector of bytes."""
        start, count = self.span(number)
        return bytes(self._buffer.data[start : start + count])

    def text(self, number: int) -> str:
        """A text; "" where the file leaves it out."""
        return self.raw(number).decode("utf-8", "replace")
