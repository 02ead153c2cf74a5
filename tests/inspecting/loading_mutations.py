"""Mutated model files through a load in an isolated runtime, each kind in a worker of its own.

A worker is used again for as long as it lives: it is lost by a crash, a hang or too much memory,
and now and then ended, so that what a library leaks is not taken for what a file costs.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mutating import Sample

from parity.isolation import IsolatedAdapter, Launch, Worker
from parity.runtimes.contract import LOST, AdapterError, Artifact
from parity.session.failures import typed
from parity.suite import RuntimeTable

SECONDS = 20.0  # an adapter may take so long to open a file, once its library is imported
MEMORY = 2 * 2**30
_USES = 150  # files that one worker opens at most
_KINDS = {
    ".onnx": "onnxruntime", ".tflite": "tflite", ".h5": "keras", ".keras": "keras",
    ".pth": "torch", ".pt": "torch", ".pt2": "torch", ".safetensors": "torch", ".pb": "savedmodel",
    ".index": "savedmodel",
}  # fmt: skip
_SOUND = ("net.onnx", "full.tflite", "net.keras", "script.pt", "saved/saved_model.pb")
_KEPT = ("__pycache__", ".cache", ".config", ".keras")
FACTORY = """import torch


def build():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4))
"""


@dataclass
class Found:
    """How often each class was seen, what must not be, seconds a kind, workers that were needed."""

    classes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)
    workers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


class _Launch(Launch):
    """Less patient than a suite's."""

    @property
    def patience(self) -> float:
        return SECONDS


class _Workers:
    """One worker a kind; a new one after the loss of the old one, or when it is worn."""

    def __init__(self, found: Found, sound: Mapping[str, Sample]) -> None:
        self._found = found
        self._sound = sound
        self._held: dict[str, tuple[Worker, contextlib.ExitStack]] = {}
        self._used: Counter[str] = Counter()

    def worker(self, kind: str) -> Worker:
        if self._used[kind] >= _USES:
            self.end(kind)
        if kind not in self._held:
            stack = contextlib.ExitStack()
            worker = stack.enter_context(Worker(Launch("fuzzed", memory=MEMORY)))
            IsolatedAdapter(worker, kind, artifact(self._sound[kind])).close()
            worker.launch = _Launch("fuzzed", timeout=SECONDS, memory=MEMORY)
            self._held[kind] = worker, stack
            self._found.workers[kind] += 1
        self._used[kind] += 1
        return self._held[kind][0]

    def end(self, kind: str) -> None:
        self._used[kind] = 0
        if kind in self._held:
            self._held.pop(kind)[1].close()

    def end_all(self) -> None:
        for kind in list(self._held):
            self.end(kind)


def load(
    models: Path, samples: Iterable[Sample], watched: Mapping[str, Path], canary: Path
) -> Found:
    """Load every sample; ``watched`` are folders in which nothing may appear but by this run.

    ``samples`` are taken by kind, so that one framework is in memory at a time. Each worker first
    imports its library with a sound file of ``models``.
    """
    found = Found()
    sound = {_KINDS[Path(name).suffix]: Sample(models / name, name) for name in _SOUND}
    workers = _Workers(found, sound)
    by_kind: dict[str, list[Sample]] = {}
    for sample in samples:
        by_kind.setdefault(_KINDS[sample.path.suffix], []).append(sample)
    try:
        for kind, some in by_kind.items():
            started = time.perf_counter()
            for sample in some:
                _one(kind, sample, workers, found, watched, canary)
            workers.end_all()
            found.seconds[kind] = round(time.perf_counter() - started)
    finally:
        workers.end_all()
    return found


def _one(
    kind: str,
    sample: Sample,
    workers: _Workers,
    found: Found,
    watched: Mapping[str, Path],
    canary: Path,
) -> None:
    before = {name: set(_files(folder)) for name, folder in watched.items()}
    own = set(_files(sample.path.parent))
    started = time.perf_counter()
    said = _attempt(kind, sample, workers)
    if said.startswith("out-of-memory"):  # by this file, or by those before it
        said = _attempt(kind, sample, workers)
    found.slowest = max(found.slowest, time.perf_counter() - started)
    found.classes[f"{Path(sample.source).name}: {said}"] += 1
    if said.startswith("?"):
        found.wrong.append(f"{sample.path}: {said}")
    if canary.exists():
        found.wrong.append(f"{sample.path}: code was run")
        canary.unlink()
    made = set(_files(sample.path.parent)) - own
    for name, folder in watched.items():
        made |= set(_files(folder)) - before[name]
    if made:
        found.wrong.append(f"{sample.path}: files were made: {sorted(made)}")


def artifact(sample: Sample) -> Artifact:
    """What a suite would name: the file, or a factory with the file as its weights."""
    path = sample.looked_at
    if path.suffix in (".pth", ".safetensors"):
        return Artifact("net:build", weights=str(path), folder=str(path.parents[1]))
    return Artifact(str(path))


def _attempt(kind: str, sample: Sample, workers: _Workers) -> str:
    """The class of one load: "loads", or the name of the typed error that a suite would show."""
    try:
        IsolatedAdapter(workers.worker(kind), kind, artifact(sample)).close()
    except AdapterError as error:
        if error.code in LOST:
            workers.end(kind)
        if error.code == "run-failed":  # no adapter raises that while it opens a file
            return f"? {error.facts['reason']}"
        return f"{error.code}: {_typed(kind, error)}"
    return "loads"


def _typed(kind: str, error: AdapterError) -> str:
    runtime: Any = SimpleNamespace(name="fuzzed", table=RuntimeTable(kind=kind, model="file"))
    return type(typed(runtime, error)).__name__


def _files(folder: Path) -> Iterator[Path]:
    """Everything below a folder but what libraries keep there whatever they load."""
    for one in folder.rglob("*"):
        if not any(part in _KEPT or part.startswith("parity-worker-") for part in one.parts):
            yield one
