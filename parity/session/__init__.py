"""A runtime that is open: the one place where adapters are driven and their failures get words."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from parity import runtimes
from parity.errors import InputError, RunError, RuntimeFailure, RuntimeMissing
from parity.runtimes.contract import Adapter, AdapterError, Artifact, TensorSpec
from parity.session.failures import typed
from parity.suite import Runtime
from parity.tensors import Arranged, arrange, dequantize


@dataclass(frozen=True, eq=False)
class Outputs:
    """One run's heads by output name, as real numbers, with their specs and the time it took."""

    heads: dict[str, np.ndarray[Any, Any]]
    specs: dict[str, TensorSpec]
    layout: str
    milliseconds: float


def missing(runtime: Runtime) -> str | None:
    """Why this runtime cannot run here because something is not installed; else None."""
    try:
        return runtimes.missing(runtime.table.kind, _options(runtime))
    except AdapterError:
        return None  # an unknown kind is not something to install: opening says what it is


def artifact_paths(runtime: Runtime, folder: Path) -> list[Path]:
    """The files (or folders) that hold the runtime's network."""
    names = [runtime.table.model, runtime.table.weights]
    return [folder / name for name in names if name is not None and ":" not in Path(name).name]


class Session:
    """An open runtime. Raises the typed errors of ``errors.py``, whatever the framework raises."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime = runtime
        self._timeout = runtime.table.timeout
        _refuse_isolation(runtime)
        reason = missing(runtime)
        if reason is not None:
            raise RuntimeMissing(runtime.name, reason)
        try:
            self._adapter = _open(runtime, folder)
            self.inputs = self._adapter.inputs()
        except AdapterError as error:
            raise typed(runtime, error) from error
        if len(self.inputs) != 1:
            names = ", ".join(spec.name for spec in self.inputs) or "none"
            self.close()
            raise InputError(
                runtime.name,
                f"expected a model with one input, found {len(self.inputs)}: {names}. "
                f"Export the detector so that it takes the image alone.",
            )

    @property
    def adapter(self) -> Adapter:
        """The open adapter, for looking at its layers."""
        return self._adapter

    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs as the artifact declares them."""
        return self._adapter.outputs()

    def identity(self) -> dict[str, Any]:
        """Library, version, threads and what else could change a number."""
        return dict(self._adapter.identity())

    def arrange(self, canvas: np.ndarray[Any, Any]) -> Arranged:
        """A prepared image (H, W, 3) in the layout, dtype and quantisation of the input."""
        try:
            return arrange(canvas, self.inputs[0], self.runtime.table.layout)
        except ValueError as error:
            hint = self._stride_hint(canvas)
            raise InputError(self.runtime.name, f"input {error}{hint}") from error

    def _stride_hint(self, canvas: np.ndarray[Any, Any]) -> str:
        """What to say where each image has a size of its own and the input is of one size."""
        recipe, shape = self.runtime.recipe, self.inputs[0].shape
        if recipe.stride is None or shape is None or shape[1:].count(None) > 1:
            return ""
        return (
            f"; preprocess.stride = {recipe.stride} gives each image a size of its own, and this "
            f"input takes only one: remove stride, or export the model with a height and width "
            f"that are free"
        )

    def _fed(self, arranged: Arranged) -> str:
        """What a network was fed that does not declare the size it takes."""
        spec = self.inputs[0]
        if spec.shape is not None and None not in spec.shape[1:]:
            return ""
        shape = ", ".join(map(str, arranged.array.shape))
        return (
            f". It was fed {spec.name} ({shape}), {arranged.array.dtype}, {arranged.layout}; if it "
            f"takes another size, see preprocess.size"
        )

    def run(self, canvas: np.ndarray[Any, Any]) -> Outputs:
        """All heads for one prepared image (H, W, 3) float32."""
        arranged = self.arrange(canvas)
        started = time.perf_counter()
        try:
            raw = self._adapter.run({self.inputs[0].name: arranged.array})
        except AdapterError as error:
            raise typed(self.runtime, error, self._fed(arranged)) from error
        elapsed = time.perf_counter() - started
        if self._timeout is not None and elapsed > self._timeout:
            raise RunError(
                self.runtime.name,
                f"expected an image within timeout = {self._timeout:g} s, found {elapsed:.1f} s",
            )
        specs = {spec.name: spec for spec in self._adapter.outputs()}
        return Outputs(
            heads={name: _real(array, specs.get(name)) for name, array in raw.items()},
            specs={name: spec for name, spec in specs.items() if name in raw},
            layout=arranged.layout,
            milliseconds=elapsed * 1e3,
        )

    def close(self) -> None:
        """Release the runtime."""
        self._adapter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _real(array: np.ndarray[Any, Any], spec: TensorSpec | None) -> np.ndarray[Any, Any]:
    if spec is None or spec.quantization is None:
        return array
    return dequantize(array, spec.quantization)


def _options(runtime: Runtime) -> dict[str, Any]:
    options = dict(runtime.table.options)
    if runtime.table.interpreter is not None:
        options["interpreter"] = runtime.table.interpreter
    return options


def _open(runtime: Runtime, folder: Path) -> Adapter:
    table = runtime.table
    is_reference = ":" in os.path.basename(table.model) and not (folder / table.model).exists()
    artifact = Artifact(
        model=table.model if is_reference else str(folder / table.model),
        weights=None if table.weights is None else str(folder / table.weights),
        folder=str(folder),
        options=_options(runtime),
        trust=table.trust,
    )
    return runtimes.load(table.kind)(artifact)


def _refuse_isolation(runtime: Runtime) -> None:
    asked = [
        name for name in ("requires", "python", "memory_limit") if getattr(runtime.table, name)
    ]
    if asked:
        raise RuntimeFailure(
            runtime.name,
            f"expected a runtime of this Python, found {', '.join(asked)}: this version of parity "
            f"cannot run a runtime in an environment of its own. Remove the keys, or run parity "
            f"inside that environment.",
        )
