"""What the subjects of file formats share: the deployed session, cut models, their sessions."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity import runtimes
from parity.layers.numbers.grids import Grid
from parity.layers.subjects.cutting import Cut, Port
from parity.runtimes import scan
from parity.runtimes.contract import LOST, Adapter, AdapterError, Artifact
from parity.runtimes.graph import Graph, Op
from parity.tensors import Array

Shapes = Mapping[int, Mapping[str, tuple[int, ...]]]
Feeds = Mapping[int, Mapping[str, Array]]
Open = Callable[[Artifact], Adapter]
Answers = dict[int, dict[str, Array] | str]

# Sessions of cut models that stay open. One image needs as many as there are replays for it.
_KEPT = 12


@dataclass(frozen=True, eq=False)
class OpenCut:
    """A cut model and the runtime in which it is open."""

    cut: Cut
    adapter: Adapter


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

    ``grids`` are by tensor name, for quantised activations (see ``quantized.py``). ``open_`` opens
    further artifacts where the runtime itself is open, by default in this process; ``deployed`` is
    the runtime as it is deployed, where it is open already: the subject closes it.
    """

    kind = ""
    suffix = ""
    graph: Graph
    grids: Mapping[str, Grid]

    def __init__(
        self, artifact: Artifact, open_: Open | None = None, deployed: Adapter | None = None
    ) -> None:
        scan.guard(artifact.model, artifact.trust)
        self._open = runtimes.load(self.kind) if open_ is None else open_
        self.artifact = replace(artifact, trust=True)  # from here on, also what is cut out of it
        self._folder = tempfile.TemporaryDirectory(prefix="parity-layers-")
        self._written = 0
        self._deployed = deployed
        self._sessions: OrderedDict[object, OpenCut] = OrderedDict()
        self._refused: dict[object, str] = {}

    @abstractmethod
    def trace(self, feeds: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Every intermediate tensor, see ``Subject``."""

    @abstractmethod
    def cut(self, shapes: Shapes, weights: Feeds | None = None) -> Cut:
        """One model of these ops; of their float twins where ``weights`` are given."""

    @abstractmethod
    def joined(self, indices: Sequence[int], sizes: Mapping[str, tuple[int, ...]]) -> Cut:
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
    def stream(self, adapter: Adapter, feeds: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """One run's outputs by name in the model; each may be valid only until the next run."""

    @abstractmethod
    def script(self) -> Script:
        """How a script runs a model of this format as this one is deployed."""

    def clean(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
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

    def raw(self, adapter: Adapter, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """The graph's inputs as the adapter of the whole model takes them."""
        expected, found = set(self.graph.inputs), set(feeds)
        if expected != found:
            wanted, given = (", ".join(sorted(names)) or "none" for names in (expected, found))
            raise AdapterError("run-failed", reason=f"the inputs are {wanted}; fed were {given}")
        return {
            spec.name: Port(spec.name, tensor, spec.dtype, spec.quantization).stored(feeds[tensor])
            for spec, tensor in zip(adapter.inputs(), self.graph.inputs, strict=True)
        }

    def replay(self, feeds: Feeds) -> Answers:
        """Single ops on given inputs, all in one model, see ``Subject``."""
        answers: Answers = {}
        ready = {}
        for index, given in feeds.items():
            arrays = {name: np.asarray(array) for name, array in given.items()}
            reason = self.refusal(index, arrays) or self._refused.get(_key(index, arrays))
            if reason is not None:
                answers[index] = reason
            else:
                ready[index] = arrays
        answers.update(self._together(ready))
        return {index: answers[index] for index in feeds}

    def operands(self, op: Op) -> tuple[str, ...]:
        """The tensors that an op reads and that are no constants, each once."""
        names = dict.fromkeys(name for name in op.inputs if name)
        return tuple(name for name in names if name not in self.graph.constants)

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

    def _together(self, feeds: Feeds) -> Answers:
        """Run ops in one model; where that fails, halve until those that fail are alone."""
        if not feeds:
            return {}
        try:
            return dict(run(self, self._session(feeds), feeds))
        except Exception as error:  # whatever the library says of one op is that op's answer
            if isinstance(error, AdapterError) and error.code in LOST:
                raise  # the process of the runtime is gone, and that is no op's answer
            if len(feeds) == 1:
                ((index, given),) = feeds.items()
                reason = f"{self.graph.ops[index].kind} does not run alone: {_worded(error)}"
                self._refused[_key(index, given)] = reason
                return {index: reason}
        indices = list(feeds)
        half = len(indices) // 2
        first = {index: feeds[index] for index in indices[:half]}
        second = {index: feeds[index] for index in indices[half:]}
        return {**self._together(first), **self._together(second)}

    def _session(self, feeds: Feeds) -> OpenCut:
        key = frozenset(_key(index, given) for index, given in feeds.items())
        if key not in self._sessions:
            self._sessions[key] = self.open(self.cut(shapes_of(feeds)))
        self._sessions.move_to_end(key)
        while len(self._sessions) > _KEPT:
            self._sessions.popitem(last=False)[1].adapter.close()
        return self._sessions[key]

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
        for opened in self._sessions.values():
            opened.adapter.close()
        self._sessions.clear()
        if self._deployed is not None:
            self._deployed.close()
            self._deployed = None
        self._folder.cleanup()


def shapes_of(feeds: Feeds) -> dict[int, dict[str, tuple[int, ...]]]:
    """The shapes of what ops are fed."""
    return {
        index: {name: array.shape for name, array in given.items()}
        for index, given in feeds.items()
    }


def run(subject: FileSubject, opened: OpenCut, feeds: Feeds) -> Iterator[tuple[int, Any]]:
    """The outputs of each op of a cut model, or why an op could not be fed."""
    raw, unfit = stored(opened.cut, feeds)
    places = {
        port.name: (index, port) for index, ends in opened.cut.ends.items() for port in ends.outputs
    }
    found: dict[int, dict[str, Array]] = {index: {} for index in feeds}
    for name, array in subject.stream(opened.adapter, raw):
        index, port = places[name]
        if index not in unfit:
            value = port.value(array)
            found[index][port.tensor] = value.copy() if value is array else value
    for index, outputs in found.items():
        yield index, unfit.get(index, outputs)


def stored(cut: Cut, feeds: Feeds) -> tuple[dict[str, Array], dict[int, str]]:
    """Feeds as the cut model takes them; and the ops for which they do not fit, which get zeros."""
    raw: dict[str, Array] = {}
    unfit: dict[int, str] = {}
    for index, given in feeds.items():
        ports: Iterable[Port] = cut.ends[index].inputs
        for port in ports:
            try:
                raw[port.name] = port.stored(given[port.tensor])
            except ValueError as error:
                unfit[index] = f"{port.tensor}: {error}"
                raw[port.name] = np.zeros(given[port.tensor].shape, port.dtype)
    return raw, unfit


def _key(index: int, given: Mapping[str, Array]) -> tuple[int, frozenset[Any]]:
    return index, frozenset((name, array.shape) for name, array in given.items())


def _worded(error: Exception) -> str:
    if isinstance(error, AdapterError):
        return str(error.facts.get("reason", error.code))
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
