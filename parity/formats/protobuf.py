"""Protobuf messages, read by field number over ``wire``; each is gone through once."""

import contextlib
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from . import wire
from .content import Content
from .model_file import ModelFile
from .source import Source, Unreadable, bytes_of

_LONGEST = 1 << 20
_FIELDS = 4_000_000  # of one message, beyond which it is none


class Message:
    """One message: its fields, found in one pass over it; nested ones are read when asked for.

    ``first`` is its first field. ``broken`` is what ended the pass too early, or None; that happens
    to a file's own message alone, any other is refused.
    """

    def __init__(self, data: Source, start: int = 0, end: Optional[int] = None) -> None:
        self.data = data
        self.broken: Optional[wire.Malformed] = None
        self.first: Optional[wire.Field] = None
        self._start = start
        self._fields: Dict[int, List[wire.Field]] = {}
        self._nested: Dict[int, List[Message]] = {}
        left = _FIELDS
        try:
            for field in wire.fields(data, start, end):
                left -= 1
                if left < 0:
                    raise wire.Malformed(False)
                self.first = self.first or field
                self._fields.setdefault(field.number, []).append(field)
        except wire.Malformed as error:
            self.broken = error

    def sound(self) -> "Message":
        """The message itself. Raises Unreadable where it is broken."""
        if self.broken is not None:
            what = "is cut off" if self.broken.truncated else "is damaged"
            where = f"a protobuf message at byte {self._start} {what}"
            raise Unreadable(where) from self.broken
        return self

    def kinds(self) -> Set[Tuple[int, int]]:
        """The numbers of its fields, each with the wire type that it has."""
        return {(one.number, one.wire) for every in self._fields.values() for one in every}

    def messages(self, number: int) -> List["Message"]:
        """The nested messages with this number."""
        if number not in self._nested:
            self._nested[number] = [
                Message(self.data, one.start, one.end).sound() for one in self._bytes(number)
            ]
        return self._nested[number]

    def message(self, number: int) -> Optional["Message"]:
        """The last nested message with this number, which is the one that counts."""
        if number in self._nested:
            return (self._nested[number] or [None])[-1]  # type: ignore[list-item]
        every = self._bytes(number)
        return Message(self.data, every[-1].start, every[-1].end).sound() if every else None

    def texts(self, number: int) -> List[str]:
        """The texts with this number, each up to a megabyte."""
        return [self._text(one) for one in self._bytes(number)]

    def text(self, number: int) -> str:
        """The last text with this number; "" where there is none."""
        every = self._bytes(number)
        return self._text(every[-1]) if every else ""

    def numbers(self, number: int) -> List[int]:
        """The whole numbers with this number (int64), packed or one by one."""
        found: List[int] = []
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

    def count(self, number: int) -> int:
        """How many fields have this number."""
        return len(self._fields.get(number, ()))

    def entries(self, number: int, key: int = 1, value: int = 2) -> Dict[str, Optional["Message"]]:
        """A map of messages by text."""
        return {one.text(key): one.message(value) for one in self.messages(number)}

    def _bytes(self, number: int) -> List[wire.Field]:
        return [one for one in self._fields.get(number, ()) if one.wire == wire.BYTES]

    def _text(self, field: wire.Field) -> str:
        stop = min(field.end, field.start + _LONGEST)
        return bytes(self.data[field.start : stop]).decode("utf-8", "replace")


class ProtobufFile(ModelFile):
    """A file that is one message, which stays open until it is closed."""

    def __init__(self, path: str, content: Content, top: "Opened") -> None:
        super().__init__(path, content)
        self._top = top

    @property
    def message(self) -> Message:
        """The whole file. Raises Unreadable where it is cut off or damaged."""
        return self._top.message.sound()

    def close(self) -> None:
        """Close the file."""
        self._top.close()

    def _scan(self) -> Iterator[str]:
        with as_wire():
            yield from self._calls()

    def _calls(self) -> Iterator[str]:
        """The findings."""
        yield from ()

    def _is_damage(self, error: Exception) -> bool:
        return isinstance(error, wire.Malformed) or super()._is_damage(error)


class Opened:
    """A file that is open, and the message that it is."""

    def __init__(self, path: str) -> None:
        self._stack = contextlib.ExitStack()
        self.data = self._stack.enter_context(bytes_of(path))
        self.message = Message(self.data)

    def close(self) -> None:
        """Close the file."""
        self._stack.close()


@contextlib.contextmanager
def as_wire() -> Iterator[None]:
    """Tell of a broken message as the wire format does: truncated or malformed."""
    try:
        yield
    except Unreadable as error:
        if isinstance(error.__cause__, wire.Malformed):
            raise error.__cause__ from None
        raise


def _varint(data: Any, at: int, stop: int) -> Tuple[int, int]:
    try:
        value, at = wire.varint(data, at, stop)
    except wire.Malformed as error:
        raise Unreadable(f"a number at byte {at} is damaged") from error
    value &= (1 << 64) - 1
    return (value - (1 << 64) if value >= 1 << 63 else value), at
