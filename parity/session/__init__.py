"""A runtime that is open: the one place where adapters are driven and their failures get words."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from parity import isolation, runtimes
from parity.errors import InputError, RuntimeMissing
from parity.formats import opened, recognise
from parity.formats.onnx.model import OnnxModel
from parity.runtimes.contract import IMAGE_ID, Adapter, AdapterError, Artifact, Dataset, TensorSpec
from parity.session.failures import typed
from parity.suite import Runtime, Suite
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
    """The files (or folders) that the suite names for the runtime's network."""
    names = [runtime.table.model, runtime.table.weights]
    return [folder / name for name in names if name is not None and ":" not in Path(name).name]


def artifact_files(runtime: Runtime, folder: Path) -> list[Path]:
    """Those of them that are there, with the files beside an ONNX model that hold its weights.

    A folder is one only where the runtime reads it whole: any other may hold half of the disk.
    """
    paths = [path for path in artifact_paths(runtime, folder) if _is_artifact(path, runtime)]
    return [one for path in paths for one in (path, *_beside(path))]


def _is_artifact(path: Path, runtime: Runtime) -> bool:
    if os.path.isfile(path):  # pathlib raises for a name that is too long
        return True
    if not os.path.isdir(path):
        return False
    whole = runtimes.descriptor(runtime.table.kind).whole_folders
    return whole or recognise(str(path)).kind == "savedmodel"


def _beside(path: Path) -> list[Path]:
    """Weights in files of their own; none of a file that is no ONNX model, or a damaged one."""
    try:
        with opened(str(path)) as file:
            return [Path(one) for one in file.beside()] if isinstance(file, OnnxModel) else []
    except (OSError, ValueError):
        return []


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
            self._check_applied()
            self.inputs = self._adapter.inputs()
        if len(self.inputs) != 1:
            names = ", ".join(spec.name for spec in self.inputs) or "none"
            self.close()
            raise InputError(
                runtime.name,
                f"expected a model with one input, found {len(self.inputs)}: {names}. "
                f"Export the detector so that it takes the image alone.",
            )

    def _check_applied(self) -> None:
        try:
            self._adapter.check_applied()
        except AdapterError:
            self.close()
            raise

    @property
    def adapter(self) -> Adapter:
        """The open adapter, for looking at its layers."""
        return self._adapter

    def another(self, artifact: Artifact) -> Adapter:
        """One more adapter of the runtime's kind, where the first one is; raises AdapterError."""
        return self._open(artifact)

    @contextlib.contextmanager
    def _worded(self, fed: str = "") -> Iterator[None]:
        try:
            yield
        except AdapterError as error:
            raise typed(self.runtime, error, fed) from error

    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs as the artifact declares them."""
        return self._adapter.outputs()

    def identity(self) -> dict[str, Any]:
        """Library, version, threads and what else could change a number."""
        with self._worded():
            return dict(self._adapter.identity())

    def notes(self) -> tuple[str, ...]:
        """What whoever reads the results should know of the artifact."""
        with self._worded():
            return self._adapter.notes()

    def arrange(self, canvas: np.ndarray[Any, Any]) -> Arranged:
        """A prepared image (H, W, 3) in the layout, dtype and quantisation of the input."""
        try:
            return arrange(canvas, self.inputs[0], self.runtime.table.layout)
        except ValueError as error:
            raise InputError(
                self.runtime.name, f"input {error}{self._stride_hint(canvas)}"
            ) from error

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
        """What to say where a framework whose images are NCHW by custom did not run NHWC ones."""
        table = self.runtime.table
        kind = runtimes.descriptor(table.kind)
        if not kind.native or kind.layout != "NCHW" or table.layout != "NHWC":
            return ""
        return (
            f". Images of {kind.kind} are NCHW by custom, and layout = 'NHWC' is declared: correct "
            f"it under [runtimes.{self.runtime.name}]"
        )

    def _fed(self, arranged: Arranged) -> str:
        """What a network was fed that does not declare the size it takes."""
        spec = self.inputs[0]
        if self.recorded or (spec.shape is not None and None not in spec.shape[1:]):
            return ""
        shape = ", ".join(map(str, arranged.array.shape))
        return (
            f". It was fed {spec.name} ({shape}), {arranged.array.dtype}, {arranged.layout}; if it "
            f"takes another size, see preprocess.size"
        )

    @property
    def recorded(self) -> bool:
        """Whether it takes the image's id, not its pixels: nothing runs then, and takes no time."""
        return self.inputs[0].dtype == IMAGE_ID

    def run(self, canvas: np.ndarray[Any, Any], image: str = "") -> Outputs:
        """All heads for one prepared image (H, W, 3) float32; ``image`` is its id."""
        arranged = Arranged(np.array(image), "") if self.recorded else self.arrange(canvas)
        started = time.perf_counter()
        with self._worded(self._layout_hint() + self._fed(arranged)):
            feed = arranged.array.copy()  # the image is fed to others too, whatever this one does
            raw = self._adapter.run({self.inputs[0].name: feed})
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
    is_reference = ":" in os.path.basename(table.model) and not os.path.exists(folder / table.model)
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
