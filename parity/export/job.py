"""One artifact being made: its source, opened, and the images that calibrate it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from parity import runtimes
from parity.errors import ExportError
from parity.export.plan import Step
from parity.export.representative import representative
from parity.pipeline import Images, decoder
from parity.runtimes.contract import Adapter, AdapterError, Artifact, Native, TensorSpec
from parity.session import artifact_paths
from parity.session.failures import typed
from parity.suite import Runtime, Suite
from parity.tensors import Array, arrange

INPUT = "image"  # what the one input of a detector is called in formats that name it
ENOUGH = 100  # images, below which ranges are found by luck


@dataclass(eq=False)
class Source:
    """A source that is open: the framework's own network, and what it takes and gives.

    ``example`` is the suite's first image as the network takes it. ``names`` are the outputs'
    names in their order: their own, or where they only have numbers those of the heads that the
    suite binds. ``kept`` is for what several exporters make of the same network.
    """

    adapter: Adapter
    network: Any
    input: TensorSpec
    example: Array
    names: tuple[str, ...]
    kept: dict[Any, Any] = field(default_factory=dict)


class Sources:
    """The sources of one run, each opened once."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._images = Images(suite)
        self._open: dict[str, Source] = {}

    def open(self, runtime: Runtime) -> Source:
        """Open the runtime's artifact; what keeps it from opening is a ``RuntimeFailure``."""
        if runtime.name not in self._open:
            try:
                self._open[runtime.name] = self._opened(runtime)
            except AdapterError as error:
                raise typed(runtime, error) from error
        return self._open[runtime.name]

    def _opened(self, runtime: Runtime) -> Source:
        table, folder = runtime.table, self._suite.folder
        factory = table.weights is not None
        adapter = runtimes.load(table.kind)(
            Artifact(
                model=table.model if factory else str(folder / table.model),
                weights=str(folder / table.weights) if table.weights is not None else None,
                folder=str(folder),
                options=table.options,
                trust=table.trust,
            )
        )
        inputs = adapter.inputs()
        if len(inputs) != 1:
            raise ExportError(
                runtime.name, f"expected a network with one input, found {len(inputs)}"
            )
        prepared = self._images.prepared(self._suite.images[0], runtime.recipe)
        try:
            example = arrange(prepared.canvas, inputs[0], table.layout).array
        except ValueError as error:
            raise ExportError(runtime.name, str(error)) from error
        names = self._names(runtime, adapter, {inputs[0].name: example})
        network = adapter.native() if isinstance(adapter, Native) else None
        return Source(adapter, network, inputs[0], example, names)

    def _names(
        self, runtime: Runtime, adapter: Adapter, feeds: dict[str, Array]
    ) -> tuple[str, ...]:
        declared = tuple(spec.name for spec in adapter.outputs())
        if declared and not any(name.isdigit() for name in declared):
            return declared
        heads = adapter.run(feeds)
        roles = {name: role for role, name in decoder(self._suite, runtime).bind(heads).items()}
        found = [roles.get(name, name) for name in heads]
        return tuple(f"output_{name}" if name.isdigit() else name for name in found)

    def close(self) -> None:
        """Release everything."""
        for source in self._open.values():
            source.adapter.close()
        self._open.clear()


@dataclass(eq=False)
class Job:
    """What an exporter is given. ``source`` is the runtime whose artifact it starts from."""

    suite: Suite
    step: Step
    source: Runtime
    sources: Sources
    used: int = 0

    @property
    def runtime(self) -> Runtime:
        """The runtime whose artifact is made."""
        return self.suite.runtimes[self.step.name]

    @property
    def label(self) -> str:
        """The method, for messages."""
        return f"method = {self.step.table.method!r}"

    @cached_property
    def source_path(self) -> Path:
        """The source's file; for a torch state dict that file."""
        return artifact_paths(self.source, self.suite.folder)[-1]

    def open(self) -> Source:
        """The source, open."""
        return self.sources.open(self.source)

    def feeds(self) -> Callable[[], Iterator[Array]]:
        """The representative images as the source's network takes them, anew at each call.

        They are prepared by the recipe of the runtime that is made. ``used`` counts them.
        """
        images = representative(self.suite, self.runtime)
        spec, layout = self.open().input, self.source.table.layout

        def every() -> Iterator[Array]:
            self.used = 0
            for canvas in images():
                try:
                    array = arrange(canvas, spec, layout).array
                except ValueError as error:
                    raise ExportError(self.step.name, str(error)) from error
                self.used += 1
                yield array

        return every

    def calibration_notes(self) -> tuple[str, ...]:
        """What to say about the number of representative images."""
        if self.used >= ENOUGH:
            return ()
        return (
            f"calibrated on {self.used} representative images: ranges that are found on fewer than "
            f"{ENOUGH} clip what they have not seen",
        )
