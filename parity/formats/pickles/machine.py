"""A pickle turned into inert data: nothing is imported, nothing is called, nothing is unpickled.

The operations are followed by a machine of our own (source: CPython's pickletools). What a pickle
would import becomes a ``Name``, what it would call becomes a ``Made`` that remembers arguments.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

from ..source import Unreadable
from .operations import Bounded, Operation, operations
from .values import EXTENSIONS, MADE_UP, Made, Name, Stored

_OPERATIONS = 2_000_000  # of one pickle; the largest of real networks have some hundred thousand
_UNKNOWN = Name(MADE_UP, MADE_UP)


class Followed(NamedTuple):
    """One pickle: what it holds, what it would import, and the protocol it is written in.

    ``unread`` says why its operations could not be read to the end, "" where they were. Where
    ``unsound`` says why they make no value, ``names`` are of all operations nevertheless.
    """

    value: Any
    names: Tuple[Name, ...]
    protocol: int
    unread: str = ""
    unsound: str = ""

    def sound(self) -> "Followed":
        """The same pickle. Raises Unreadable where there is no telling what it holds."""
        fault = self.unread or self.unsound
        if fault:
            raise Unreadable(f"the pickle cannot be followed: {fault}")
        return self


def follow(handle: Bounded) -> Followed:
    """Follow one pickle from the handle's position to its end; never raises for what it holds."""
    machine = _Machine()
    unread = ""
    try:
        for count, operation in enumerate(operations(handle)):
            if count > _OPERATIONS:
                raise ValueError(f"it has more than {_OPERATIONS} operations")
            machine.step(operation)
    except Exception as error:  # pickletools raises what it likes on bytes that are no pickle
        unread = _said(error)
    names = tuple(dict.fromkeys(machine.names))
    return Followed(machine.value, names, machine.protocol, unread, machine.unsound)


