"""A runtime that is open: the one place where adapters are driven and their failures get words."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from parity import runtimes
from parity.errors import (
    ArtifactError,
    InputError,
    OptionError,
    RunError,
    RuntimeFailure,
    RuntimeMissing,
    UntrustedError,
)
from parity.runtimes.contract import Adapter, AdapterError, Artifact, TensorSpec
from parity.suite import Runtime
from parity.suite.problems import unknown_name
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
            raise typed(runtime.name, error) from error
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
            raise InputError(self.runtime.name, f"{error}{self._stride_hint(canvas)}") from error

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

    def _layout_hint(self) -> str:
        """What to say where a network of torch, whose images are NCHW by custom, did not run."""
        table = self.runtime.table
        if table.kind != "torch" or table.layout != "NHWC":
            return ""
        return f"; layout = 'NHWC' is declared under [runtimes.{self.runtime.name}]: is it NCHW?"

    def run(self, canvas: np.ndarray[Any, Any]) -> Outputs:
        """All heads for one prepared image (H, W, 3) float32."""
        arranged = self.arrange(canvas)
        started = time.perf_counter()
        try:
            raw = self._adapter.run({self.inputs[0].name: arranged.array})
        except AdapterError as error:
            if error.code == "run-failed":
                error.facts["reason"] = f"{error.facts['reason']}{self._layout_hint()}"
            raise typed(self.runtime.name, error) from error
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


def typed(runtime: str, error: AdapterError) -> RuntimeFailure:
    """An adapter's code and facts as the typed error with its message."""
    build = _ERRORS.get(error.code, _unforeseen)
    return build(runtime, error.facts | {"code": error.code})


Facts = Mapping[str, Any]


def _unforeseen(runtime: str, facts: Facts) -> RuntimeFailure:
    rest = ", ".join(f"{key} = {value}" for key, value in facts.items() if key != "code")
    return RuntimeFailure(runtime, f"{facts['code']}: {rest}")


def _missing_library(runtime: str, facts: Facts) -> RuntimeFailure:
    return RuntimeMissing(runtime, f"{facts['reason']}")


def _missing_file(runtime: str, facts: Facts) -> RuntimeFailure:
    return ArtifactError(
        runtime,
        f"expected a model file at {facts['path']}, found nothing. "
        f"Export it (parity export SUITE) or correct the path in parity.toml.",
    )


def _not_loadable(runtime: str, facts: Facts) -> RuntimeFailure:
    found, reason = str(facts["found"]), str(facts.get("reason", ""))
    if found in str(facts["expected"]):
        found = "one that does not load"
    if reason and not reason.startswith(f"the file is {found}"):
        found += f": {reason}"
    return ArtifactError(
        runtime,
        f"expected {facts['expected']} at {facts['path']}, found {found}. "
        f"Correct kind or model in parity.toml, or export it again (parity export SUITE).",
    )


def _missing_weights(runtime: str, facts: Facts) -> RuntimeFailure:
    lines = []
    for key, words in (
        ("missing", "missing from the file"),
        ("unexpected", "not in the network"),
        ("mismatched", "of another shape"),
    ):
        names = [str(name) for name in facts.get(key, ())]
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            lines.append(f"{len(names)} {words}: {', '.join(names[:5])}{more}")
    found = "; ".join(lines) or str(facts.get("reason", "none"))
    return ArtifactError(
        runtime, f"expected weights that fit the network at {facts['path']}, found {found}"
    )


def _untrusted(runtime: str, facts: Facts) -> RuntimeFailure:
    findings = "; ".join(map(str, facts["findings"]))
    damaged = (
        " The file may be damaged: export it again." if "cannot be scanned" in findings else ""
    )
    return UntrustedError(
        runtime,
        f"expected a model without code of its own at {facts['path']}, found {findings}.{damaged} "
        f"If you trust whoever made it, say trust = true under [runtimes.{runtime}].",
    )


def _bad_option(runtime: str, facts: Facts) -> RuntimeFailure:
    known = ", ".join(map(str, facts["known"]))
    value = f" = {facts['value']!r}" if facts.get("value") is not None else ""
    return OptionError(
        runtime,
        f"options.{facts['option']}: expected one of {known}, found {facts['option']}{value}",
    )


def _bad_reference(runtime: str, facts: Facts) -> RuntimeFailure:
    return OptionError(
        runtime,
        f"expected 'module:function' from the suite's folder or an installed package, "
        f"found {facts['reference']!r}: {facts['reason']}",
    )


def _unknown_kind(runtime: str, facts: Facts) -> RuntimeFailure:
    known = [str(kind) for kind in facts["known"] if kind != "fake"]
    return OptionError(runtime, unknown_name("kind", str(facts["kind"]), known))


def _run_failed(runtime: str, facts: Facts) -> RuntimeFailure:
    return RunError(runtime, f"raised while it ran: {facts['reason']}")


def _cannot_trace(runtime: str, facts: Facts) -> RuntimeFailure:
    return RuntimeFailure(
        runtime,
        f"expected a {facts['kind']} runtime whose layers can be seen, found one whose layers "
        f"cannot: {facts['reason']}",
    )


_ERRORS = {
    "cannot-trace": _cannot_trace,
    "missing-library": _missing_library,
    "missing-file": _missing_file,
    "not-loadable": _not_loadable,
    "missing-weights": _missing_weights,
    "untrusted": _untrusted,
    "bad-option": _bad_option,
    "bad-reference": _bad_reference,
    "unknown-kind": _unknown_kind,
    "run-failed": _run_failed,
}
