"""The bodies of the messages in object headers (specification, IV.A.2)."""

from typing import Iterator, NamedTuple, Optional, Tuple, Union

from ..source import Unreadable
from . import datatypes, headers
from .headers import Message
from .heaps import Heaps
from .space import Space

_HARD, _SOFT, _EXTERNAL = 0, 1, 64  # kinds of a link
_NULL = 2  # a dataspace that holds nothing
_RANK = 32
_FILTERS = 32

Attribute = Union[str, Tuple[str, ...], int, None]


class Link(NamedTuple):
    """A name in a group: where the object's header is, or in which other file, or neither."""

    name: str
    address: Optional[int] = None
    file: Optional[str] = None


def shape(space: Space, start: int) -> Tuple[int, ...]:
    """A dataspace message; the empty tuple for a scalar, (0,) for one that holds nothing."""
    version, rank = space.take(start, 2)
    if version not in (1, 2) or rank > _RANK:
        raise Unreadable(f"the dataspace at byte {start} is damaged")
    if version == 2 and space.number(start + 3, 1) == _NULL:
        return (0,)
    at = start + (8 if version == 1 else 4)
    return tuple(space.number(at + 8 * index, 8) for index in range(rank))


def limits(space: Space, start: int) -> Tuple[int, ...]:
    """How far each dimension of a dataspace may grow, at least as far as it has."""
    version, rank, flags = space.take(start, 3)
    sizes = shape(space, start)
    if not flags & 1:
        return sizes
    at = start + (8 if version == 1 else 4) + 8 * rank
    found = tuple(space.number(at + 8 * index, 8) for index in range(len(sizes)))
    if any(most < size for most, size in zip(found, sizes)):
        raise Unreadable(f"the dataspace at byte {start} is larger than it may be")
    return found


def link(space: Space, start: int) -> Link:
    """A link message: hard (an address), soft (a path in this file) or external (another file)."""
    version, flags = space.take(start, 2)
    at, kind = start + 2, _HARD
    if flags & 8:
        kind, at = space.number(at, 1), at + 1
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = space.number(at, width)
    name = space.take(at + width, length).decode("utf-8", "replace")
    if version != 1 or not name or kind not in (_HARD, _SOFT, _EXTERNAL):
        raise Unreadable(f"the link at byte {start} is of version {version} and kind {kind}")
    at += width + length
    if kind == _HARD:
        return Link(name, space.number(at, 8))
    end = at + 2 + space.number(at, 2)
    return Link(name, file=space.text(at + 3, end) if kind == _EXTERNAL else None)


def attribute(space: Space, heaps: Heaps, start: int, size: int) -> Tuple[str, Attribute]:
    """An attribute message: its name, and its value where that is text or a whole number."""
    version, flags = space.take(start, 2)
    if version not in (1, 2, 3):
        raise Unreadable(f"an attribute is of version {version}; known are 1 to 3")
    lengths = [space.number(start + 2 + 2 * index, 2) for index in range(3)]
    at = start + (9 if version == 3 else 8)
    raw, ended, _ = space.take(at, lengths[0]).partition(b"\0")
    padded = [-(-one // 8) * 8 for one in lengths] if version == 1 else lengths
    type_at = at + padded[0]
    space_at = type_at + padded[1]
    if not ended or space_at + padded[2] > start + size or flags & 2:
        raise Unreadable(f"the attribute at byte {start} is damaged")
    count = 1
    for one in shape(space, space_at):
        count *= one
    if flags & 1:
        type_at = headers.datatype_at(space, type_at)
    elif datatypes.end(space, type_at) > space_at:
        raise Unreadable(f"the attribute at byte {start} is damaged")
    name = raw.decode("utf-8", "replace")
    return name, _value(space, heaps, (type_at, space_at + padded[2], count), start + size)


def _value(space: Space, heaps: Heaps, what: Tuple[int, int, int], end: int) -> Attribute:
    """The value of a type, at a place, so often; None where it is of a kind that is not read."""
    type_at, at, count = what
    kind, bits = space.number(type_at, 1) & 15, space.number(type_at + 1, 1)
    width = space.number(type_at + 4, 4)
    if width == 0 or at + count * width > end:
        raise Unreadable(f"the value of an attribute at byte {at} is cut off")
    if kind == datatypes.INTEGER and count == 1 and width <= 8:
        return space.number(at, width)
    if kind == datatypes.STRING:
        raws = [space.take(at + width * index, width) for index in range(count)]
        texts = tuple(raw.rstrip(b"\0 ").decode("utf-8", "replace") for raw in raws)
    elif kind == datatypes.VARIABLE and bits & 15 == 1:
        texts = tuple(heaps.text(at + width * index) for index in range(count))
    else:
        return None
    return texts[0] if count == 1 else texts


def external(space: Space, heaps: Heaps, start: int) -> Iterator[str]:
    """The names of the files in which a dataset is stored."""
    used, heap = space.number(start + 6, 2), space.number(start + 8, 8)
    for slot in range(start + 16, start + 16 + 24 * used, 24):
        yield heaps.name(heap, space.number(slot, 8))


def element(space: Space, message: Message) -> int:
    """How many bytes one element takes, by a datatype message."""
    if message.shared:
        return space.number(headers.datatype_at(space, message.start) + 4, 4)
    if datatypes.end(space, message.start) > message.start + message.size:
        raise Unreadable(f"the datatype at byte {message.start} is cut off")
    return space.number(message.start + 4, 4)


def filters(space: Space, message: Message) -> None:
    """Raise Unreadable where a list of filters does not fit into its message."""
    version, count = space.take(message.start, 2)
    at = message.start + (8 if version == 1 else 2)
    for _ in range(count):
        named = version == 1 or space.number(at, 2) >= 256
        name = space.number(at + 2, 2) if named else 0
        at += 4 if named else 2
        values = space.number(at + 2, 2)
        at += 4 + (-(-name // 8) * 8 if version == 1 else name) + 4 * values
        at += 4 if version == 1 and values % 2 else 0
    if version not in (1, 2) or count > _FILTERS or at > message.start + message.size:
        raise Unreadable(f"the list of filters at byte {message.start} is damaged")
