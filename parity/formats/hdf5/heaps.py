"""Where names and texts of variable length lie: local and global heaps (III.D and III.E)."""

from typing import Dict, Tuple

from ..source import Unreadable
from .space import UNDEFINED, Space

_LONGEST = 64 * 2**20
_NO_FREE = (1, UNDEFINED)  # what ends a local heap's list of free parts


class Heaps:
    """The heaps of a file, each gone through once, from end to end."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._local: Dict[int, Tuple[int, int]] = {}
        self._global: Dict[int, Dict[int, Tuple[int, int]]] = {}

    def name(self, heap: int, offset: int) -> str:
        """The text at an offset of a local heap."""
        if heap not in self._local:
            self._local[heap] = self._segment(heap)
        start, size = self._local[heap]
        if offset >= size:
            raise Unreadable(f"a name lies behind the end of the heap at byte {heap}")
        return self._space.text(start + offset, start + size)

    def text(self, at: int) -> str:
        """A text of variable length: its length, a global heap, an index in it."""
        space = self._space
        length, heap = space.number(at, 4), space.number(at + 4, 8)
        index = space.number(at + 12, 4)
        if length == 0:
            return ""
        if length > _LONGEST:
            raise Unreadable(f"an attribute says that it is {length} bytes long")
        if heap not in self._global:
            self._global[heap] = self._collection(heap)
        if index not in self._global[heap]:
            raise Unreadable(f"a text is missing from the heap at byte {heap}")
        start, size = self._global[heap][index]
        if length > size:
            raise Unreadable(f"a text is longer than its place in the heap at byte {heap}")
        return space.take(start, length).decode("utf-8", "replace")

    def _segment(self, heap: int) -> Tuple[int, int]:
        """Start and size of a local heap's data; its free parts are a list without a circle."""
        space = self._space
        space.signed(heap, b"HEAP", "local heap")
        size, free = space.number(heap + 8, 8), space.number(heap + 16, 8)
        start = space.number(heap + 24, 8)
        space.inside(start, size)
        seen = set()
        while free not in _NO_FREE:
            inside = free not in seen and free + 16 <= size
            if not inside or free + space.number(start + free + 8, 8) > size:
                raise Unreadable(f"the free parts of the heap at byte {heap} are damaged")
            seen.add(free)
            free = space.number(start + free, 8)
        return start, size

    def _collection(self, heap: int) -> Dict[int, Tuple[int, int]]:
        """Start and size of each object in a global heap; free space has the index 0."""
        space = self._space
        space.signed(heap, b"GCOL", "global heap")
        size = space.number(heap + 8, 8)
        space.inside(heap, size)
        found: Dict[int, Tuple[int, int]] = {}
        at, stop = heap + 16, heap + size
        while at + 16 <= stop:
            index, count = space.number(at, 2), space.number(at + 8, 8)
            step = 16 + -(-count // 8) * 8 if index else count
            if at + step > stop or step < 16 or (index and index in found):
                raise Unreadable(f"the heap at byte {heap} is damaged")
            found[index] = (at + 16, count)
            at += step
        return found
