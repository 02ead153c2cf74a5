"""A pickle turned into inert data: nothing is imported, nothing is called, nothing is unpickled.

The opcodes are followed by a machine of our own (source: CPython's pickletools). What a pickle
would import becomes a ``Name``, what it would call becomes a ``Made`` that remembers arguments.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from parity.formats.source import Unreadable

_OPCODES = 2_000_000
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, type[Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": list}


@dataclass(frozen=True)
class Name:
    """Something that the pickle would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """What a call would have returned: the callee, its arguments, what was put into it later."""

    by: Any
    arguments: Any
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    entries: list[Any] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Stored:
    """A reference to data outside of the pickle (torch: its storages)."""

    key: Any


@dataclass(frozen=True, eq=False)
class Read:
    """One pickle: what it holds, what it would import, and the protocol it is written in."""

    value: Any
    names: tuple[str, ...]
    protocol: int


def read(handle: Any) -> Read:
    """Follow one pickle from the handle's position to its end. Raises Unreadable."""
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(handle)):
            if count > _OPCODES:
                raise Unreadable(f"the pickle has more than {_OPCODES} operations")
            machine.step(opcode.name, argument)
        value = machine.stack[-1]
    except Unreadable:
        raise
    except Exception as error:  # bytes that are no pickle fail in any way
        reason = str(error)[:120] or type(error).__name__
        raise Unreadable(f"the pickle cannot be followed: {reason}") from error
    return Read(value, tuple(dict.fromkeys(machine.names)), machine.protocol)


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.names: list[str] = []
        self.protocol = 0

    def step(self, name: str, argument: Any) -> None:
        handler = getattr(self, f"_{name.lower()}", None)
        if handler is not None:
            handler(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name.startswith(("TUPLE", "EMPTY_TUPLE")):
            count = int(name[5:] or 0) if name.startswith("TUPLE") else 0
            items = [self.stack.pop() for _ in range(count)][::-1]
            self.stack.append(tuple(items))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name in ("EXT1", "EXT2", "EXT4"):
            self._import("copyreg", f"extension {argument}")
        elif argument is not None:
            self.stack.append(argument)  # a number, a text or bytes

    def _import(self, module: str, name: str) -> None:
        self.names.append(f"{module}.{name}")
        self.stack.append(Name(module, name))

    def _marked(self) -> list[Any]:
        start = self.marks.pop()
        items, self.stack[start:] = self.stack[start:], []
        return items

    def _proto(self, argument: int) -> None:
        self.protocol = argument

    def _frame(self, argument: Any) -> None:
        pass

    _stop = _readonly_buffer = _frame

    def _mark(self, argument: Any) -> None:
        self.marks.append(len(self.stack))

    def _pop(self, argument: Any) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def _pop_mark(self, argument: Any) -> None:
        self._marked()

    def _dup(self, argument: Any) -> None:
        self.stack.append(self.stack[-1])

    def _memoize(self, argument: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _tuple(self, argument: Any) -> None:
        self.stack.append(tuple(self._marked()))

    def _list(self, argument: Any) -> None:
        self.stack.append(self._marked())

    _frozenset = _list

    def _dict(self, argument: Any) -> None:
        made: dict[Any, Any] = {}
        _fill(made, self._marked())
        self.stack.append(made)

    def _append(self, argument: Any) -> None:
        item = self.stack.pop()
        _extend(self.stack[-1], [item])

    def _appends(self, argument: Any) -> None:
        items = self._marked()
        _extend(self.stack[-1], items)

    _additems = _appends

    def _setitem(self, argument: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _fill(self.stack[-1], [key, value])

    def _setitems(self, argument: Any) -> None:
        items = self._marked()
        _fill(self.stack[-1], items)

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._import(module, name)

    def _stack_global(self, argument: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._import(
            *(one if isinstance(one, str) else "(made at load time)" for one in (module, name))
        )

    def _reduce(self, argument: Any) -> None:
        arguments, callee = self.stack.pop(), self.stack.pop()
        self.stack.append(Made(callee, arguments))

    _newobj = _reduce

    def _newobj_ex(self, argument: Any) -> None:
        keywords, arguments, callee = (self.stack.pop() for _ in range(3))
        self.stack.append(Made(callee, (arguments, keywords)))

    def _inst(self, argument: str) -> None:
        self._global(argument)
        callee = self.stack.pop()
        self.stack.append(Made(callee, tuple(self._marked())))

    def _obj(self, argument: Any) -> None:
        callee, *arguments = self._marked()
        self.stack.append(Made(callee, tuple(arguments)))

    def _build(self, argument: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def _binpersid(self, argument: Any) -> None:
        self.stack.append(Stored(self.stack.pop()))

    def _persid(self, argument: Any) -> None:
        self.stack.append(Stored(argument))


def _extend(target: Any, items: list[Any]) -> None:
    entries = target.entries if isinstance(target, Made) else target
    entries.extend(items)


def _fill(target: Any, items: Iterable[Any]) -> None:
    pairs = iter(items)
    held = target.items if isinstance(target, Made) else target
    for key, value in zip(pairs, pairs, strict=True):
        held[key if isinstance(key, str | int | float | bool) else id(key)] = value
