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

from collections.abc import Mapping

import numpy as np

from parity.layers.expected.integer_weights import IntegerWeights, Twin, distance
from parity.layers.graph.semantics import dialect_of, op_type, operands
from parity.layers.numbers.rounding import (
    dynamic,
    saturated,
)
from parity.layers.subjects.cutting import shapes_of
from parity.layers.subjects.file_subject import FileSubject, Shapes
from parity.layers.subjects.open_cuts import OpenCut, OpenCuts, key_of
from parity.layers.subjects.refusals import halved
from parity.layers.subjects.subject import OpFeeds
from parity.runtimes.contract import Op
from parity.tensors import Array


class Expectation:
    """The expected error of quantised ops; sessions stay open from one image to the next.

    ``weights`` are the reference's floats, as ``IntegerWeights`` takes them.
    """

    def __init__(self, subject: FileSubject, weights: OpFeeds | None = None) -> None:
        self._subject = subject
        self.weights = IntegerWeights(subject.graph, weights or {})
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

    def close(self) -> None:
        """Release the sessions."""
        self._cuts.close()

    def _refusal(self, index: int, given: Mapping[str, Array]) -> str | None:
        arrays = {name: np.asarray(one) for name, one in given.items()}
        return self._subject.refusal(index, arrays)

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
        return any(grids) or any(self.weights.stored(name) is not None for name in op.inputs)

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
        floats = {index: self.weights.floats(self._subject.graph.ops[index]) for index in shapes}
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
        hybrid = any(self.weights.stored(name) is not None for name in op.inputs)
        flowing = operands(self._subject.graph, op)  # no scale that another op has computed
        found = {}
        for name, array in given.items():
            grid = self._subject.grid_in(op, name)
            if grid is None and hybrid and name in flowing and array.dtype.kind == "f":
                grid = dynamic(array)
            found[name] = array if grid is None else grid.onto(array)
        return found
