"""The weights of an int8 op as floats: exact ones, and rounded as a faithful op must round them.

Beside them, what is to be said of their scales: how coarse they are, and what rounding costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.layers.graph.semantics import dialect_of, op_type, output_axes
from parity.layers.numbers.rounding import ideal_step, onto, simulated, square, unused
from parity.layers.subjects.subject import OpFeeds
from parity.runtimes.contract import Graph, Op, Quantization
from parity.tensors import Array, dequantize


@dataclass(frozen=True, eq=False)
class Twin:
    """A tensor of a float op: as it is, and rounded as the int8 op must."""

    exact: Array
    noisy: Array


class IntegerWeights:
    """The quantised constants of a graph.

    ``given`` are the reference's floats, by op index and by the candidate's name of the constant,
    in the candidate's layout. Where they are not given, the candidate's own weights take their
    place, and their rounding is drawn at random within half a step (seeded by the op).
    """

    def __init__(self, graph: Graph, given: OpFeeds) -> None:
        self._graph = graph
        self._given = given
        self._integers = dialect_of(graph).integers

    def floats(self, op: Op) -> dict[str, tuple[Array, Array]]:
        """For each quantised constant of an op: exact floats, and rounded ones."""
        found = {}
        weighing = self._integers.per_channel | self._integers.as_stored
        for name in dict.fromkeys(op.inputs):
            stored = self.stored(name)
            if stored is None:
                continue
            raw, quantization = stored
            given = self._given.get(op.index, {}).get(name)
            exact = dequantize(raw, quantization) if given is None else given.astype(np.float32)
            noisy = exact
            if raw.dtype.itemsize == 1 and op_type(self._graph, op) in weighing:
                step = ideal_step(exact, raw, quantization, self._axis(op, raw.ndim))
                noisy = simulated(exact, step, op.index) if given is None else onto(exact, step)
            found[name] = exact, noisy
        return found

    def coarseness(self, index: int) -> float | None:
        """How many times coarser an op's weights are than ideal ones, RMS over channels.

        1 where each channel has a scale of its own. A per-tensor scale hides in ``rel_l2`` as long
        as the quiet channels that it drowns are quiet in the output too; here it does not. Nor does
        a scale that leaves most integers unused, where the scales are computed from the weights
        alone (dynamic quantisation). None for other ops than convolutions and those, and for
        floats.
        """
        op = self._graph.ops[index]
        name = next((one for one in op.inputs if self.stored(one) is not None), "")
        stored = self.stored(name)
        if stored is None:
            return None
        raw, quantization = stored
        axis = self._axis(op, raw.ndim)
        if op_type(self._graph, op) in self._integers.dynamic and (
            axis is None or len(quantization.scale) > 1
        ):
            return unused(raw, quantization)
        if axis is None or raw.ndim <= axis:
            return None
        given = self._given.get(index, {}).get(name)
        exact = dequantize(raw, quantization) if given is None else given
        ideal = ideal_step(exact, raw, quantization, axis).reshape(-1)
        steps = np.broadcast_to(np.asarray(quantization.scale), ideal.shape)[ideal > 0]
        return float(np.sqrt(np.mean((steps / ideal[ideal > 0]) ** 2))) if steps.size else None

    def noise(self, index: int) -> tuple[float, int] | None:
        """How far an op's weight is from its rounded self (relative L2), and its size.

        None where it has none that is stored in integers.
        """
        found = [
            (distance([Twin(exact, noisy)]), exact.size)
            for exact, noisy in self.floats(self._graph.ops[index]).values()
            if exact.ndim > 1
        ]
        return max(found, default=None)

    def stored(self, name: str) -> tuple[Array, Quantization] | None:
        """A quantised constant as the file has it, also where a DequantizeLinear unpacks it."""
        graph = self._graph
        if name in graph.constants and name not in graph.quantization:
            maker = self._producers.get(name)
            name = maker.inputs[0] if maker is not None else name
        if name in graph.constants and name in graph.quantization:
            return graph.constants[name], graph.quantization[name]
        return None

    def _axis(self, op: Op, ndim: int) -> int | None:
        """The axis of an op's weight that has a scale for each place; None for one scale in all.

        Where no weight of a file has more than one scale, that is its format, and no layer's fault.
        """
        kind = op_type(self._graph, op)
        if kind in self._integers.dynamic:
            return 1 if self._per_column else None
        if kind not in self._integers.per_channel or not self._per_channel:
            return None
        return output_axes(self._graph, op, 1, ndim)[-1]

    @cached_property
    def _per_channel(self) -> bool:
        graph = self._graph
        return any(len(one.scale) > 1 for name, one in graph.quantization.items()
                   if name in graph.constants and graph.constants[name].ndim > 1)  # fmt: skip

    @cached_property
    def _per_column(self) -> bool:
        """Whether dynamic quantisation gave a scale to each column of some dense weight."""
        graph = self._graph
        weights = [
            name
            for op in graph.ops
            if op_type(self._graph, op) in self._integers.dynamic
            for name in op.inputs[1:2]
        ]
        return any(len(graph.quantization[name].scale) > 1 for name in weights
                   if name in graph.quantization and graph.constants[name].ndim == 2)  # fmt: skip

    @cached_property
    def _producers(self) -> Mapping[str, Op]:
        return self._graph.producers()


def distance(twins: Iterable[Twin]) -> float:
    """Relative L2 distance over all tensors; of zeros, 0 where nothing differs and else 1."""
    pairs = [(square(one.noisy - one.exact), square(one.exact)) for one in twins]
    error, size = (sum(column) for column in zip(*pairs, strict=True))
    return float(np.sqrt(error / size)) if size else float(error > 0)
