"""An adapter whose work is done in a worker; to whoever holds it, an adapter like any other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from parity import runtimes
from parity.isolation.launch import Launch
from parity.isolation.worker import Worker, owned
from parity.runtimes.contract import (
    Adapter,
    AdapterError,
    Artifact,
    Feeds,
    Graph,
    Heads,
    TensorSpec,
)

_NUMBERS = itertools.count(1)
_CLOSED = "the runtime has been closed"


class IsolatedAdapter(Adapter):
    """One artifact, open in a worker. What it raises is what the adapter there has raised.

    When the worker is lost every method raises ``AdapterError`` with the code ``worker-lost`` (how,
    doing, output), ``timed-out`` (seconds, doing, output) or ``out-of-memory`` (limit, found,
    doing, output). Heads own their memory; all other tensors are read-only views of shared memory,
    valid as long as somebody holds them.
    """

    def __init__(self, worker: Worker, kind: str, artifact: Artifact) -> None:
        self.kind = kind
        self.artifact = artifact
        self._worker = worker
        self._number = next(_NUMBERS)
        self._closed = False
        worker.hold()
        try:
            self._specs: tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]
            self._specs = worker.ask("open", self._number, [kind, artifact])["is"]
        except AdapterError as error:
            worker.leave()
            if error.code == "unknown-kind" and worker.launch.foreign:
                raise AdapterError(
                    error.code, **{**error.facts, "provider": runtimes.provider(kind)}
                ) from error
            raise
        except BaseException:
            worker.leave()
            raise

    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, in the artifact's order."""
        return self._specs[0]

    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs as declared, or as the last run has shown them."""
        return self._specs[1]

    def run(self, feeds: Feeds) -> Heads:
        """All outputs by name for one batch of raw inputs."""
        return owned(self._ask("run", _arrays(feeds)))

    def graph(self, example: Feeds | None = None) -> Graph:
        """The network as data, see ``Adapter``."""
        found: Graph = self._ask("graph", None if example is None else _arrays(example))
        return found

    def trace(self, feeds: Feeds) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
        """Every tensor that the graph's ops make, in execution order."""
        self._check()
        yield from self._worker.stream("trace", self._number, [_arrays(feeds)])

    def stream(self, feeds: Feeds, *which: Any) -> Iterator[tuple[Any, np.ndarray[Any, Any]]]:
        """Run once, then tensors one at a time, for runtimes of files (see their adapters)."""
        self._check()
        yield from self._worker.stream("stream", self._number, [_arrays(feeds), *which])

    def replay(
        self, feeds: Mapping[int, Feeds]
    ) -> dict[int, dict[str, np.ndarray[Any, Any]] | str]:
        """Single ops by index on their non-constant inputs."""
        found: dict[int, dict[str, np.ndarray[Any, Any]] | str]
        found = self._ask("replay", {index: _arrays(given) for index, given in feeds.items()})
        return found

    def identity(self) -> dict[str, Any]:
        """Library, version, threads, device; and that it runs apart."""
        found: dict[str, Any] = self._ask("identity")
        return {**found, "isolated": True}

    def check_applied(self) -> None:
        """Raise where the options ask for what does not run, see ``Adapter``."""
        self._ask("check_applied")

    def notes(self) -> tuple[str, ...]:
        """What whoever reads the results should know, see ``Adapter``."""
        found: tuple[str, ...] = self._ask("notes")
        return found

    def close(self) -> None:
        """Release what the library holds; the worker's last adapter ends it."""
        if self._closed:
            return
        self._closed = True
        self._worker.release(self._number)

    def _ask(self, name: str, *given: Any) -> Any:
        self._check()
        answer = self._worker.ask(name, self._number, given)
        if answer.get("specs") is not None:
            self._specs = self._worker.unpacked(answer["specs"])
        return answer["is"]

    def _check(self) -> None:
        if self._closed:
            raise AdapterError("run-failed", reason=_CLOSED)


class Workplace:
    """Where the artifacts of one runtime are opened: one worker for all, there while one is open.

    A worker that was lost is not started anew: what comes after fails for the same reason.
    """

    def __init__(self, launch: Launch, kind: str) -> None:
        self._launch = launch
        self._kind = kind
        self._worker: Worker | None = None

    def open(self, artifact: Artifact) -> IsolatedAdapter:
        """One more artifact. Raises ``AdapterError``."""
        if self._worker is None or self._worker.ended:
            self._worker = Worker(self._launch)
        with self._worker as worker:
            return IsolatedAdapter(worker, self._kind, artifact)


def _arrays(feeds: Feeds) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.asarray(array) for name, array in feeds.items()}
