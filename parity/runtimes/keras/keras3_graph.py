"""A functional Keras model operation by operation, nested models flattened.

Each operation is called by itself, in evaluation mode, in the model's own order; so tracing and
replaying are the same code, and a tensor is let go of after its last reader. The deployed model is
one compiled function, in which TensorFlow may fuse operations: the last bits can differ.

Source: the Keras 3 guide to the functional API; ``model.operations`` holds every layer and op, and
the nodes of the graph say on what each was called.
"""

import contextlib
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..contract import Feeds, Graph, Op
from ..shared.tracing import Names, Tracer, cannot_trace, last_readers, outputs_of, plain

_OPAQUE = "{} holds layers of its own; what is inside of it is not looked at"
_SETTINGS = ("name", "dtype", "trainable", "batch_input_shape", "batch_shape", "build_config")


class Node:
    """One call of an operation in a model's graph, with symbolic tensors in its arguments."""

    def __init__(self, keras: Any, node: Any) -> None:
        self._keras = keras
        self._node = node
        self.operation = node.operation
        self.outputs: List[Any] = list(node.outputs)
        self.inputs: List[Any] = list(node.arguments.keras_tensors)
        self.keywords: Dict[str, Any] = node.arguments.kwargs

    def arguments(self) -> List[Any]:
        """Every argument, out of whatever holds it."""
        given = self._node.arguments
        return list(self._keras.tree.flatten((given.args, given.kwargs)))

    def filled(self, values: Dict[int, Any]) -> Tuple[Any, Dict[str, Any]]:
        """The arguments with values, by the symbolic tensors' ids, in their places."""
        args, kwargs = self._node.arguments.fill_in(values)
        return args, kwargs

    def in_evaluation(self) -> Dict[str, Any]:
        """What else it is called with."""
        asked = getattr(self.operation, "_call_has_training_arg", False)
        return {"training": False} if asked else {}


class Call(NamedTuple):
    """One call of an operation; ``tensors`` names the symbolic tensors in its arguments."""

    node: Node
    tensors: Dict[int, str]


