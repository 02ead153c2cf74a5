"""What adapters share that show the inside of a network: graph, trace, replay of single ops.

A framework's own part is a ``Tracer``; ``TracedAdapter`` checks, caches and words around it.
"""

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ..contract import AdapterError, Feeds, Graph, Op, TensorSpec
from .feeds import check_feeds, fits, quoted, shape_text
from .opened import OpenedAdapter
from .reasons import failed_run, reason

Answer = Union[Dict[str, np.ndarray], str]


class Tracer:
    """One network open for looking, in one framework.

    ``shapes`` are those that the framework declares for a tensor, None being any size. Libraries
    have been seen to abort the process over a tensor of another rank, so they are checked first.
    """

    graph: Graph
    shapes: Mapping[str, Sequence[Optional[int]]] = {}

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Every tensor that an op makes, in execution order, under the graph's names."""
        raise NotImplementedError

    def run_op(self, op: Op, feeds: Feeds) -> Dict[str, np.ndarray]:
        """One op on its non-constant inputs; whatever it raises is the reason."""
        raise NotImplementedError


class TracedAdapter(OpenedAdapter):
    """An adapter whose ``_tracer`` makes the framework's own part from example feeds."""

    _opened_tracer: Optional[Tracer] = None

    def _tracer(self, example: Optional[Feeds]) -> Tracer:
        raise NotImplementedError

    def graph(self, example: Optional[Feeds] = None) -> Graph:
        """The network as data; see ``contract.Adapter``."""
        return self._looking(example).graph

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Every tensor in execution order; see ``contract.Adapter``."""
        tracer = self._looking(feeds)
        check_feeds(self.inputs(), feeds)
        try:
            yield from tracer.trace(feeds)
        except AdapterError:
            raise
        except Exception as error:
            raise failed_run(error) from error

    def replay(self, feeds: Mapping[int, Feeds]) -> Dict[int, Answer]:
        """Single ops on given inputs; see ``contract.Adapter``."""
        tracer = self._looking(None)
        return {index: _answer(tracer, index, given) for index, given in feeds.items()}

    def _looking(self, example: Optional[Feeds]) -> Tracer:
        if self._closed:
            raise AdapterError("run-failed", reason="the runtime has been closed")
        if self._opened_tracer is None:
            try:
                self._opened_tracer = self._tracer(example)
            except AdapterError:
                raise
            except Exception as error:
                raise cannot_trace(self.kind, reason(error)) from error
        return self._opened_tracer

    def close(self) -> None:
        """Release what the library holds; every later run fails."""
        self._opened_tracer = None
        super().close()


def cannot_trace(kind: str, reason: str) -> AdapterError:
    """What an adapter raises where it cannot show the inside of a network."""
    return AdapterError("cannot-trace", kind=kind, reason=reason)


def _answer(tracer: Tracer, index: int, given: Feeds) -> Answer:
    graph = tracer.graph
    if not isinstance(index, int) or not 0 <= index < len(graph.ops):
        return f"there is no op {index}; the graph has {len(graph.ops)}"
    op = graph.ops[index]
    wanted = [name for name in dict.fromkeys(op.inputs) if name and name not in graph.constants]
    if sorted(wanted) != sorted(given):
        needs, fed = quoted(wanted), quoted(sorted(given))
        return f"the inputs of {op.name} are {needs}; fed were {fed}"
    for name, array in given.items():
        declared, shape = tracer.shapes.get(name), np.shape(array)
        if declared is not None and not fits(shape, declared):
            has, fed = shape_text(declared), shape_text(shape)
            return f"input {name!r} of {op.name} has shape {has}; fed was {fed}"
    if not any(op.outputs):
        return f"{op.kind} makes no tensor"
    try:
        return tracer.run_op(op, given)
    except Exception as error:
        return f"{op.kind} did not run alone: {reason(error)}"


class Names:
    """Gives out names, each once: "conv", "conv_1", "conv_2"."""

    def __init__(self) -> None:
        self._next: Dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """``wanted``, with a number behind it where it is taken."""
        name, number = wanted, self._next.get(wanted, 0)
        while name in self._next:
            number += 1
            name = f"{wanted}_{number}"
        self._next[wanted] = number
        self._next[name] = 0
        return name


def outputs_of(name: str, count: int) -> Tuple[str, ...]:
    """The tensor names of an op's outputs: the op's own name, or numbered where it has many."""
    return (name,) if count == 1 else tuple(f"{name}:{place}" for place in range(count))


def last_readers(graph: Graph) -> Dict[int, List[str]]:
    """By op index, the tensors that no later op reads."""
    last = {name: op.index for op in graph.ops for name in (*op.inputs, *op.outputs)}
    found: Dict[int, List[str]] = {}
    for name, index in last.items():
        found.setdefault(index, []).append(name)
    return found


def plain(value: Any, text: Callable[[Any], str] = str) -> Any:
    """An attribute as a number, a text, or a tuple of them; other things as ``text`` says it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return tuple(plain(item, text) for item in value)
    if isinstance(value, np.generic):
        return value.item()
    return text(value)


def zeros(specs: Tuple[TensorSpec, ...]) -> Optional[Dict[str, np.ndarray]]:
    """Example feeds by declared shapes, open sizes being 1; None where a shape is not declared."""
    found = {}
    for spec in specs:
        if spec.shape is None or not spec.dtype:
            return None
        found[spec.name] = np.zeros([size or 1 for size in spec.shape], spec.dtype)
    return found