def _said(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__


class _Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self) -> None:
        self.stack: List[Any] = []
        self.marks: List[int] = []
        self.memo: Dict[int, Any] = {}
        self.names: List[Name] = []
        self.protocol = 0
        self.value: Any = None
        self.unsound = ""

    def step(self, operation: Operation) -> None:
        """Do what one operation says, with inert data.

        After the first that fails the stack is worth nothing, and only what the operations would
        import is kept: an unpickler stops there too.
        """
        name, argument = operation
        if not self.unsound:
            try:
                _ACTS.get(name, _Machine.push)(self, argument)
            except Exception as error:  # operations that make no value fail in any way
                self.unsound = _said(error)
                self.names += [_UNKNOWN] if name == "STACK_GLOBAL" else []
        elif name in ("GLOBAL", "INST"):
            self.names.append(Name(*argument))
        elif name == "STACK_GLOBAL":
            self.names.append(_UNKNOWN)
        elif name in _EXTENSIONS:
            self.names.append(Name(EXTENSIONS, f"extension {argument}"))

    def push(self, argument: Any) -> None:
        """A number, a text or bytes."""
        self.stack.append(argument)

    def nothing(self, argument: Any) -> None:
        """Frames, and what only says how bytes are held."""

    def proto(self, argument: int) -> None:
        self.protocol = argument

    def stop(self, argument: Any) -> None:
        self.value = self.stack[-1]

    # The stack itself

    def mark(self, argument: Any) -> None:
        self.marks.append(len(self.stack))

    def marked(self) -> List[Any]:
        """What lies above the last mark, taken off with it."""
        start = self.marks.pop()
        items, self.stack[start:] = self.stack[start:], []
        return items

    def last(self, count: int) -> List[Any]:
        """So many from the top, taken off."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def pop(self, argument: Any) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def pop_mark(self, argument: Any) -> None:
        self.marked()

    def dup(self, argument: Any) -> None:
        self.stack.append(self.stack[-1])

    def put(self, argument: int) -> None:
        self.memo[argument] = self.stack[-1]

    def memoize(self, argument: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, argument: int) -> None:
        self.stack.append(self.memo[argument])

    # Containers

    def to_list(self, argument: Any) -> None:
        self.stack.append(self.marked())

    def to_tuple(self, argument: Any) -> None:
        self.stack.append((*self.marked(),))

    def to_dict(self, argument: Any) -> None:
        made: Dict[Any, Any] = {}
        _fill(made, self.marked())
        self.stack.append(made)

    def append(self, argument: Any) -> None:
        item = self.stack.pop()
        _extend(self.stack[-1], [item])

    def appends(self, argument: Any) -> None:
        items = self.marked()
        _extend(self.stack[-1], items)

    def setitem(self, argument: Any) -> None:
        pair = self.last(2)
        _fill(self.stack[-1], pair)

    def setitems(self, argument: Any) -> None:
        items = self.marked()
        _fill(self.stack[-1], items)

    # Names and calls

    def bring(self, module: str, name: str) -> None:
        """An import, which is remembered and not done."""
        found = Name(module, name)
        self.names.append(found)
        self.stack.append(found)

    def global_(self, argument: Tuple[str, str]) -> None:
        self.bring(*argument)

    def stack_global(self, argument: Any) -> None:
        module, name = (one if isinstance(one, str) else MADE_UP for one in self.last(2))
        self.bring(module, name)

    def extension(self, argument: int) -> None:
        self.bring(EXTENSIONS, f"extension {argument}")

    def reduce(self, argument: Any) -> None:
        callee, arguments = self.last(2)
        self.stack.append(Made(callee, arguments))

    def newobj_ex(self, argument: Any) -> None:
        callee, arguments, keywords = self.last(3)
        self.stack.append(Made(callee, (arguments, keywords)))

    def inst(self, argument: Tuple[str, str]) -> None:
        self.bring(*argument)
        callee = self.stack.pop()
        self.stack.append(Made(callee, (*self.marked(),)))

    def obj(self, argument: Any) -> None:
        callee, *arguments = self.marked()
        self.stack.append(Made(callee, (*arguments,)))

    def build(self, argument: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def binpersid(self, argument: Any) -> None:
        self.stack.append(Stored(self.stack.pop()))

    def persid(self, argument: Any) -> None:
        self.stack.append(Stored(argument))


def _extend(target: Any, items: List[Any]) -> None:
    entries = target.entries if isinstance(target, Made) else target
    entries.extend(items)


def _fill(target: Any, items: Sequence[Any]) -> None:
    if len(items) % 2:
        raise ValueError("a key has no value")
    held = target.items if isinstance(target, Made) else target
    for key, value in zip(items[::2], items[1::2]):
        held[key if isinstance(key, (str, int, float, bool)) else id(key)] = value


def _constant(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(make())


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append((*machine.last(count),))


_EXTENSIONS = ("EXT1", "EXT2", "EXT4")
_ACTS: Dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.proto,
    **dict.fromkeys(("FRAME", "READONLY_BUFFER", "NEXT_BUFFER"), _Machine.nothing),
    "STOP": _Machine.stop,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.dup,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    "MEMOIZE": _Machine.memoize,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_DICT": _constant(dict),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), _constant(list)),
    "EMPTY_TUPLE": _tuple_of(0),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": _Machine.to_tuple,
    **dict.fromkeys(("LIST", "FROZENSET"), _Machine.to_list),
    "DICT": _Machine.to_dict,
    "APPEND": _Machine.append,
    **dict.fromkeys(("APPENDS", "ADDITEMS"), _Machine.appends),
    "SETITEM": _Machine.setitem,
    "SETITEMS": _Machine.setitems,
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    **dict.fromkeys(_EXTENSIONS, _Machine.extension),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _Machine.reduce),
    "NEWOBJ_EX": _Machine.newobj_ex,
    "INST": _Machine.inst,
    "OBJ": _Machine.obj,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.binpersid,
    "PERSID": _Machine.persid,
}
