"""What the subjects of file formats share: the deployed session, cut models, their sessions."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity import runtimes
from parity.layers.graph.semantics import variable_inputs
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.cutting import Cut, Port, Sizes, shapes_of, stored_inputs
from parity.layers.subjects.open_cuts import OpenCut, OpenCuts, key_of, op_key
from parity.layers.subjects.refusals import halved, worded
from parity.layers.subjects.subject import Answers, Feeds, OpFeeds
from parity.runtimes import scan
from parity.runtimes.contract import Adapter, Artifact, Graph, Op, Streaming
from parity.tensors import Array

Shapes = Mapping[int, Sizes]
Open = Callable[[Artifact], Adapter]


@dataclass(frozen=True)
class Script:
    """How a model is run by the runtime's library alone, as it is deployed.

    ``library`` is the line that imports it; ``lines`` run ``model`` and the file's suffix on the
    arrays ``inputs`` by name, and leave the outputs by name in ``found``.
    """

    library: str
    lines: str


class FileSubject(ABC):
    """A network that was read from its file, and whose parts run in the deployed runtime.

    ``grids`` are by tensor name, for quantised activations (see ``expected/``). ``open_`` opens
    further artifacts where the runtime itself is open, by default in this process; ``deployed`` is
    the runtime as it is deployed, where it is open already: the subject closes it.
    """

    inside = ""
    suffix = ""
    steady = False
    graph: Graph
    grids: Mapping[str, Grid]

    def __init__(
        self, artifact: Artifact, open_: Open | None = None, deployed: Adapter | None = None
    ) -> None:
        scan.guard(artifact.model, artifact.trust)
        kind = _runner(self.inside) if deployed is None else deployed.kind
        self._open = runtimes.load(kind) if open_ is None else open_
        self.runner = runtimes.descriptor(kind)
        self.artifact = replace(artifact, trust=True)  # from here on, also what is cut out of it
        self._folder = tempfile.TemporaryDirectory(prefix="parity-layers-")
        self._written = 0
        self._deployed = deployed
        self._cuts = OpenCuts()
        self._refused: dict[object, str] = {}

    @abstractmethod
    def trace(self, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """Every intermediate tensor, see ``Subject``."""

    @abstractmethod
    def cut(self, shapes: Shapes, weights: OpFeeds | None = None) -> Cut:
        """One model of these ops; of their float twins where ``weights`` are given."""

    @abstractmethod
    def joined(self, indices: Sequence[int], sizes: Sizes) -> Cut:
        """One model of these ops as they are connected, with the outputs of the last one.

        ``sizes`` are the shapes of what they read from other ops, by tensor name.
        """

    @abstractmethod
    def grid_in(self, op: Op, name: str) -> Grid | None:
        """The grid to which replaying an op moves this input of it."""

    @abstractmethod
    def grid_out(self, op: Op, name: str) -> Grid | None:
        """The grid on which replaying an op gives this output of it."""

    @abstractmethod
    def stream(self, adapter: Adapter, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """One run's outputs by name in the model; each may be valid only until the next run."""

    def script(self) -> Script:
        """How a script runs a model of this format as this one is deployed."""
        return Script(*self.runner.script) if any(self.runner.script) else self.usual_script()

    @abstractmethod
    def usual_script(self) -> Script:
        """The same with the usual library of the format."""

    def looking(self, option: str, value: Any) -> dict[str, Any]:
        """The deployment's options, with one for looking where the runtime has it."""
        known = option in self.runner.options
        return {**self.artifact.options, **({option: value} if known else {})}

    def clean(self, feeds: Feeds) -> dict[str, Array]:
        """The outputs by tensor name, from the deployed settings, nothing tapped."""
        if self._deployed is None:
            self._deployed = self.opened(self.artifact)
        adapter = self._deployed
        heads = adapter.run(self.raw(adapter, feeds))
        named = dict(zip(heads, self.graph.outputs, strict=True))
        quantization = {spec.name: spec.quantization for spec in adapter.outputs()}
        return {
            tensor: Port(name, tensor, "", quantization.get(name)).value(heads[name])
            for name, tensor in named.items()
        }

    def raw(self, adapter: Adapter, feeds: Feeds) -> dict[str, Array]:
        """The graph's inputs as the adapter of the whole model takes them."""
        return stored_inputs(adapter.inputs(), self.graph.inputs, feeds)

    def replay(self, feeds: OpFeeds) -> Answers:
        """Single ops on given inputs, all in one model, see ``Subject``."""
        answers: Answers = {}
        ready = {}
        for index, given in feeds.items():
            arrays = {name: np.asarray(array) for name, array in given.items()}
            reason = self.refusal(index, arrays) or self._refused.get(op_key(index, arrays))
            if reason is not None:
                answers[index] = reason
            else:
                ready[index] = arrays

        def refuse(index: int, error: Exception) -> str:
            reason = f"{self.graph.ops[index].kind} does not run alone: {worded(error)}"
            self._refused[op_key(index, ready[index])] = reason
            return reason

        answers.update(halved(ready, self._run, refuse))
        return {index: answers[index] for index in feeds}

    def operands(self, op: Op) -> tuple[str, ...]:
        """The tensors that an op reads and that are no constants, each once."""
        return variable_inputs(self.graph, op)

    def refusal(self, index: int, given: Mapping[str, Array]) -> str | None:
        """Why this op cannot run alone on these inputs, as far as it is known beforehand."""
        if not 0 <= index < len(self.graph.ops):
            return f"there is no op {index}"
        op = self.graph.ops[index]
        if index in self.graph.problems:
            return self.graph.problems[index]
        if all(name in self.graph.constants for name in op.outputs if name):
            return f"{op.kind} computes a constant"
        wanted = self.operands(op)
        if set(wanted) != set(given):
            needs, found = (", ".join(map(repr, names)) or "none" for names in (wanted, given))
            return f"the inputs of {op.kind} are {needs}; fed were {found}"
        odd = [name for name, array in given.items() if array.dtype.kind not in "fiub"]
        return f"{op.kind} was fed {odd[0]!r}, which is not numbers" if odd else None

    def _run(self, feeds: OpFeeds) -> Answers:
        (opened,) = self._cuts.get(key_of(feeds), lambda: (self.open(self.cut(shapes_of(feeds))),))
        return self.run(opened, feeds)

    def run(self, opened: OpenCut, feeds: OpFeeds) -> Answers:
        """The outputs of each op of an open cut model, or why an op could not be fed."""
        raw, unfit = opened.cut.stored(feeds)
        ends = {
            port.name: (index, port)
            for index, one in opened.cut.ends.items()
            for port in one.outputs
        }
        found: dict[int, dict[str, Array]] = {index: {} for index in feeds}
        for name, array in self.stream(opened.adapter, raw):
            index, port = ends[name]
            if index not in unfit:
                value = port.value(array)
                found[index][port.tensor] = value.copy() if value is array else value
        return {index: unfit.get(index, outputs) for index, outputs in found.items()}

    def open(self, cut: Cut) -> OpenCut:
        """A cut model in the deployed runtime."""
        return OpenCut(cut, self.load(cut.content, self.artifact.options))

    def load(self, content: bytes, options: Mapping[str, Any]) -> Adapter:
        """A model of this format from memory, as one more artifact for the same adapter."""
        self._written += 1
        path = Path(self._folder.name) / f"{self._written}{self.suffix}"
        path.write_bytes(content)
        return self.opened(replace(self.artifact, model=str(path), options=options))

    def opened(self, artifact: Artifact) -> Adapter:
        """One more adapter, where the runtime itself is: in this process or in its worker."""
        return self._open(artifact)

    def close(self) -> None:
        """Release what is open."""
        self._cuts.close()
        if self._deployed is not None:
            self._deployed.close()
            self._deployed = None
        self._folder.cleanup()


def _runner(inside: str) -> str:
    """The first kind of runtime whose files have this format."""
    return next(one.kind for one in runtimes.descriptors() if one.inside == inside)


def streaming(adapter: Adapter) -> Streaming:
    """An adapter of which it was asked when it was opened that it can do this."""
    assert isinstance(adapter, Streaming), adapter
    return adapter
