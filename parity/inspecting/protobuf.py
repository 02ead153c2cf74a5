"""Shorthands over ``parity.runtimes.wire`` for reading a message's fields by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.formats import wire
from parity.formats.source import Source, Unreadable

_LONGEST = 1 << 20


class Message:
    """One message: its fields, found in one pass over it; nested ones are read when asked for."""

    def __init__(self, data: Source, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self._fields: dict[int, list[wire.Field]] = {}
        try:
            for field in wire.fields(data, start, end):
                self._fields.setdefault(field.number, []).append(field)
        except wire.Malformed as error:
            what = "is cut off" if error.truncated else "is damaged"
            raise Unreadable(f"a protobuf message at byte {start} {what}") from error

    def messages(self, number: int) -> Iterator[Message]:
        """The nested messages with this number."""
        for field in self._fields.get(number, ()):
            if field.wire == wire.BYTES:
                yield Message(self.data, field.start, field.end)

    def message(self, number: int) -> Message | None:
        """The last nested message with this number, which is the one that counts."""
        every = [one for one in self._fields.get(number, ()) if one.wire == wire.BYTES]
        return Message(self.data, every[-1].start, every[-1].end) if every else None

    def texts(self, number: int) -> list[str]:
        """The texts with this number, each up to a megabyte."""
        return [self._text(one) for one in self._fields.get(number, ()) if one.wire == wire.BYTES]

    def text(self, number: int) -> str:
        """The last text with this number; "" where there is none."""
        return (self.texts(number) or [""])[-1]

    def _text(self, field: wire.Field) -> str:
        stop = min(field.end, field.start + _LONGEST)
        return bytes(self.data[field.start : stop]).decode("utf-8", "replace")

    def numbers(self, number: int) -> list[int]:
        """The whole numbers with this number (int64), packed or one by one."""
        found: list[int] = []
        for field in self._fields.get(number, ()):
            if field.wire == wire.VARINT:
                found.append(_varint(self.data, field.start, field.end)[0])
            elif field.wire == wire.BYTES:
                at = field.start
                while at < field.end:
                    value, at = _varint(self.data, at, field.end)
                    found.append(value)
        return found

    def number(self, number: int, default: int = 0) -> int:
        """The last whole number with this number."""
        return (self.numbers(number) or [default])[-1]

    def size(self, number: int) -> int:
        """How many bytes the fields with this number hold."""
        return sum(one.end - one.start for one in self._fields.get(number, ()))

    def count(self, number: int) -> int:
        """How many fields have this number."""
        return len(self._fields.get(number, ()))

    def entries(self, number: int, key: int = 1, value: int = 2) -> dict[str, Message | None]:
        """A map of messages by text."""
        return {one.text(key): one.message(value) for one in self.messages(number)}


def _varint(data: Any, at: int, stop: int) -> tuple[int, int]:
    try:
        value, at = wire.varint(data, at, stop)
    except wire.Malformed as error:
        raise Unreadable(f"a number at byte {at} is damaged") from error
    value &= (1 << 64) - 1
    return (value - (1 << 64) if value >= 1 << 63 else value), at
