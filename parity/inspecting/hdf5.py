"""HDF5 files read without the HDF5 library: groups, shapes of datasets, attributes that are text.

Source: HDF5 File Format Specification, version 3.0 (superblock, object headers, symbol tables,
local and global heaps). Only what Keras' files hold: groups whose links are many and "dense" are
said to be unread. No chunk of data is ever looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from parity.formats.source import Source, Unreadable
from parity.inspecting.hdf5_messages import Attribute, Space, attribute, shape_of
from parity.inspecting.hdf5_messages import link as link_of

_MAGIC = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = (1 << 64) - 1
_OBJECTS = 200_000
_DATASPACE, _LINK_INFO, _DATATYPE, _LINK, _ATTRIBUTE = 0x01, 0x02, 0x03, 0x06, 0x0C
_EXTERNAL, _LAYOUT = 0x07, 0x08
_VIRTUAL = b"\4\3"  # version and class of a layout message
_CONTINUATION, _SYMBOLS, _ATTRIBUTE_INFO = 0x10, 0x11, 0x15


@dataclass
class Node:
    """A group or a dataset: attributes that are text, children by name, a dataset's shape.

    ``unread`` is true where a group's links or attributes are stored in the dense form.
    ``elsewhere`` says of each part of it that lies in another file where that is.
    """

    attributes: dict[str, Attribute] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    unread: bool = False
    elsewhere: list[str] = field(default_factory=list)


class File:
    """An open HDF5 file; nodes are addressed by the position of their object header."""

    def __init__(self, data: Source) -> None:
        self.space = Space(data)
        if bytes(self.space.take(0, 8)) != _MAGIC:
            raise Unreadable("it does not begin with the HDF5 signature")
        version = self.space.number(8, 1)
        if version in (0, 1):
            at = 24 if version == 0 else 28
            sizes = (self.space.number(13, 1), self.space.number(14, 1))
            root_at, base_at = at + 4 * 8 + 8, at
        elif version in (2, 3):
            sizes = (self.space.number(9, 1), self.space.number(10, 1))
            root_at, base_at = 36, 12
        else:
            raise Unreadable(f"its superblock is of version {version}; known are 0 to 3")
        if sizes != (8, 8):
            raise Unreadable(
                f"its addresses and lengths take {sizes[0]} and {sizes[1]} bytes; read are 8 and 8"
            )
        if self.space.number(base_at, 8) != 0:
            raise Unreadable("it does not begin at the file's first byte")
        self.root = self.space.number(root_at, 8)
        self._left = _OBJECTS

    def node(self, address: int) -> Node:
        """The object whose header lies at an address."""
        self._left -= 1
        if self._left < 0:
            raise Unreadable(f"it holds more than {_OBJECTS} objects")
        node = Node()
        for kind, start, size in self._messages(address):
            if kind == _DATASPACE:
                node.shape = shape_of(self.space, start)
            elif kind == _ATTRIBUTE:
                name, value = attribute(self.space, start, size)
                node.attributes[name] = value
            elif kind == _LINK:
                name, target = link_of(self.space, start)
                if isinstance(target, int):
                    node.children[name] = target
                elif target is not None:
                    node.elsewhere.append(f"/{name} is a link into the file {target}")
            elif kind == _EXTERNAL:
                node.elsewhere.append(" is stored in other files")
            elif kind == _LAYOUT and self.space.take(start, 2) == _VIRTUAL:
                node.elsewhere.append(" is a view of other files")
            elif kind == _SYMBOLS:
                node.children.update(self._symbols(start))
            elif kind in (_LINK_INFO, _ATTRIBUTE_INFO):
                node.unread = node.unread or self._dense(kind, start)
        return node

    def walk(self, address: int, path: str = "") -> Iterator[tuple[str, Node]]:
        """Every object below one, with its path; each header once, whatever links to it."""
        seen = {address}
        todo = [(path, address)]
        while todo:
            name, at = todo.pop()
            node = self.node(at)
            yield name, node
            for child, target in node.children.items():
                if target not in seen:
                    seen.add(target)
                    todo.append((f"{name}/{child}", target))

    def _dense(self, kind: int, start: int) -> bool:
        """Whether a fractal heap holds links (or attributes) that are not in the header."""
        flags = self.space.number(start + 1, 1)
        skip = 8 if kind == _LINK_INFO else 2
        at = start + 2 + (skip if flags & 1 else 0)
        return self.space.number(at, 8) != _UNDEFINED

    def _messages(self, address: int) -> Iterator[tuple[int, int, int]]:
        """Type, start and size of each message in a header, its continuations too."""
        space = self.space
        if bytes(space.take(address, 4)) == b"OHDR":
            yield from self._messages_v2(address)
            return
        if space.number(address, 1) != 1:
            raise Unreadable(f"byte {address} is no object header")
        left = space.number(address + 2, 2)
        blocks = [(address + 16, space.number(address + 8, 4))]
        while blocks and left > 0:
            at, size = blocks.pop(0)
            end = at + size
            while at + 8 <= end and left > 0:
                kind, length = space.number(at, 2), space.number(at + 2, 2)
                left -= 1
                if kind == _CONTINUATION:
                    blocks.append((space.number(at + 8, 8), space.number(at + 16, 8)))
                else:
                    yield kind, at + 8, length
                at += 8 + length

    def _messages_v2(self, address: int) -> Iterator[tuple[int, int, int]]:
        space = self.space
        flags = space.number(address + 5, 1)
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        head = 6 if flags & 4 else 4
        blocks, seen = [(at + width, space.number(at, width))], set()
        while blocks:
            at, size = blocks.pop(0)
            end = at + size
            while at + head <= end:
                kind, length = space.number(at, 1), space.number(at + 1, 2)
                start, at = at + head, at + head + length
                if kind == _CONTINUATION:
                    target = space.number(start, 8)
                    if target not in seen:  # OCHK, then messages, then a checksum
                        seen.add(target)
                        blocks.append((target + 4, space.number(start + 8, 8) - 8))
                else:
                    yield kind, start, length

    def _symbols(self, start: int) -> Iterator[tuple[str, int]]:
        """A group of the old form: a B-tree of symbol table nodes, names in a local heap."""
        space = self.space
        tree, heap = space.number(start, 8), space.number(start + 8, 8)
        if bytes(space.take(heap, 4)) != b"HEAP":
            raise Unreadable(f"byte {heap} is no local heap")
        names = space.number(heap + 24, 8)
        todo, seen = [tree], {tree}
        while todo:
            at = todo.pop()
            signature, count = bytes(space.take(at, 4)), space.number(at + 6, 2)
            if signature == b"TREE":
                children = [space.number(at + 32 + 16 * index, 8) for index in range(count)]
                todo += [one for one in children if one not in seen]
                seen.update(children)
            elif signature == b"SNOD":
                for entry in range(at + 8, at + 8 + 40 * count, 40):
                    name = space.text(names + space.number(entry, 8))
                    yield name, space.number(entry + 8, 8)
            else:
                raise Unreadable(f"byte {at} is no part of a group")
