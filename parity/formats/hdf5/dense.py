"""Links and attributes that are many: fractal heaps and B-trees of version 2 (III.A.2, III.G).

Filtered heaps, which HDF5 does not write for either, are refused.
"""

from typing import Iterator, List, Set, Tuple

from ..source import Unreadable
from .space import UNDEFINED, Space

_DEEPEST = 16
_NODE = 10  # bytes of a node of a B-tree beside its records: signature, version, type, checksum


def records(space: Space, tree: int, size: int) -> Iterator[int]:
    """Where each record of a B-tree is, which must take ``size`` bytes."""
    space.signed(tree, b"BTHD", "B-tree")
    space.checked(tree, tree + 34)
    node, length, depth = (
        space.number(tree + 6, 4), space.number(tree + 10, 2), space.number(tree + 12, 2)
    )  # fmt: skip
    root, count = space.number(tree + 16, 8), space.number(tree + 24, 2)
    left = space.number(tree + 26, 8)
    if length != size or depth > _DEEPEST or node < _NODE + size:
        raise Unreadable(f"the B-tree at byte {tree} is of another kind than is expected there")
    if (root == UNDEFINED or count == 0) and left == 0:
        return
    widths = _widths(node, size, depth)
    todo, seen = [(root, count, depth)], {tree}
    while todo:
        at, count, level = todo.pop()
        if at in seen:
            raise Unreadable(f"the B-tree at byte {tree} leads to byte {at} twice")
        seen.add(at)
        left -= count
        space.signed(at, b"BTIN" if level else b"BTLF", "node of a B-tree")
        end = at + 6 + count * size
        if level:
            counted, total = widths[0], widths[level - 1] if level > 1 else 0
            step = 8 + counted + total
            todo += [
                (space.number(child, 8), space.number(child + 8, counted), level - 1)
                for child in range(end, end + (count + 1) * step, step)
            ]
            end += (count + 1) * step
        if end + 4 > at + node:
            raise Unreadable(f"the node at byte {at} holds more than it has room for")
        space.checked(at, end)
        yield from range(at + 6, at + 6 + count * size, size)
    if left != 0:
        raise Unreadable(f"the B-tree at byte {tree} holds not as many records as it says")


def _widths(node: int, size: int, depth: int) -> List[int]:
    """For each level the bytes that count the records below it; for leaves those in one node."""
    most = total = (node - _NODE) // size
    counted = _encoded(most)
    widths = [counted]
    for level in range(1, depth + 1):
        step = 8 + counted + (widths[-1] if level > 1 else 0)
        most = max(0, node - _NODE - step) // (size + step)
        total = (most + 1) * total + most
        widths.append(_encoded(total))
    return widths


def _encoded(most: int) -> int:
    """The bytes that numbers up to this one are written in."""
    return (max(1, most).bit_length() - 1) // 8 + 1


class FractalHeap:
    """The heap at an address; objects are found by the identifiers that B-trees hold."""

    def __init__(self, space: Space, at: int) -> None:
        self._space, self._at = space, at
        space.signed(at, b"FRHP", "fractal heap")
        self.identifier, filters = space.number(at + 5, 2), space.number(at + 7, 2)
        if filters:
            raise Unreadable(f"the heap at byte {at} is compressed, which is not read here")
        space.checked(at, at + 142)
        self._guarded = bool(space.number(at + 9, 1) & 2)
        largest = space.number(at + 10, 4)
        self._huge = space.number(at + 22, 8)
        self._width, self._first = space.number(at + 110, 2), space.number(at + 112, 8)
        direct, bits = space.number(at + 120, 8), space.number(at + 128, 2)
        self._root, self._rows = space.number(at + 132, 8), space.number(at + 140, 2)
        if not all(_is_power(one) for one in (self._width, self._first, direct)) or bits > 64:
            raise Unreadable(f"the heap at byte {at} is damaged")
        self._direct_rows = direct.bit_length() - self._first.bit_length() + 2
        self._offset = -(-bits // 8)
        self._length = min(-(-(direct.bit_length() - 1) // 8), _encoded(largest))
        self._checked: Set[int] = set()

    def find(self, at: int) -> Tuple[int, int]:
        """Start and size of the object whose identifier lies at an address."""
        space = self._space
        flags = space.number(at, 1)
        if flags >> 4 == 2:  # "tiny": it lies in its identifier
            return at + 1, min((flags & 15) + 1, self.identifier - 1)
        if flags >> 4 == 1:
            return self._far(space.number(at + 1, min(8, self.identifier - 1)))
        if flags >> 4:
            raise Unreadable(f"the heap at byte {self._at} holds an object of an unknown kind")
        offset = space.number(at + 1, self._offset)
        size = space.number(at + 1 + self._offset, self._length)
        block, begin, room = self._block(offset)
        if offset + size > begin + room:
            raise Unreadable(f"an object ends behind the block of its heap at byte {block}")
        return block + offset - begin, size

    def _far(self, number: int) -> Tuple[int, int]:
        """A "huge" object, which lies outside of the heap: address, length, number."""
        if self._huge == UNDEFINED:
            raise Unreadable(f"the heap at byte {self._at} holds no large object")
        for at in records(self._space, self._huge, 24):
            if self._space.number(at + 16, 8) == number:
                start, size = self._space.number(at, 8), self._space.number(at + 8, 8)
                self._space.inside(start, size)
                return start, size
        raise Unreadable(f"the heap at byte {self._at} has lost a large object")

    def _block(self, offset: int) -> Tuple[int, int, int]:
        """The direct block that holds an offset: its address, its first offset, its size."""
        space, first = self._space, self._first
        at, rows, begin, size = self._root, self._rows, 0, first
        while rows:
            self._check(at, b"FHIB", begin)
            if at not in self._checked:
                space.checked(at, at + 13 + self._offset + rows * self._width * 8)
            self._checked.add(at)
            row = ((offset - begin) // (first * self._width)).bit_length()
            size = first << max(0, row - 1)
            start = first * self._width << row - 1 if row else 0
            column = (offset - begin - start) // size
            if row >= rows:
                raise Unreadable(f"an object lies outside of its heap at byte {self._at}")
            entry = at + 13 + self._offset + (row * self._width + column) * 8
            at, begin = space.number(entry, 8), begin + start + column * size
            rows = size.bit_length() - (first * self._width).bit_length() + 1
            if row < self._direct_rows:
                break
        self._check(at, b"FHDB", begin)
        if self._guarded and at not in self._checked:
            space.checked(at, at + size, at + 13 + self._offset)
        self._checked.add(at)
        return at, begin, size

    def _check(self, at: int, signature: bytes, begin: int) -> None:
        space = self._space
        space.signed(at, signature, "block of a fractal heap")
        if space.number(at + 5, 8) != self._at or space.number(at + 13, self._offset) != begin:
            raise Unreadable(f"byte {at} is no block of the heap at byte {self._at}")


def _is_power(number: int) -> bool:
    return number > 0 and number & number - 1 == 0
