"""Object headers: the list of messages that says what an object is (specification, IV.A.1)."""

from typing import Iterator, List, NamedTuple, Set, Tuple

from ..source import Unreadable
from .space import Space

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
FILTERS, ATTRIBUTE, SHARED_TABLE, SYMBOLS, DRIVER = 0x0B, 0x0C, 0x0F, 0x11, 0x14
ATTRIBUTE_INFO, CACHE_IMAGE = 0x15, 0x18
_CONTINUATION = 0x10
_SHARED = 2  # a flag of a message
_ONCE = (DATASPACE, LINK_INFO, DATATYPE, EXTERNAL, LAYOUT, FILTERS, SYMBOLS, ATTRIBUTE_INFO)
_Blocks = List[Tuple[int, int]]


class Message(NamedTuple):
    """A message: its type, where its body starts and its size; ``shared``: it lies elsewhere."""

    kind: int
    start: int
    size: int
    shared: bool = False


def messages(space: Space, address: int) -> List[Message]:
    """Every message of the header at an address, those of its continuations too."""
    newer = space.take(address, 4) == b"OHDR"
    found = list(_newer(space, address) if newer else _older(space, address))
    kinds = [one.kind for one in found]
    for kind in _ONCE:
        if kinds.count(kind) > 1:
            raise Unreadable(f"the object header at byte {address} says one thing twice")
    return found


def datatype_at(space: Space, start: int) -> int:
    """Where a shared datatype is, whose header the bytes at ``start`` name (IV.A.2, "Shared")."""
    version, kind = space.take(start, 2)
    if version not in (1, 2, 3) or (version == 3 and kind != 2):
        raise Unreadable("a datatype lies in a table of shared messages, which is not read here")
    address = space.number(start + (8 if version == 1 else 2), 8)
    for message in messages(space, address):
        if message.kind == DATATYPE and not message.shared:
            return message.start
    raise Unreadable(f"the object header at byte {address} holds no datatype")


def _older(space: Space, address: int) -> Iterator[Message]:
    if space.number(address, 1) != 1:
        raise Unreadable(f"byte {address} is no object header")
    left = space.number(address + 2, 2)
    blocks: _Blocks = [(address + 16, space.number(address + 8, 4))]
    seen: Set[int] = set()
    while blocks and left > 0:
        at, size = blocks.pop(0)
        end = at + size
        while at + 8 <= end and left > 0:
            kind, length = space.number(at, 2), space.number(at + 2, 2)
            message = _message(space, Message(kind, at + 8, length), space.number(at + 4, 1), end)
            left -= 1
            at += 8 + length
            if kind == _CONTINUATION:
                blocks.append(_continued(space, message, seen))
            else:
                yield message


def _newer(space: Space, address: int) -> Iterator[Message]:
    version, flags = space.take(address + 4, 2)
    if version != 2:
        raise Unreadable(f"the object header at byte {address} is of version {version}")
    at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    head = 6 if flags & 4 else 4
    size = space.number(at, width)
    space.checked(address, at + width + size)
    blocks: _Blocks = [(at + width, size)]
    seen: Set[int] = set()
    while blocks:
        at, size = blocks.pop(0)
        end = at + size
        while at + head <= end:
            kind, length = space.number(at, 1), space.number(at + 1, 2)
            message = _message(
                space, Message(kind, at + head, length), space.number(at + 3, 1), end
            )
            at += head + length
            if kind != _CONTINUATION:
                yield message
                continue
            start, count = _continued(space, message, seen)
            space.signed(start, b"OCHK", "continuation of an object header")
            space.checked(start, start + count - 4)
            blocks.append((start + 4, count - 8))


def _message(space: Space, message: Message, flags: int, end: int) -> Message:
    if message.start + message.size > end:
        raise Unreadable(f"the message at byte {message.start} ends behind its object header")
    space.inside(message.start, message.size)
    return message._replace(shared=bool(flags & _SHARED))


def _continued(space: Space, message: Message, seen: Set[int]) -> Tuple[int, int]:
    start, count = space.number(message.start, 8), space.number(message.start + 8, 8)
    if start in seen or count < 8:
        raise Unreadable(f"the object header goes on at byte {start}, where it was before")
    seen.add(start)
    space.inside(start, count)
    return start, count