class KerasTracer(Tracer):
    """A functional model with its symbolic inputs, by the names to feed them, and outputs."""

    def __init__(
        self, keras: Any, model: Any, inputs: Mapping[str, Any], outputs: Sequence[Any]
    ) -> None:
        self._keras = keras
        self._calls: List[Call] = []
        self._ops: List[Op] = []
        self._problems: Dict[int, str] = {}
        self._constants: Dict[str, np.ndarray] = {}
        self._weights: Dict[int, str] = {}
        self._names = Names()
        self._dtypes: Dict[str, str] = {}
        self.shapes: Dict[str, Sequence[Optional[int]]] = {}
        known: Dict[int, str] = {}
        for name, tensor in inputs.items():
            self._declare(known, self._names.take(name), tensor)
        graph = self._functional(model)
        if graph is None:
            raise cannot_trace("keras", "the model runs Python code of its own, not a graph of ops")
        self._walk(graph, known, "")
        self.graph = Graph(
            format="keras",
            ops=tuple(self._ops),
            inputs=tuple(inputs),
            outputs=tuple(known[id(tensor)] for tensor in outputs),
            constants=self._constants,
            problems=self._problems,
        )
        self._last = last_readers(self.graph)

    def _declare(self, known: Dict[int, str], name: str, tensor: Any) -> None:
        known[id(tensor)] = name
        self._dtypes[name] = str(getattr(tensor.dtype, "name", tensor.dtype))
        self.shapes[name] = tuple(tensor.shape)

    def _walk(self, model: Any, known: Dict[int, str], prefix: str) -> None:
        """Take down a model's calls in execution order; ``known`` names its tensors."""
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for one in model._nodes_by_depth[depth]:
                node = self._node(one)
                if node.inputs and all(id(tensor) in known for tensor in node.inputs):
                    self._take(node, known, prefix)

    def _take(self, node: Node, known: Dict[int, str], prefix: str) -> None:
        operation = node.operation
        inner = self._functional(operation)
        if inner is None:
            self._op(operation, node, known, prefix)
            return
        arguments = [known[id(tensor)] for tensor in node.inputs]
        inside = {id(tensor): name for tensor, name in zip(inner.inputs, arguments)}
        self._walk(inner, inside, f"{prefix}{operation.name}/")
        for tensor, made in zip(node.outputs, inner.outputs):
            known[id(tensor)] = inside[id(made)]

    def _op(self, operation: Any, node: Node, known: Dict[int, str], prefix: str) -> None:
        index = len(self._ops)
        name = self._names.take(prefix + operation.name)
        made = outputs_of(name, len(node.outputs))
        data = [
            known[id(one)] if id(one) in known else self._constant(f"{name}/constant", one)
            for one in node.arguments()
            if hasattr(one, "shape")
        ]
        inputs = (*data, *(self._weight(weight) for weight in _weights(operation)))
        attributes = {**_attributes(operation), **_keywords(node.keywords)}
        if isinstance(operation, self._keras.Model) or _sublayers(operation):
            self._problems[index] = _OPAQUE.format(operation.name)
        kind = type(operation).__name__
        self._ops.append(Op(index, name, kind, inputs, made, attributes))
        symbols = {id(tensor): known[id(tensor)] for tensor in node.inputs}
        self._calls.append(Call(node, symbols))
        for output, tensor in zip(made, node.outputs):
            self._declare(known, output, tensor)

    def _weight(self, weight: Any) -> str:
        """The constant's name; a layer that is called twice has one."""
        if id(weight) not in self._weights:
            path = str(getattr(weight, "path", weight.name))
            self._weights[id(weight)] = self._constant(path, weight)
        return self._weights[id(weight)]

    def _constant(self, wanted: str, value: Any) -> str:
        name = self._names.take(wanted)
        self._constants[name] = self._array(value)
        return name

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Call operation after operation."""
        values = {name: self._tensor(name, feeds[name]) for name in self.graph.inputs}
        for op in self.graph.ops:
            for name, value in self._called(op, values).items():
                values[name] = value
                yield name, self._array(value)
            for name in self._last.get(op.index, ()):
                values.pop(name, None)

    def run_op(self, op: Op, feeds: Feeds) -> Dict[str, np.ndarray]:
        """One operation by itself."""
        values = {name: self._tensor(name, array) for name, array in feeds.items()}
        return {name: self._array(one) for name, one in self._called(op, values).items()}

    def _called(self, op: Op, values: Dict[str, Any]) -> Dict[str, Any]:
        node, tensors = self._calls[op.index]
        args, kwargs = node.filled({number: values[name] for number, name in tensors.items()})
        with self._evaluating():
            made = node.operation(*args, **{**kwargs, **node.in_evaluation()})
        return dict(zip(op.outputs, self._flat(made)))

    def _evaluating(self) -> Any:
        if self._keras.backend.backend() == "torch":
            import torch

            return torch.no_grad()
        return contextlib.nullcontext()

    def _tensor(self, name: str, array: np.ndarray) -> Any:
        return self._keras.ops.convert_to_tensor(array, dtype=self._dtypes.get(name))

    def _array(self, value: Any) -> np.ndarray:
        array = np.asarray(self._numpy(value))
        return array if array.dtype.kind != "V" else array.astype(np.float32)  # bfloat16

    # What is another in Keras 2, see ``keras2_graph``.

    def _node(self, node: Any) -> Node:
        return Node(self._keras, node)

    def _flat(self, made: Any) -> List[Any]:
        return list(self._keras.tree.flatten(made))

    def _numpy(self, value: Any) -> Any:
        return self._keras.ops.convert_to_numpy(value)

    def _functional(self, model: Any) -> Optional[Any]:
        return functional(model, "keras")


def functional(model: Any, own: str) -> Optional[Any]:
    """The functional graph of a model: its own, or a sequential model's; None for other things.

    A class with a ``call`` of its own, which is not in ``own``'s modules, runs that, whatever graph
    it was made with.
    """
    inner = getattr(model, "_functional", None) or model
    home = str(getattr(getattr(type(model), "call", None), "__module__", ""))
    is_graph = bool(getattr(inner, "_nodes_by_depth", None))
    return inner if is_graph and (home + ".").startswith(own + ".") else None


def _weights(operation: Any) -> Sequence[Any]:
    return getattr(operation, "weights", ())


def _sublayers(operation: Any) -> bool:
    """Whether it holds layers that hold weights; an activation layer inside of one is no news."""
    flatten = getattr(operation, "_flatten_layers", None)
    inner = flatten(include_self=False, recursive=False) if flatten is not None else ()
    return any(_weights(one) for one in inner)


def _attributes(operation: Any) -> Dict[str, Any]:
    """A layer's configuration, or what an op was made with: numbers, texts and tuples of them."""
    try:
        given = operation.get_config() if hasattr(operation, "weights") else vars(operation)
    except Exception:  # a class without a configuration still has a place in the graph
        given = {}
    return _keywords({name: one for name, one in given.items() if not name.startswith("_")})


def _keywords(given: Dict[str, Any]) -> Dict[str, Any]:
    return {
        name: plain(value)
        for name, value in given.items()
        if name not in _SETTINGS and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, np.generic))
