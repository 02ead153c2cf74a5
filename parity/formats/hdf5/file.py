"""HDF5 files read without the HDF5 library: groups, shapes of datasets, attributes that are text.

Source: HDF5 File Format Specification, version 3.0. Every structure on the way from the superblock
to an object is read whole and checked, so that what this reader accepts HDF5's own library reads
in the same way; no chunk of data is ever looked at. Where a file of the newer form could say one
thing to this reader and another to the library (messages that are shared, a cache image, a family
of files), it is refused; Keras writes none of these.
"""

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

from ..source import Source, Unreadable
from . import headers, layouts, messages
from .dense import FractalHeap, records
from .groups import symbols
from .headers import Message
from .heaps import Heaps
from .messages import Attribute, Link
from .space import UNDEFINED, Space

MAGIC = b"\x89HDF\r\n\x1a\n"
_OBJECTS = 200_000
_LINK_RECORDS = ((11, 4), (15, 8))  # size, and where the heap's identifier is: by name, by order
_UNSHARED = (headers.DATASPACE, headers.EXTERNAL, headers.LAYOUT, headers.FILTERS)
_ATTRIBUTE_RECORDS = ((17, 0), (13, 0))


@dataclass
class Node:
    """A group or a dataset: attributes that are text, children by name, a dataset's shape.

    ``elsewhere`` says of each part of it that lies in another file where that is.
    """

    attributes: Dict[str, Attribute] = field(default_factory=dict)
    children: Dict[str, int] = field(default_factory=dict)
    shape: Optional[Tuple[int, ...]] = None
    elsewhere: List[str] = field(default_factory=list)


class File:
    """An open HDF5 file; nodes are addressed by the position of their object header."""

    def __init__(self, data: Source) -> None:
        self._space = Space(data)
        self._heaps = Heaps(self._space)
        self._left = _OBJECTS
        if self._space.take(0, min(8, len(data))) != MAGIC:
            raise Unreadable("it does not begin with the HDF5 signature")
        self.root = self._superblock()

    def node(self, address: int) -> Node:
        """The object whose header lies at an address."""
        self._left -= 1
        if self._left < 0:
            raise Unreadable(f"it holds more than {_OBJECTS} objects")
        node = Node()
        links: List[Link] = []
        every = headers.messages(self._space, address)
        for message in every:
            if message.kind == headers.LINK:
                links.append(messages.link(self._space, message.start))
            elif message.kind == headers.SYMBOLS:
                links += symbols(self._space, self._heaps, message.start)
            elif message.kind == headers.LINK_INFO:
                links += self._dense_links(message.start)
            elif message.kind == headers.ATTRIBUTE:
                self._attribute(node, message.start, message.size)
            elif message.kind == headers.ATTRIBUTE_INFO:
                for start, size in self._dense(message.start, 2, _ATTRIBUTE_RECORDS):
                    self._attribute(node, start, size)
        self._dataset(node, {message.kind: message for message in every})
        for link in dict.fromkeys(links):
            if link.name in node.children:
                raise Unreadable(f"two of its links are named {link.name}")
            if link.address is not None:
                node.children[link.name] = link.address
            elif link.file is not None:
                node.elsewhere.append(f"/{link.name} is a link into the file {link.file}")
        return node

    def walk(self, address: int, path: str = "") -> Iterator[Tuple[str, Node]]:
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

    def _superblock(self) -> int:
        """Where the root's object header is (specification, II.A)."""
        space = self._space
        version = space.number(8, 1)
        if version in (0, 1):
            at = 24 if version == 0 else 28
            sizes = (space.number(13, 1), space.number(14, 1))
            root, base_at, driver = space.number(at + 40, 8), at, space.number(at + 24, 8)
        elif version in (2, 3):
            sizes = (space.number(9, 1), space.number(10, 1))
            root, base_at, driver = space.number(36, 8), 12, UNDEFINED
        else:
            raise Unreadable(f"its superblock is of version {version}; known are 0 to 3")
        if sizes != (8, 8):
            raise Unreadable(
                f"its addresses and lengths take {sizes[0]} and {sizes[1]} bytes; read are 8 and 8"
            )
        if space.number(base_at, 8) != 0:
            raise Unreadable("it does not begin at the file's first byte")
        if version >= 2:
            space.checked(0, 44)
            driver = self._extension(space.number(20, 8))
        if driver != UNDEFINED:
            raise Unreadable("it is one of several files that belong together: save it in one")
        return root

    def _extension(self, address: int) -> int:
        """What a superblock says more; the answer is the address of a driver's information."""
        if address == UNDEFINED:
            return UNDEFINED
        for message in headers.messages(self._space, address):
            if message.kind in (headers.SHARED_TABLE, headers.CACHE_IMAGE):
                raise Unreadable("its metadata are shared or kept in a cache: save it without")
            if message.kind == headers.DRIVER:
                return message.start
        return UNDEFINED

    def _dataset(self, node: Node, parts: Dict[int, Message]) -> None:
        """What the messages say of a dataset; each of them is there once at most."""
        space = self._space
        if any(parts[kind].shared for kind in _UNSHARED if kind in parts):
            raise Unreadable("a message lies in a table of shared ones, which is not read here")
        if headers.DATASPACE in parts:
            node.shape = messages.shape(space, parts[headers.DATASPACE].start)
        if headers.EXTERNAL in parts:
            names = messages.external(space, self._heaps, parts[headers.EXTERNAL].start)
            node.elsewhere += [f" is stored in the file {name}" for name in names]
        if headers.FILTERS in parts:
            messages.filters(space, parts[headers.FILTERS])
        element = 0
        if headers.DATATYPE in parts:
            element = messages.element(space, parts[headers.DATATYPE])
        if headers.LAYOUT not in parts:
            return
        found = layouts.layout(space, parts[headers.LAYOUT])
        if found.virtual:
            node.elsewhere.append(" is a view of other files")
        if not element or headers.DATASPACE not in parts:
            raise Unreadable("a dataset has no type or no shape")
        most = messages.limits(space, parts[headers.DATASPACE].start)
        layouts.consistent(space, found, most, element)

    def _attribute(self, node: Node, start: int, size: int) -> None:
        name, value = messages.attribute(self._space, self._heaps, start, size)
        if node.attributes.setdefault(name, value) != value:
            raise Unreadable(f"two of its attributes are named {name}")

    def _dense_links(self, start: int) -> List[Link]:
        found = self._dense(start, 8, _LINK_RECORDS)
        return [messages.link(self._space, at) for at, _ in found]

    def _dense(
        self, start: int, width: int, kinds: Tuple[Tuple[int, int], ...]
    ) -> Iterator[Tuple[int, int]]:
        """Start and size of each message that a heap holds, as its one or two B-trees find it."""
        space = self._space
        flags = space.number(start + 1, 1)
        at = start + 2 + (width if flags & 1 else 0)
        if space.number(at, 8) == UNDEFINED:
            return
        heap = FractalHeap(space, space.number(at, 8))
        for index, (size, skip) in enumerate(kinds[: 2 if flags & 2 else 1]):
            tree = space.number(at + 8 + 8 * index, 8)
            for record in records(space, tree, size):
                yield heap.find(record + skip)
