"""A runtime that is open: the one place where adapters are driven and their failures get words."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from parity import isolation, runtimes
from parity.errors import (
    ArtifactError,
    HeadsError,
    InputError,
    OptionError,
    RunError,
    RuntimeFailure,
    RuntimeMissing,
    UntrustedError,
)
from parity.runtimes.contract import (
    IMAGE_ID,
    Adapter,
    AdapterError,
    Artifact,
    Dataset,
    TensorSpec,
)
from parity.suite import Runtime, Suite
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
    """Why this runtime cannot run here because something is not installed; else None.

    The environment of a runtime that asks for one of its own is built now, unless it is there.
    """
    if isolation.is_foreign(runtime):
        return isolation.unavailable(runtime)
    try:
        return runtimes.missing(runtime.table.kind, _options(runtime))
    except AdapterError:
        return None  # an unknown kind is not something to install: opening says what it is


def artifact_paths(runtime: Runtime, folder: Path) -> list[Path]:
    """The files (or folders) that hold the runtime's network."""
    names = [runtime.table.model, runtime.table.weights]
    return [folder / name for name in names if name is not None and ":" not in Path(name).name]


def dataset(suite: Suite) -> Dataset:
    """What a runtime that names images and classes itself has to know of the suite's."""
    labels = None if suite.labels is None else str(suite.labels)
    return Dataset(suite.images, suite.classes, labels)


class Session:
    """An open runtime, in this process or in one of its own: nobody above sees a difference.

    Raises the typed errors of ``errors.py``, whatever the framework raises.
    """

    def __init__(self, runtime: Runtime, folder: Path, known: Dataset | None = None) -> None:
        self.runtime = runtime
        reason = missing(runtime)
        if reason is not None:
            raise RuntimeMissing(runtime.name, reason)
        with self._worded():
            self._open = _opener(runtime)
            self._adapter = self._open(_artifact(runtime, folder, known or Dataset()))
            self.inputs = self._adapter.inputs()
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

    def another(self, artifact: Artifact) -> Adapter:
        """One more adapter of the runtime's kind, where the first one is; raises AdapterError."""
        return self._open(artifact)

    @contextlib.contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except AdapterError as error:
            if error.code == "missing-library" and isolation.is_foreign(self.runtime):
                raise isolation.missing_library(self.runtime.name, error.facts) from error
            raise typed(self.runtime.name, error) from error

    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs as the artifact declares them."""
        return self._adapter.outputs()

    def identity(self) -> dict[str, Any]:
        """Library, version, threads and what else could change a number."""
        with self._worded():
            return dict(self._adapter.identity())

    def notes(self) -> tuple[str, ...]:
        """What whoever reads the results should know of the artifact."""
        return self._adapter.notes()

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

    @property
    def recorded(self) -> bool:
        """Whether it takes the image's id, not its pixels: nothing runs then, and takes no time."""
        return self.inputs[0].dtype == IMAGE_ID

    def run(self, canvas: np.ndarray[Any, Any], image: str = "") -> Outputs:
        """All heads for one prepared image (H, W, 3) float32; ``image`` is its id."""
        arranged = Arranged(np.array(image), "") if self.recorded else self.arrange(canvas)
        started = time.perf_counter()
        with self._worded():
            raw = self._adapter.run({self.inputs[0].name: arranged.array})
        elapsed = time.perf_counter() - started
        specs = {spec.name: spec for spec in self._adapter.outputs()}
        return Outputs(
            heads={name: _real(array, specs.get(name)) for name, array in raw.items()},
            specs={name: spec for name, spec in specs.items() if name in raw},
            layout=arranged.layout,
            milliseconds=0.0 if self.recorded else elapsed * 1e3,
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


def _artifact(runtime: Runtime, folder: Path, known: Dataset) -> Artifact:
    table = runtime.table
    is_reference = ":" in os.path.basename(table.model) and not (folder / table.model).exists()
    return Artifact(
        model=table.model if is_reference else str(folder / table.model),
        weights=None if table.weights is None else str(folder / table.weights),
        folder=str(folder),
        options=_options(runtime),
        trust=table.trust,
        timeout=table.timeout,
        dataset=known,
    )


def _opener(runtime: Runtime) -> Callable[[Artifact], Adapter]:
    """What opens artifacts of this runtime: this process, or a worker that all of them share."""
    table = runtime.table
    if not isolation.is_isolated(table):
        return runtimes.load(table.kind)
    return isolation.Workplace(isolation.launch(runtime), table.kind).open


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
    if "expected" in facts:
        said = f"expected {facts['expected']}, found {facts['found']}"
        return OptionError(runtime, f"options.{facts['option']}: {said}")
    known = ", ".join(map(str, facts["known"]))
    value = f" = {facts['value']!r}" if facts.get("value") is not None else ""
    return OptionError(
        runtime,
        f"options.{facts['option']}: expected one of {known}, found {facts['option']}{value}",
    )


def _not_usable(runtime: str, facts: Facts) -> RuntimeFailure:
    return ArtifactError(
        runtime,
        f"expected {facts['expected']} at {facts['path']}, found {facts['found']}. "
        f"Correct the path in parity.toml, or the program that wrote it.",
    )


def _bad_heads(runtime: str, facts: Facts) -> RuntimeFailure:
    return HeadsError(
        runtime, f"expected {facts['expected']} at {facts['path']}, found {facts['found']}"
    )


def _not_recorded(runtime: str, facts: Facts) -> RuntimeFailure:
    others = [repr(one) for one in facts["others"]]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return RunError(
        runtime,
        f"expected {facts['image']!r} in {facts['path']}, found "
        f"{', '.join(others[:3]) or 'nothing'}{more}; {facts['advice']}",
    )


def _program_failed(runtime: str, facts: Facts) -> RuntimeFailure:
    lines = "".join(f"\n  {line}" for line in facts["lines"])
    said = f"; the last lines of its standard error:{lines}" if lines else ""
    expected = f"the program {facts['program']} {facts['expected']}"
    return RunError(runtime, f"expected {expected}, found {facts['found']}{said}")


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
    "not-usable": _not_usable,
    "bad-heads": _bad_heads,
    "not-recorded": _not_recorded,
    "program-failed": _program_failed,
    **isolation.ERRORS,
}
