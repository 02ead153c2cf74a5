"""Datatypes: how long their description is, and whether it is possible (IV.A.2.d)."""

from ..source import Unreadable
from .space import Space

INTEGER, STRING, VARIABLE = 0, 3, 9
_OPAQUE, _COMPOUND, _ENUMERATION, _ARRAY = 5, 6, 8, 10
_PROPERTIES = {0: 4, 1: 12, 2: 2, 3: 0, 4: 4, 7: 0}  # bytes, of the classes without more inside
_SEQUENCE, _TEXT = 0, 1  # what is of variable length
_DEEPEST = 16


def end(space: Space, at: int, deep: int = 0) -> int:
    """Where the description that begins at a place ends."""
    kind, version = space.number(at, 1) & 15, space.number(at, 1) >> 4
    bits, size = space.number(at + 1, 3), space.number(at + 4, 4)
    if deep > _DEEPEST or size == 0 or not 0 < version < 6:
        raise _damaged(at)
    if kind in _PROPERTIES:
        return at + 8 + _PROPERTIES[kind]
    if kind == _OPAQUE:
        return at + 8 + -(-(bits & 255) // 8) * 8
    if kind == VARIABLE and bits & 15 in (_SEQUENCE, _TEXT) and size == 16:
        return end(space, at + 8, deep + 1)
    if kind == _ARRAY:
        return _array(space, at, version, deep)
    if kind == _ENUMERATION:
        return _enumeration(space, at, version, deep)
    if kind == _COMPOUND:
        return _compound(space, at, version, deep)
    raise _damaged(at)


def _array(space: Space, at: int, version: int, deep: int) -> int:
    rank = space.number(at + 8, 1)
    sides = at + (12 if version < 3 else 9)
    base = sides + rank * (8 if version < 3 else 4)  # older ones name a permutation too
    count = 1
    for index in range(rank):
        count *= space.number(sides + 4 * index, 4)
    if rank > 32 or count * space.number(base + 4, 4) != space.number(at + 4, 4):
        raise _damaged(at)
    return end(space, base, deep + 1)


def _enumeration(space: Space, at: int, version: int, deep: int) -> int:
    members, size = space.number(at + 1, 2), space.number(at + 4, 4)
    if space.number(at + 8, 1) & 15 != INTEGER or space.number(at + 12, 4) != size:
        raise _damaged(at)
    place = end(space, at + 8, deep + 1)
    for _ in range(members):
        place = _named(space, place, version)
    space.inside(place, members * size)
    return place + members * size


def _compound(space: Space, at: int, version: int, deep: int) -> int:
    members, size = space.number(at + 1, 2), space.number(at + 4, 4)
    place = at + 8
    for _ in range(members):
        place = _named(space, place, version)
        width = 4 if version < 3 else (size.bit_length() - 1) // 8 + 1
        offset = space.number(place, width)
        place += width + (28 if version == 1 else 0)
        if offset + space.number(place + 4, 4) > size:
            raise _damaged(at)
        place = end(space, place, deep + 1)
    if not members:
        raise _damaged(at)
    return place


def _named(space: Space, at: int, version: int) -> int:
    """Behind a member's name, which ends with a zero, in older ones filled up to eight bytes."""
    length = space.length(at)
    return at + (length + 1 if version > 2 else -(-(length + 1) // 8) * 8)


def _damaged(at: int) -> Unreadable:
    return Unreadable(f"the datatype at byte {at} is damaged")
