"""How much error an int8 op is entitled to.

The candidate's own op is run twice as a float op: once as it is, and once with its inputs, its
outputs and its weights rounded as a faithful int8 op must round them, to the candidate's own scale
and zero point. The distance of the two is noise that no int8 op avoids. A healthy op's local error
is about that (measured: 1.00 times at the median); a wrong multiplier, a weight that is off, a
per-tensor scale where there should be many, show as a multiple. Both runs have the candidate's
padding, activation and epsilon, so a fault of that kind hides in neither.

The candidate's scale is believed here: whether it fits is judged apart, see ``numbers/ranges.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from parity.layers.graph.semantics import dialect_of, op_type, operands, output_axes
from parity.layers.numbers.rounding import (
    dynamic,
    ideal_step,
    onto,
    saturated,
    simulated,
    square,
    unused,
)
from parity.layers.subjects.cutting import shapes_of
from parity.layers.subjects.file_subject import FileSubject, Shapes
from parity.layers.subjects.open_cuts import OpenCut, OpenCuts, key_of
from parity.layers.subjects.refusals import halved
from parity.layers.subjects.subject import OpFeeds
from parity.runtimes.contract import Op, Quantization
from parity.tensors import Array, dequantize


@dataclass(frozen=True, eq=False)
class Twin:
    """One output of a float op: as it is, and with everything rounded as the int8 op must."""

    exact: Array
    noisy: Array


class Expectation:
    """The expected error of quantised ops; sessions stay open from one image to the next.

    ``weights`` are the reference's floats, by op index and by the candidate's name of the constant,
    in the candidate's layout. Where they are not given, the candidate's own weights take their
    place, and their rounding is drawn at random within half a step (seeded by the op).
    """

    def __init__(self, subject: FileSubject, weights: OpFeeds | None = None) -> None:
        self._subject = subject
        self._weights = weights or {}
        self._cuts = OpenCuts()
        self._refused: dict[int, str] = {}
        self._integers = dialect_of(subject.graph).integers

    def rel_l2(self, feeds: OpFeeds) -> dict[int, float | str]:
        """By op index, the expected error relative to the exact output; or why there is none.

        ``feeds`` are those of ``Subject.replay``: the reference's tensors.
        """
        plain = {index for index in feeds if not self._is_quantised(index)}
        asked = {index: given for index, given in feeds.items() if index not in plain}
        found: dict[int, float | str] = {}
        for index, answer in self.twins(asked).items():
            found[index] = answer if isinstance(answer, str) else distance(answer.values())
        for index in plain:
            found[index] = f"{self._subject.graph.ops[index].kind} has no quantised tensor"
        return {index: found[index] for index in feeds}

    def twins(
        self, feeds: OpFeeds, noisy: OpFeeds | None = None
    ) -> dict[int, dict[str, Twin] | str]:
        """Single ops as float ops: by op index their outputs, exact and rounded; or why not.

        ``noisy``, by default the same as ``feeds``, is what the rounded ones read: so the noise of
        one op can be handed on to the next, through a region of several.
        """
        found: dict[int, dict[str, Twin] | str] = {}
        ready: dict[int, Mapping[str, Array]] = {}
        for index, given in feeds.items():
            reason = self._refused.get(index) or self._refusal(index, given)
            if reason is not None:
                found[index] = reason
            else:
                ready[index] = given
        rounded = {}
        for index in list(ready):
            try:
                rounded[index] = self._inputs(index, (noisy or feeds)[index])
            except ValueError as error:  # NaN and infinity are on no grid
                found[index] = str(error)
                del ready[index]
        found.update(self._run(ready, rounded))
        return {index: found[index] for index in feeds}

    def coarseness(self, index: int) -> float | None:
        """How many times coarser an op's weights are than ideal ones, RMS over channels.

        1 where each channel has a scale of its own. A per-tensor scale hides in ``rel_l2`` as long
        as the quiet channels that it drowns are quiet in the output too; here it does not. Nor does
        a scale that leaves most integers unused, where the scales are computed from the weights
        alone (dynamic quantisation). None for other ops than convolutions and those, and for
        floats.
        """
        op = self._subject.graph.ops[index]
        name = next((one for one in op.inputs if self._stored(one) is not None), "")
        stored = self._stored(name)
        if stored is None:
            return None
        raw, quantization = stored
        axis = self._axis(op, raw.ndim)
        if self._kind(op) in self._integers.dynamic and (
            axis is None or len(quantization.scale) > 1
        ):
            return unused(raw, quantization)
        if axis is None or raw.ndim <= axis:
            return None
        given = self._weights.get(index, {}).get(name)
        exact = dequantize(raw, quantization) if given is None else given
        ideal = ideal_step(exact, raw, quantization, axis).reshape(-1)
        steps = np.broadcast_to(np.asarray(quantization.scale), ideal.shape)[ideal > 0]
        return float(np.sqrt(np.mean((steps / ideal[ideal > 0]) ** 2))) if steps.size else None

    def weight_noise(self, index: int) -> tuple[float, int] | None:
        """How far an op's weight is from its rounded self (relative L2), and its size.

        None where it has none that is stored in integers.
        """
        found = [
            (distance([Twin(exact, noisy)]), exact.size)
            for exact, noisy in self._floats(self._subject.graph.ops[index]).values()
            if exact.ndim > 1
        ]
        return max(found, default=None)

    def close(self) -> None:
        """Release the sessions."""
        self._cuts.close()

    def _refusal(self, index: int, given: Mapping[str, Array]) -> str | None:
        arrays = {name: np.asarray(one) for name, one in given.items()}
        return self._subject.refusal(index, arrays)

    def _axis(self, op: Op, ndim: int) -> int | None:
        """The axis of an op's weight that has a scale for each place; None for one scale in all.

        Where no weight of a file has more than one scale, that is its format, and no layer's fault.
        """
        kind = self._kind(op)
        if kind in self._integers.dynamic:
            return 1 if self._per_column else None
        if kind not in self._integers.per_channel or not self._per_channel:
            return None
        return output_axes(self._subject.graph, op, 1, ndim)[-1]

    @cached_property
    def _per_channel(self) -> bool:
        graph = self._subject.graph
        return any(len(one.scale) > 1 for name, one in graph.quantization.items()
                   if name in graph.constants and graph.constants[name].ndim > 1)  # fmt: skip

    @cached_property
    def _per_column(self) -> bool:
        """Whether dynamic quantisation gave a scale to each column of some dense weight."""
        graph = self._subject.graph
        weights = [
            name
            for op in graph.ops
            if self._kind(op) in self._integers.dynamic
            for name in op.inputs[1:2]
        ]
        return any(len(graph.quantization[name].scale) > 1 for name in weights
                   if name in graph.quantization and graph.constants[name].ndim == 2)  # fmt: skip

    def _kind(self, op: Op) -> str:
        return op_type(self._subject.graph, op)

    def _is_quantised(self, index: int) -> bool:
        """Whether any tensor of an op is; also where that op is not known or cannot be cut."""
        subject = self._subject
        if not 0 <= index < len(subject.graph.ops) or index in subject.graph.problems:
            return True
        op = subject.graph.ops[index]
        grids = [subject.grid_in(op, name) for name in subject.operands(op)]
        grids += [subject.grid_out(op, name) for name in op.outputs if name]
        return any(grids) or any(self._stored(name) is not None for name in op.inputs)

    def _run(self, exact: OpFeeds, noisy: OpFeeds) -> dict[int, dict[str, Twin] | str]:
        """Both float ops of many."""
        kinds = {index: self._kind(self._subject.graph.ops[index]) for index in exact}
        moves = {index for index, kind in kinds.items() if kind in self._integers.converting}
        found: dict[int, dict[str, Twin] | str] = {
            index: self._moved(index, exact[index], noisy[index]) for index in moves
        }

        def run(some: OpFeeds) -> Mapping[int, dict[str, Twin] | str]:
            return self._together(some, {index: noisy[index] for index in some})

        def refuse(index: int, error: Exception) -> str:
            kind = self._subject.graph.ops[index].kind
            self._refused[index] = f"{kind} does not run as a float op: {error}"
            return self._refused[index]

        rest = {index: given for index, given in exact.items() if index not in moves}
        return {**found, **halved(rest, run, refuse)}

    def _moved(
        self, index: int, exact: Mapping[str, Array], noisy: Mapping[str, Array]
    ) -> dict[str, Twin]:
        """QUANTIZE and DEQUANTIZE change nothing but the grid.

        One that takes its scale from the values gives out that scale too; what it gives here are
        real numbers, so it is 1.
        """
        op = self._subject.graph.ops[index]
        output, *others = op.outputs
        (array,), (rounded,) = exact.values(), noisy.values()
        grid = dynamic(rounded) if others else self._subject.grid_out(op, output)
        found = {output: Twin(array, rounded if grid is None else grid.onto(rounded))}
        for name, value in zip(others, (np.float32(1), np.uint8(0)), strict=False):
            found[name] = Twin(np.asarray(value), np.asarray(value))
        return found

    def _together(self, exact: OpFeeds, noisy: OpFeeds) -> dict[int, dict[str, Twin] | str]:
        """Both float ops of some, all in one model."""
        subject, shapes = self._subject, shapes_of(exact)
        first, second = self._cuts.get(key_of(exact), lambda: self._open(shapes))
        clean, rounded = subject.run(first, exact), subject.run(second, noisy)
        return {index: self._twinned(index, clean[index], rounded[index]) for index in exact}

    def _twinned(
        self, index: int, clean: dict[str, Array] | str, rounded: dict[str, Array] | str
    ) -> dict[str, Twin] | str:
        """The outputs of both float ops of one, on the grids of the integer op."""
        if isinstance(clean, str):
            return clean
        if isinstance(rounded, str):
            return rounded
        found = {}
        for name, array in rounded.items():
            grid = self._subject.grid_out(self._subject.graph.ops[index], name)
            found[name] = Twin(clean[name], array)
            if grid is not None:
                found[name] = Twin(saturated(clean[name], grid), grid.onto(array))
        return found

    def _open(self, shapes: Shapes) -> tuple[OpenCut, OpenCut]:
        """The float ops with their exact weights, and with rounded ones."""
        floats = {index: self._floats(self._subject.graph.ops[index]) for index in shapes}
        exact, noisy = (
            {index: {name: pair[side] for name, pair in one.items()}
             for index, one in floats.items()}
            for side in (0, 1)
        )  # fmt: skip
        subject = self._subject
        first = subject.open(subject.cut(shapes, exact))
        return first, subject.open(subject.cut(shapes, noisy))

    def _inputs(self, index: int, given: Mapping[str, Array]) -> dict[str, Array]:
        op = self._subject.graph.ops[index]
        hybrid = any(self._stored(name) is not None for name in op.inputs)
        flowing = operands(self._subject.graph, op)  # no scale that another op has computed
        found = {}
        for name, array in given.items():
            grid = self._subject.grid_in(op, name)
            if grid is None and hybrid and name in flowing and array.dtype.kind == "f":
                grid = dynamic(array)
            found[name] = array if grid is None else grid.onto(array)
        return found

    def _stored(self, name: str) -> tuple[Array, Quantization] | None:
        """A quantised constant as the file has it, also where a DequantizeLinear unpacks it."""
        graph = self._subject.graph
        if name in graph.constants and name not in graph.quantization:
            maker = self._producers.get(name)
            name = maker.inputs[0] if maker is not None else name
        if name in graph.constants and name in graph.quantization:
            return graph.constants[name], graph.quantization[name]
        return None

    @cached_property
    def _producers(self) -> Mapping[str, Op]:
        return self._subject.graph.producers()

    def _floats(self, op: Op) -> dict[str, tuple[Array, Array]]:
        """For each quantised constant of an op: exact floats, and rounded ones."""
        found = {}
        weighing = self._integers.per_channel | self._integers.as_stored
        for name in dict.fromkeys(op.inputs):
            stored = self._stored(name)
            if stored is None:
                continue
            raw, quantization = stored
            given = self._weights.get(op.index, {}).get(name)
            exact = dequantize(raw, quantization) if given is None else given.astype(np.float32)
            noisy = exact
            if raw.dtype.itemsize == 1 and self._kind(op) in weighing:
                step = ideal_step(exact, raw, quantization, self._axis(op, raw.ndim))
                noisy = simulated(exact, step, op.index) if given is None else onto(exact, step)
            found[name] = exact, noisy
        return found


def distance(twins: Iterable[Twin]) -> float:
    """Relative L2 distance over all outputs; of zeros, 0 where nothing differs and else 1."""
    pairs = [(square(one.noisy - one.exact), square(one.exact)) for one in twins]
    error, size = (sum(column) for column in zip(*pairs, strict=True))
    return float(np.sqrt(error / size)) if size else float(error > 0)
