"""The messages of HDF5's object headers (File Format Specification 3.0, sections IV.A.2)."""

from __future__ import annotations

from parity.formats.source import Source, Unreadable

_LONGEST = 64 * 2**20
_NAMES = 1 << 16
_STRING, _VARIABLE = 3, 9
_EXTERNAL = 64  # a kind of link
_STEPS = 5_000_000

Attribute = str | tuple[str, ...] | int | None


class Space:
    """The file's bytes by address, each read checked and counted."""

    def __init__(self, data: Source) -> None:
        self._data = data
        self._left = _STEPS

    def take(self, at: int, count: int) -> bytes:
        """So many bytes."""
        self._left -= 1
        if self._left < 0:
            raise Unreadable("its objects repeat each other without end")
        if at < 0 or count < 0 or at + count > len(self._data):
            raise Unreadable(
                f"an address points to byte {at + count}, behind the end at {len(self._data)}"
            )
        return bytes(self._data[at : at + count])

    def number(self, at: int, width: int) -> int:
        """A whole number without sign."""
        return int.from_bytes(self.take(at, width), "little")

    def text(self, at: int) -> str:
        """A text that ends with a zero byte."""
        raw = self.take(at, min(_NAMES, max(0, len(self._data) - at)))
        return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def shape_of(space: Space, start: int) -> tuple[int, ...]:
    """A dataspace message; the empty tuple for a scalar."""
    version, rank = space.number(start, 1), space.number(start + 1, 1)
    at = start + (8 if version == 1 else 4)
    return tuple(space.number(at + 8 * index, 8) for index in range(rank))


def link(space: Space, start: int) -> tuple[str, int | str | None]:
    """A link message: its name and target: an address, a file's name, or None inside of this one.

    Source: section IV.A.2.g; an external link's value is flags, then the file's name.
    """
    flags = space.number(start + 1, 1)
    at = start + 2
    kind = 0
    if flags & 8:
        kind, at = space.number(at, 1), at + 1
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = space.number(at, width)
    at += width
    name = space.take(at, min(length, _NAMES)).decode("utf-8", "replace")
    if kind == _EXTERNAL:
        return name, space.text(at + length + 3)
    return name, space.number(at + length, 8) if kind == 0 else None


def attribute(space: Space, start: int, size: int) -> tuple[str, Attribute]:
    """An attribute message: its name, and its value where that is text or a whole number."""
    version = space.number(start, 1)
    if version not in (1, 2, 3):
        raise Unreadable(f"an attribute is of version {version}; known are 1 to 3")
    lengths = [space.number(start + 2 + 2 * index, 2) for index in range(3)]
    at = start + (9 if version == 3 else 8)
    name = space.take(at, lengths[0]).split(b"\0", 1)[0].decode("utf-8", "replace")
    padded = [-(-one // 8) * 8 for one in lengths] if version == 1 else lengths
    type_at = at + padded[0]
    space_at = type_at + padded[1]
    count = 1
    for one in shape_of(space, space_at):
        count *= one
    if space.number(start + 1, 1) & 3:  # the type or the space is shared: it lies elsewhere
        return name, None
    return name, _value(space, type_at, space_at + padded[2], count, start + size)


def _value(space: Space, type_at: int, at: int, count: int, end: int) -> Attribute:
    kind, bits = space.number(type_at, 1) & 15, space.number(type_at + 1, 1)
    width = space.number(type_at + 4, 4)
    if width == 0 or at + count * width > end:
        return None
    if kind == 0 and count == 1 and width <= 8:
        return space.number(at, width)
    if kind == _STRING:
        raws = [space.take(at + width * index, width) for index in range(count)]
        texts = tuple(raw.rstrip(b"\0 ").decode("utf-8", "replace") for raw in raws)
    elif kind == _VARIABLE and bits & 15 == 1:
        texts = tuple(_heaped(space, at + width * index) for index in range(count))
    else:
        return None
    return texts[0] if count == 1 else texts


def _heaped(space: Space, at: int) -> str:
    """A text of variable length: length, global heap collection, index in it."""
    length, heap, index = space.number(at, 4), space.number(at + 4, 8), space.number(at + 12, 4)
    if length == 0:
        return ""
    if length > _LONGEST:
        raise Unreadable(f"an attribute says that it is {length} bytes long")
    if space.take(heap, 4) != b"GCOL":
        raise Unreadable(f"byte {heap} is no global heap")
    stop = heap + space.number(heap + 8, 8)
    entry = heap + 16
    while entry + 16 <= stop:
        number, size = space.number(entry, 2), space.number(entry + 8, 8)
        if number == index:
            return space.take(entry + 16, min(length, size)).decode("utf-8", "replace")
        if number == 0:
            break
        entry += 16 + -(-size // 8) * 8
    raise Unreadable(f"a text is missing from the heap at byte {heap}")
