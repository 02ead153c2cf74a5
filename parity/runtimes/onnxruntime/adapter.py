"""ONNX Runtime: ``.onnx`` files.

Options: ``threads`` (1), ``optimization`` ("all" | "extended" | "basic" | "disabled"),
``provider`` ("CPUExecutionProvider"); one that then runs no node is refused.
"""

import re
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

import numpy as np

from .. import content, external_data, scan
from ..contract import AdapterError, Artifact, Feeds, TensorSpec
from ..shared.feeds import check_feeds
from ..shared.libraries import open_library, version_of
from ..shared.loading import Loading
from ..shared.machine import machine
from ..shared.opened import OpenedAdapter
from ..shared.reasons import failed_run
from . import placement, refusals
from .descriptor import DESCRIPTOR, LEVELS, LIBRARY

_EXPECTED = "an ONNX model"
_DTYPES = {"float": "float32", "double": "float64"}


class OnnxRuntime(OpenedAdapter):
    """One ONNX file in one inference session."""

    kind = "onnxruntime"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        found = content.expect(artifact.model, ("onnx",), _EXPECTED)
        scan.guard(artifact.model, artifact.trust)
        external_data.check_external(artifact.model, _EXPECTED)
        self._library = open_library(LIBRARY)
        library = f"onnxruntime {self._version()}"
        with Loading(artifact.model, _EXPECTED, found.phrase, refusals.explain, library):
            self._session = self._open()
            self._inputs = tuple(_spec(node) for node in self._session.get_inputs())
            self._outputs = tuple(_spec(node) for node in self._session.get_outputs())
        self._placed: Optional[placement.Placement] = None
        self._binding: Any = None
        self._held: Dict[str, np.ndarray] = {}

    def _open(self) -> Any:
        ort = self._library
        placement.asked(ort, self._provider)
        self._settings = settings = ort.SessionOptions()
        settings.intra_op_num_threads = self.options["threads"]
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 4  # what goes wrong is raised, and printed by whoever asks
        level = LEVELS[self.options["optimization"]]
        settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
        placement.recorded(settings, self._provider)
        providers = list(dict.fromkeys([self._provider, placement.CPU]))
        session = ort.InferenceSession(self.artifact.model, settings, providers=providers)
        session.disable_fallback()  # to the CPU, when the provider fails as it runs
        return session

    @property
    def _provider(self) -> str:
        return self.options["provider"] or placement.CPU

    def check_applied(self) -> None:
        """Raise for a provider that the session could not load, or that runs no node of it."""
        if self._provider == placement.CPU:
            return
        session = self._session
        self._placed = placement.placement(
            self._library, session, self.artifact.model, self._settings
        )
        placement.check(self._provider, tuple(session.get_providers()), self._placed)

    def notes(self) -> Tuple[str, ...]:
        """Which nodes run elsewhere than on the provider that was asked for."""
        return placement.note(self._provider, self._placed) if self._placed else ()

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The graph's inputs."""
        return self._inputs

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """The graph's outputs."""
        return self._outputs

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        names = [spec.name for spec in self._outputs]
        return dict(zip(names, self._session.run(names, feeds)))

    def stream(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Run once, then the outputs by name, one at a time; for models with very many outputs.

        Each is valid until the next run, which writes into the same memory: new memory for every
        image costs several times what the network itself does.
        """
        check_feeds(self._inputs, feeds)
        if self._closed:
            raise AdapterError("run-failed", reason="the runtime has been closed")
        try:
            values = self._bound_run(feeds)
        except Exception as error:
            raise failed_run(error) from error
        for spec, value in zip(self._outputs, values):
            held = self._held.get(spec.name)
            yield spec.name, value.numpy() if held is None else held

    def _bound_run(self, feeds: Feeds) -> Any:
        if self._binding is None:
            self._bind(fixed=True)
        of_numpy = self._library.OrtValue.ortvalue_from_numpy
        values = {name: of_numpy(np.asarray(array, order="C")) for name, array in feeds.items()}
        try:
            return self._run_bound(values)
        except Exception:  # perhaps a file that declares other sizes than it computes
            self._bind(fixed=False)
            return self._run_bound(values)

    def _run_bound(self, values: Mapping[str, Any]) -> Any:
        for name, value in values.items():
            self._binding.bind_ortvalue_input(name, value)
        self._session.run_with_iobinding(self._binding)
        return self._binding.get_outputs()

    def _bind(self, fixed: bool) -> None:
        """With ``fixed``, outputs of known shape are written into arrays that are made once."""
        self._binding, self._held = self._session.io_binding(), {}
        for spec in self._outputs:
            shape = [size for size in spec.shape or () if size is not None]
            known = spec.shape and len(shape) == len(spec.shape)  # () may be of any rank
            if not (fixed and known and _is_plain(spec.dtype)):
                self._binding.bind_output(spec.name, "cpu")
                continue
            self._held[spec.name] = np.empty(shape, spec.dtype)
            value = self._library.OrtValue.ortvalue_from_numpy(self._held[spec.name])
            self._binding.bind_ortvalue_output(spec.name, value)

    def identity(self) -> Dict[str, Any]:
        """Library, version, threads, provider and its nodes, optimisation level."""
        placed = {"nodes": self._placed.nodes} if self._placed else {}
        return {
            "library": "onnxruntime",
            "version": self._version(),
            "threads": self._session.get_session_options().intra_op_num_threads
            if self._session is not None
            else self.options["threads"],
            "provider": self._session.get_providers()[0] if self._session is not None else None,
            **placed,
            "optimization": self.options["optimization"],
            **machine(),
        }

    def _version(self) -> str:
        return version_of(self._library, "onnxruntime")

    def _release(self) -> None:
        self._session = self._binding = None
        self._held = {}


def _is_plain(dtype: str) -> bool:
    """Whether numpy has the type (it lacks bfloat16 and text of one size)."""
    return dtype == "bool" or (dtype in np.sctypeDict and np.dtype(dtype).kind in "fiu")


def _spec(node: Any) -> TensorSpec:
    """A node such as ("image", ["N", 3, 240, 320], "tensor(float)")."""
    match = re.fullmatch(r"tensor\((\w+)\)", node.type)
    if not match:
        raise ValueError(f"{node.name!r} is a {node.type}, not a tensor")
    sizes = node.shape
    shape = None if sizes is None else tuple(s if isinstance(s, int) else None for s in sizes)
    return TensorSpec(node.name, shape, _DTYPES.get(match.group(1), match.group(1)))
