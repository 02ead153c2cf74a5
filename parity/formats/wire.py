"""Protobuf's wire format, read without any schema or library: enough to look before loading.

Source: the Protocol Buffers encoding guide (varint, 64-bit, length-delimited and 32-bit fields).
"""

from typing import Any, Iterator, NamedTuple, Optional, Tuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field: its number, its wire type, and its bytes from ``start`` to ``end``."""

    number: int
    wire: int
    start: int
    end: int


class Malformed(ValueError):
    """The bytes are no protobuf message, or the message is cut off (``truncated``)."""

    def __init__(self, truncated: bool) -> None:
        super().__init__("truncated" if truncated else "malformed")
        self.truncated = truncated


def fields(buffer: Any, start: int = 0, end: Optional[int] = None) -> Iterator[Field]:
    """Every field of the message in ``buffer[start:end]`` (bytes or an mmap), in order."""
    stop = len(buffer) if end is None else end
    at = start
    while at < stop:
        key, at = varint(buffer, at, stop)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise Malformed(False)
        begin = at
        if wire == VARINT:
            _, at = varint(buffer, at, stop)
        elif wire == FIXED64:
            at += 8
        elif wire == FIXED32:
            at += 4
        elif wire == BYTES:
            length, begin = varint(buffer, at, stop)
            at = begin + length
        else:
            raise Malformed(False)
        if at > stop:
            raise Malformed(True)
        yield Field(number, wire, begin, at)


def varint(buffer: Any, at: int, stop: int) -> Tuple[int, int]:
    """The varint at ``at`` and the position behind it."""
    value = shift = 0
    while True:
        if at >= stop:
            raise Malformed(True)
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise Malformed(False)


def text(buffer: Any, field: Field) -> str:
    """A length-delimited field as text."""
    return bytes(buffer[field.start : field.end]).decode("utf-8", "replace")


def children(buffer: Any, parent: Field, number: int) -> Iterator[Field]:
    """The length-delimited fields with this number inside the message ``parent``."""
    for field in fields(buffer, parent.start, parent.end):
        if field.number == number and field.wire == BYTES:
            yield field
