"""A signature of a SavedModel op by op: its variables frozen to constants, its functions inlined.

Each op is run by itself, eagerly, with the attributes of its node, in the graph's own order; so
tracing and replaying are the same code, and a tensor is let go of after its last reader. What only
constants decide is computed once. The deployed signature is one compiled function, in which
TensorFlow may fuse ops: the last bits can differ.

Sources: the TensorFlow API documentation of ConcreteFunction; TensorFlow's own generated op
wrappers for how an op is run under the names of its definition (``tf.raw_ops`` renames some).
"""

from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import numpy as np

from ..contract import Feeds, Graph, Op
from ..shared.tracing import Names, Tracer, last_readers, plain

_ALIASES = ("Identity", "StopGradient", "Snapshot", "PreventGradient", "EnsureShape")
_NOT_OPS = ("Const", "Placeholder", "NoOp", "Assert")
_FLOW = ("If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
# How an op's definition calls an output that is kept for its gradient. In inference no kernel need
# write it: without oneDNN, those of FusedBatchNormV3 are whatever was in memory.
_RESERVED = ("reserve_space", "host_reserved")
_CONTROL = "control flow ({}) is run as one op; what is inside of it is not looked at"
_WHOLE = "{} is run as one op; what is inside of it is not looked at"
_TEXT = "{} makes text, which is not compared"
_HANDLE = "{} makes a {}, not numbers"


class SavedModelTracer(Tracer):
    """A frozen signature; ``inputs`` and ``outputs`` name its tensors as the signature does."""

    def __init__(self, tf: Any, function: Any) -> None:
        from tensorflow.python.framework import convert_to_constants

        self._tf = tf
        self._frozen = convert_to_constants.convert_variables_to_constants_v2(
            function, lower_control_flow=False
        )
        self._nodes: List[Any] = []
        self._ops: List[Op] = []
        self._problems: Dict[int, str] = {}
        self._values: Dict[str, Any] = {}  # constants, as TensorFlow holds them
        self._known: Dict[str, str] = {}  # a graph tensor's own name ("conv:0") → ours
        self._cut: Dict[str, Any] = {}
        self._dtypes: Dict[str, Any] = {}
        self.shapes: Dict[str, Any] = {}
        self._names = Names()
        inputs = self._bind_inputs(function)
        for node in self._frozen.graph.get_operations():
            self._take(node)
        outputs = tuple(self._known[tensor.name] for tensor in self._ordered_outputs(function))
        self.graph = Graph(
            format="savedmodel",
            ops=tuple(self._ops),
            inputs=inputs,
            outputs=outputs,
            constants=self._constants(),
            problems=self._problems,
        )
        self._last = last_readers(self.graph)

    def _bind_inputs(self, function: Any) -> Tuple[str, ...]:
        names = tuple(function.structured_input_signature[1])
        for name, tensor in zip(sorted(names), self._frozen.inputs):
            self._known[tensor.name] = self._names.take(name)
            self._declare(name, tensor)
        return names

    def _declare(self, name: str, tensor: Any) -> None:
        self._dtypes[name] = tensor.dtype
        if tensor.shape.rank is not None:
            self.shapes[name] = tensor.shape.as_list()

    def _ordered_outputs(self, function: Any) -> List[Any]:
        """The frozen outputs, which are sorted by name, in the signature's own order."""
        by_name = dict(zip(sorted(function.structured_outputs), self._frozen.outputs))
        return [by_name[name] for name in sorted(function.structured_outputs)]

    def _take(self, node: Any) -> None:
        """One node: a constant, an alias, or an op."""
        if node.type == "Const":
            self._hold(node, [self._tf.make_ndarray(node.get_attr("value"))])
        elif node.type in _ALIASES:
            self._known[node.outputs[0].name] = self._known[node.inputs[0].name]
        elif node.type not in _NOT_OPS and node.outputs:
            inputs = tuple(self._known[tensor.name] for tensor in node.inputs)
            if not self._folded(node, inputs):
                self._op(node, inputs)

    def _hold(self, node: Any, values: Sequence[Any]) -> None:
        for tensor, value in zip(node.outputs, values):
            name = self._named(node, tensor)
            self._values[name] = self._tf.constant(value) if node.type == "Const" else value

    def _named(self, node: Any, tensor: Any) -> str:
        name = node.name if len(node.outputs) == 1 else tensor.name
        self._known[tensor.name] = self._names.take(name)
        return self._known[tensor.name]

    def _folded(self, node: Any, inputs: Tuple[str, ...]) -> bool:
        """Whether only constants decide it; then it is computed here."""
        stateful = node.op_def.is_stateful or node.type in _FLOW + _CALLS
        if stateful or not inputs or any(name not in self._values for name in inputs):
            return False
        self._hold(node, self._alone(node, [self._values[name] for name in inputs]))
        return True

    def _op(self, node: Any, inputs: Tuple[str, ...]) -> None:
        index = len(self._ops)
        written = self._written(node)
        outputs = tuple(self._named(node, tensor) for tensor in written)
        for name, tensor in zip(outputs, written):
            self._declare(name, tensor)
            if tensor.dtype == self._tf.string:
                self._problems[index] = _TEXT.format(node.type)
            elif tensor.dtype in (self._tf.resource, self._tf.variant):
                self._problems[index] = _HANDLE.format(node.type, tensor.dtype.name)
        if node.type in _FLOW:
            self._problems[index] = _CONTROL.format(node.type)
        elif node.type in _CALLS:
            self._problems[index] = _WHOLE.format(node.type)
        attributes = {name: self._plain(node, name) for name in node.node_def.attr}
        attributes = {name: value for name, value in attributes.items() if name[:1] != "_"}
        self._nodes.append(node)
        self._ops.append(Op(index, node.name, node.type, inputs, outputs, attributes))

    def _written(self, node: Any) -> List[Any]:
        """An op's outputs but for those at the end that are reserved and that nobody reads."""
        written, names = list(node.outputs), [one.name for one in node.op_def.output_arg]
        if len(names) != len(written):  # one of them is a list of tensors
            return written
        while written and names[len(written) - 1].startswith(_RESERVED):
            if self._is_read(written[-1]):
                break
            written.pop()
        return written

    def _is_read(self, tensor: Any) -> bool:
        return bool(tensor.consumers()) or tensor.name in {one.name for one in self._frozen.outputs}

    def _plain(self, node: Any, name: str) -> Any:
        value = node.get_attr(name)
        return value.name if hasattr(value, "as_numpy_dtype") else plain(value)

    def _constants(self) -> Dict[str, np.ndarray]:
        """What the ops read, and what a head is, where only constants decide it."""
        read = {name for op in self._ops for name in op.inputs}
        return {
            name: value.numpy()
            for name, value in self._values.items()
            if name in read and value.dtype != self._tf.string
        }

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Run op after op."""
        values = dict(self._values)
        values.update({name: self._tensor(name, feeds[name]) for name in self.graph.inputs})
        for op in self.graph.ops:
            for name, value in self._run(op, values).items():
                values[name] = value
                if self._numeric(name):
                    yield name, _array(value)
            for name in self._last.get(op.index, ()):
                values.pop(name, None)

    def run_op(self, op: Op, feeds: Feeds) -> Dict[str, np.ndarray]:
        """One op by itself."""
        values = {**self._values, **{name: self._tensor(name, feeds[name]) for name in feeds}}
        made = self._run(op, values)
        return {name: _array(value) for name, value in made.items() if self._numeric(name)}

    def _numeric(self, name: str) -> bool:
        tf = self._tf
        return self._dtypes[name] not in (tf.string, tf.resource, tf.variant)

    def _tensor(self, name: str, array: np.ndarray) -> Any:
        wanted = self._dtypes[name]
        return self._tf.constant(np.asarray(array).astype(wanted.as_numpy_dtype))

    def _run(self, op: Op, values: Mapping[str, Any]) -> Dict[str, Any]:
        node = self._nodes[op.index]
        arguments = [values[name] for name in op.inputs]
        return dict(zip(op.outputs, self._alone(node, arguments)))

    def _alone(self, node: Any, arguments: Sequence[Any]) -> Sequence[Any]:
        """An op's outputs on these inputs, by its eager form or, where it has none, cut out."""
        if node.name not in self._cut:
            try:
                return self._eager(node, arguments)
            except TypeError:  # an attribute that has no eager form, as a function
                self._cut[node.name] = self._frozen.prune(list(node.inputs), list(node.outputs))
        return self._cut[node.name](*arguments)  # type: ignore[no-any-return]

    def _eager(self, node: Any, arguments: Sequence[Any]) -> Sequence[Any]:
        from tensorflow.python.eager import context, execute

        attributes: List[Any] = []
        for one in node.op_def.attr:
            attributes += [one.name, self._eager_value(node.get_attr(one.name))]
        made = execute.execute(
            node.type.encode(),
            len(node.outputs),
            inputs=list(arguments),
            attrs=tuple(attributes),
            ctx=context.context(),
        )
        return list(made)

    def _eager_value(self, value: Any) -> Any:
        """An attribute as the eager runtime takes it: types as numbers, shapes as lists."""
        if isinstance(value, list):
            return [self._eager_value(item) for item in value]
        if isinstance(value, self._tf.DType):
            return value.as_datatype_enum
        if hasattr(value, "unknown_rank"):
            return None if value.unknown_rank else [one.size for one in value.dim]
        if isinstance(value, (bool, int, float, bytes, str)):
            return value
        raise TypeError(f"{type(value).__name__} has no eager form")


def _array(value: Any) -> np.ndarray:
    array = np.asarray(value.numpy())
    return array if array.dtype.kind != "V" else array.astype(np.float32)  # bfloat16
