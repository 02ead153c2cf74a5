"""Where the numbers of a dataset lie (IV.A.2.i): whether that is inside of the file, and possible.

Of chunks the older index is gone through, a B-tree (III.A.1); of a newer one, which has checksums,
the place is checked, and how many chunks an index of a fixed size has room for (VII.D).
"""

from typing import NamedTuple, Optional, Sequence, Tuple

from ..source import Unreadable
from .headers import Message
from .space import UNDEFINED, Space

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
_LARGEST = 1 << 32  # bytes of a chunk, in the library too
_ALL_AT_ONCE, _IMPLICIT, _FIXED, _EXTENSIBLE, _TREE = range(1, 6)  # indices of chunks
_PARAMETERS = {_ALL_AT_ONCE: 0, _IMPLICIT: 0, _FIXED: 1, _EXTENSIBLE: 5, _TREE: 6}
_FILTERED = 2  # a flag: the only chunk is filtered, and its size is said


class Layout(NamedTuple):
    """Whether a dataset is a view of others; for chunks their sides, and the tree or the table
    of a fixed size that finds them.

    The last of the sides is the size of an element in bytes.
    """

    virtual: bool = False
    chunk: Tuple[int, ...] = ()
    tree: Optional[int] = None
    table: Optional[int] = None


def layout(space: Space, message: Message) -> Layout:
    """A layout message."""
    start = message.start
    version, kind = space.take(start, 2)
    if version in (1, 2):
        return _older(space, start)
    if version not in (3, 4):
        raise Unreadable(f"a dataset's layout is of version {version}; known are 1 to 4")
    if kind == _CONTIGUOUS:
        _placed(space, space.number(start + 2, 8), space.number(start + 10, 8))
    if kind == _COMPACT and 4 + space.number(start + 2, 2) > message.size:
        raise Unreadable(f"the dataset at byte {start} is cut off")
    if kind == _CHUNKED:
        return _older_chunks(space, start) if version == 3 else _newer_chunks(space, start)
    if kind > _VIRTUAL:
        raise Unreadable(f"a dataset's layout is of class {kind}; known are 0 to 3")
    return Layout(kind == _VIRTUAL)


def consistent(space: Space, found: Layout, most: Sequence[int], element: int) -> None:
    """Raise Unreadable where chunks do not fit to a dataset, or their index does not hold.

    ``most`` is how far each dimension may grow, ``element`` the bytes of one number.
    """
    size = 1
    for side in found.chunk:
        size *= side
    fits = len(found.chunk) == len(most) + 1 and found.chunk[-1] == element
    if found.chunk and (not fits or not 0 < size < _LARGEST):
        raise Unreadable(f"chunks of {found.chunk} do not fit to a dataset of {tuple(most)}")
    if found.tree is not None:
        _tree(space, found.tree, len(found.chunk))
    if found.table is not None:
        count = 1
        for side, limit in zip(found.chunk, most):
            count *= -(-limit // side)
        space.signed(found.table, b"FAHD", "table of chunks")
        if space.number(found.table + 8, 8) != count:
            raise Unreadable(f"the table of chunks at byte {found.table} is of another size")


def _older(space: Space, start: int) -> Layout:
    """Versions 1 and 2: rank, class, address, sides."""
    rank, kind = space.number(start + 1, 1), space.number(start + 2, 1)
    if kind > _CHUNKED:
        raise Unreadable(f"a dataset's layout is of class {kind}; known are 0 to 2")
    if kind == _COMPACT:
        return Layout()
    address = space.number(start + 8, 8)
    _placed(space, address, 0)
    if kind == _CONTIGUOUS:
        return Layout()
    return Layout(False, _sides(space, start + 16, rank, 4), _defined(address))


def _older_chunks(space: Space, start: int) -> Layout:
    rank, address = space.number(start + 2, 1), space.number(start + 3, 8)
    return Layout(False, _sides(space, start + 11, rank, 4), _defined(address))


def _newer_chunks(space: Space, start: int) -> Layout:
    flags, rank, width = space.take(start + 2, 3)
    at = start + 5 + rank * width
    index = space.number(at, 1)
    if not 0 < width <= 8 or index not in _PARAMETERS:
        raise Unreadable(f"the chunks of the dataset at byte {start} have an unknown index")
    at += 1 + _PARAMETERS[index]
    size = 0
    if index == _ALL_AT_ONCE and flags & _FILTERED:
        size, at = space.number(at, 8), at + 12
    address = space.number(at, 8)
    _placed(space, address, size)
    table = _defined(address) if index == _FIXED else None
    return Layout(False, _sides(space, start + 5, rank, width), table=table)


def _sides(space: Space, at: int, rank: int, width: int) -> Tuple[int, ...]:
    return tuple(space.number(at + width * index, width) for index in range(rank))


def _placed(space: Space, address: int, size: int) -> None:
    if address != UNDEFINED:
        space.inside(address, size)


def _defined(address: int) -> Optional[int]:
    return None if address == UNDEFINED else address


def _tree(space: Space, tree: int, sides: int) -> None:
    """Each level below the one above it, no node twice, every chunk inside of the file."""
    key = 8 + 8 * sides
    todo, seen = [(tree, -1)], {tree}
    while todo:
        at, level = todo.pop()
        space.signed(at, b"TREE\1", "index of chunks")
        below, count = space.number(at + 5, 1), space.number(at + 6, 2)
        if level not in (-1, below + 1):
            raise Unreadable(f"the index of chunks is damaged at byte {at}")
        for entry in range(at + 24, at + 24 + (key + 8) * count, key + 8):
            child = space.number(entry + key, 8)
            if child in seen:
                raise Unreadable(f"the index of chunks leads to byte {child} twice")
            seen.add(child)
            if below:
                todo.append((child, below))
            else:
                space.inside(child, space.number(entry, 4))
