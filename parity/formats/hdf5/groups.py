"""Groups of the older form: a B-tree of symbol table nodes, names in a local heap (III.A.1, III.B).

Each level of the tree is one below the level of its parent, and no node is met twice.
"""

from typing import Iterator

from ..source import Unreadable
from .heaps import Heaps
from .messages import Link
from .space import Space

_SOFT = 2  # what an entry's cache holds: nothing (0), a group's tree (1), a path in this file (2)
_ENTRY = 40


def symbols(space: Space, heaps: Heaps, start: int) -> Iterator[Link]:
    """The links of the group whose symbol table message lies at ``start``."""
    tree, heap = space.number(start, 8), space.number(start + 8, 8)
    todo, seen = [(tree, -1)], {tree}
    while todo:
        at, level = todo.pop()
        if level == 0:
            yield from _entries(space, heaps, at, heap)
            continue
        if space.take(at, 5) != b"TREE\0":
            raise Unreadable(f"byte {at} is no part of a group")
        below, count = space.number(at + 5, 1), space.number(at + 6, 2)
        if level not in (-1, below + 1):
            raise Unreadable(f"the tree of a group is damaged at byte {at}")
        for index in range(count):
            child = space.number(at + 32 + 16 * index, 8)
            if child in seen:
                raise Unreadable(f"the tree of a group leads to byte {child} twice")
            seen.add(child)
            todo.append((child, below))


def _entries(space: Space, heaps: Heaps, at: int, heap: int) -> Iterator[Link]:
    space.signed(at, b"SNOD", "part of a group")
    count = space.number(at + 6, 2)
    for entry in range(at + 8, at + 8 + _ENTRY * count, _ENTRY):
        name, cached = heaps.name(heap, space.number(entry, 8)), space.number(entry + 16, 4)
        if not name or cached > _SOFT:
            raise Unreadable(f"the entry of a group at byte {entry} is damaged")
        if cached == _SOFT:
            heaps.name(heap, space.number(entry + 24, 4))
            yield Link(name)
        else:
            yield Link(name, space.number(entry + 8, 8))
