"""A graph made ready for questions: roles, makers and readers, what is data and what is weight."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from parity.layers.graph.layout import Shape
from parity.layers.graph.roles import LOOK_THROUGH, Role
from parity.layers.graph.semantics import permutation, role, stores
from parity.runtimes.contract import Graph, Op, Quantization
from parity.tensors import Array, dequantize


class View:
    """One graph with the shapes that its tensors had in a run.

    *Data* is what comes from the graph's inputs; shapes and what is computed of them are not.
    """

    def __init__(self, graph: Graph, shapes: Mapping[str, Shape]) -> None:
        self.graph = graph
        self.shapes = dict(shapes)
        self.roles = {op.index: role(graph, op) for op in graph.ops}
        self.producers = graph.producers()
        self.consumers = graph.consumers()
        self.by_index = {op.index: op for op in graph.ops}
        self._constants: dict[str, Array | None] = {}
        self.inputs = tuple(name for name in graph.inputs if name not in graph.constants)
        self.data = self._data()

    def _data(self) -> frozenset[str]:
        data = set(self.inputs)
        for op in self.graph.ops:
            if self.roles[op.index] is not Role.SHAPE and any(one in data for one in op.inputs):
                data.update(name for name in op.outputs if name)
        return frozenset(data)

    def size(self, name: str) -> int:
        """The tensor's number of elements in the run; 0 where the run did not show it."""
        shape = self.shapes.get(name)
        return prod(shape) if shape is not None else 0

    def data_inputs(self, op: Op) -> tuple[str, ...]:
        """The inputs of an op that are data."""
        return tuple(name for name in op.inputs if name in self.data)

    def data_ops(self) -> tuple[Op, ...]:
        """The ops that data flows through, in execution order."""
        return tuple(op for op in self.graph.ops if any(name in self.data for name in op.outputs))

    def constant(self, name: str) -> Array | None:
        """A constant's real values, also behind casts, dequantisation, reshapes and transposes."""
        if name not in self._constants:
            self._constants[name] = self._resolve(name) if name not in self.data else None
        return self._constants[name]

    def _resolve(self, name: str) -> Array | None:
        stored = self.graph.constants.get(name)
        if stored is not None:
            quantization = self.graph.quantization.get(name)
            if quantization is None or stored.dtype.kind not in "iu":
                return stored
            return _real(stored, quantization)
        op = self.producers.get(name)
        if op is None or self.roles[op.index] not in LOOK_THROUGH or not op.inputs:
            return None
        source = self._resolve(op.inputs[0])
        return None if source is None else self._through(op, source)

    def _through(self, op: Op, source: Array) -> Array | None:
        found = self.roles[op.index]
        if found is Role.TRANSPOSE:
            order = permutation(self.graph, op, source.ndim)
            return None if order is None else source.transpose(order)
        if found is Role.RESHAPE:
            shape = self.shapes.get(op.outputs[0])
            return source.reshape(shape) if shape and np.prod(shape) == source.size else source
        if found is Role.QUANTISE and not stores(self.graph, op):
            stored = op.inputs[0] in self.graph.constants
            if stored and op.inputs[0] not in self.graph.quantization:
                return None  # the file does not say the scale of what is stored, or not as one
        return source

    def weight(self, op: Op) -> tuple[int, Array] | None:
        """Where an op's weight is among its inputs, and its real values: the first of rank ≥ 2."""
        for position, name in enumerate(op.inputs):
            if name and name not in self.data:
                value = self.constant(name)
                if value is not None and value.ndim >= 2 and value.dtype.kind in "fiu":
                    return position, value
        return None

    def source(self, op: Op) -> str | None:
        """The data tensor that an op looks through to; None where it is not a look-through op."""
        inputs = self.data_inputs(op)
        if self.roles[op.index] in LOOK_THROUGH and len(inputs) == 1:
            return inputs[0]
        return None

    def climb(self, name: str) -> tuple[str, ...]:
        """From a tensor up through look-through ops: itself first, its root last."""
        chain = [name]
        while (op := self.producers.get(chain[-1])) is not None:
            above = self.source(op)
            if above is None:
                break
            chain.append(above)
        return tuple(chain)

    def root(self, name: str) -> str:
        """The tensor whose values this one holds."""
        return self.climb(name)[-1]

    def opaque(self, name: str) -> bool:
        """Whether the run's numbers of a tensor, or of what it looks through to, say nothing."""
        marked = self.graph.opaque
        return bool(marked) and any(one in marked for one in self.climb(name))

    def quantized(self, name: str) -> bool:
        """Whether the tensor is stored in integers with scale and zero point."""
        return name in self.graph.quantization


def _real(stored: Array, quantization: Quantization) -> Array | None:
    try:
        return dequantize(stored, quantization)
    except ValueError:
        return None
