"""The operations of one pickle, read as CPython's unpickler reads them.

Source: pickletools (operations and their arguments), Modules/_pickle.c (lines, frames).
"""

import pickletools
from typing import IO, Any, Iterator, NamedTuple

LIMIT = 256 * 2**20  # bytes of one zip member that are ever read
_LINE = 1 << 20
_FRAMES = "an operation is not whole in its frame, so readers disagree about what it is"
_KINDS = {one.code.encode("latin-1"): one for one in pickletools.opcodes}
_GLOBALS = ("GLOBAL", "INST")


class Operation(NamedTuple):
    """One operation by pickletools' name, and its argument; two texts of a name to import."""

    name: str
    argument: Any


class Bounded:
    """A file of which all reads together take no more than ``LIMIT`` bytes; claims count.

    ``at`` is how many bytes were read so far.
    """

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._left = LIMIT
        self.at = 0

    def read(self, count: int) -> bytes:
        self._take(count)
        data = self._handle.read(count)
        self.at += len(data)
        return data

    def readline(self) -> bytes:
        line = self._handle.readline(_LINE)
        self._take(len(line))
        self.at += len(line)
        return line

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError(f"it is larger than {LIMIT} bytes")


def operations(handle: Bounded) -> Iterator[Operation]:
    """Every operation up to and with STOP. Raises ValueError, or what pickletools raises.

    The unpickler written in C takes a frame into its memory at once and reads an operation that
    crosses the end of it from another place than pickletools does. Picklers write whole
    operations, one frame after the other, and end the last one with STOP; nothing else is read.
    """
    end = 0  # of the frame
    while True:
        start = handle.at
        one = _operation(handle)
        framed = start < end
        if framed and (handle.at > end or one.name == "FRAME"):
            raise ValueError(_FRAMES)
        if one.name == "FRAME":
            end = handle.at + int(one.argument)
        if one.name == "STOP" and handle.at < end:
            raise ValueError(_FRAMES)
        yield one
        if one.name == "STOP":
            return


def _operation(handle: Bounded) -> Operation:
    start, code = handle.at, handle.read(1)
    kind = _KINDS.get(code)
    if not code:
        raise ValueError("pickle exhausted before seeing STOP")
    if kind is None:
        raise ValueError(f"at position {start}, opcode {code!r} unknown")
    if kind.name in _GLOBALS:  # pickletools undoes escapes in them, which the unpickler does not
        return Operation(kind.name, (_line(handle), _line(handle)))
    reader: Any = None if kind.arg is None else kind.arg.reader
    return Operation(kind.name, reader and reader(handle))


def _line(handle: Bounded) -> str:
    line = handle.readline()
    if not line.endswith(b"\n"):
        raise ValueError("no newline found when trying to read stringnl")
    return line[:-1].decode("utf-8")
