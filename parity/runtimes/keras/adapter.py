"""Keras 3, and Keras 2 in an environment of its own: a file, or a factory's model with weights.

Files are ``.keras`` archives and ``.h5``. ``model`` may be "module:function" of the suite's folder,
which builds the model; then ``weights`` is the file of its weights.

Options: ``threads`` (1), ``device`` ("cpu" | "gpu"; as TensorFlow chooses unless given; other
backends choose by themselves), ``custom_objects`` ("module:function" in the suite's folder, which
returns a dict of name → class; only with ``trust``).
"""

import contextlib
import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ...formats import Content
from ...formats.source import Unreadable
from .. import content, scan
from ..contract import AdapterError, Artifact, Feeds, Library, TensorSpec
from ..shared import resolve, tf_common, tracing
from ..shared.libraries import open_library, version_of
from ..shared.loading import Loading, quiet
from ..shared.machine import machine
from ..shared.saving import Versions, this_python
from . import factory, installed, refusals
from .descriptor import DESCRIPTOR, LIBRARY
from .saving import configuration, keras_version

_EXPECTED = "a Keras model (.keras or .h5)"
_AS_OPERATIONS = "save it as a SavedModel, which holds operations and no settings of layers"


class Keras(tracing.TracedAdapter):
    """One Keras model, run by one compiled function."""

    kind = "keras"

    @classmethod
    def requires(cls, options: Mapping[str, Any]) -> Tuple[Library, ...]:
        """Keras, and TensorFlow unless KERAS_BACKEND names another one."""
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        keras = LIBRARY
        return (keras, tf_common.LIBRARY) if backend == "tensorflow" else (keras,)

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        built = factory.is_reference(artifact.model)
        path = factory.weights(artifact) if built else artifact.model
        expected = factory.EXPECTED if built else _EXPECTED
        found = content.expect(path, ("keras", "hdf5"), expected)
        if built:
            _expect_name(path, found, expected)
        self._tf: Any = None
        if len(self.requires({})) == 2:
            self._tf = tf_common.start(self.options["threads"])
            tf_common.place(self._tf, self.options["device"])
        self._library = installed.open_keras(self._tf)
        if built:  # of weights alone no configuration is read
            scan.guard_weights(path, artifact.trust)
        else:
            scan.guard(path, artifact.trust)
        self._path = path
        self._objects: Dict[str, Any] = {}
        library = f"keras {self._library.version}"
        loading = Loading(path, expected, found.phrase, self._explain, library, self._versions)
        with loading, quiet():
            self._model = (
                factory.model(self._library.module, artifact) if built else self._load(found)
            )
            self._inputs, self._names = self._describe()
            self._call = self._compile()

    def _load(self, found: Content) -> Any:
        path = self.artifact.model
        if found.kind == "hdf5" and _weights_only(path):
            phrase = "an HDF5 file of weights only"
            why = "the file holds weights but no model; save the whole model"
            raise AdapterError(
                "weights-alone", path=path, expected=_EXPECTED, found=phrase, reason=why
            )
        custom = self.options["custom_objects"]
        if custom:
            if not self.artifact.trust:
                raise AdapterError("untrusted", path=path, findings=("custom_objects is code",))
            folder = self.artifact.folder
            with resolve.siblings(folder):
                self._objects = resolve.resolve(custom, folder)()
            if not isinstance(self._objects, dict):
                kind = type(self._objects).__name__
                raise AdapterError(
                    "bad-option",
                    option="custom_objects",
                    expected="a function that returns a dict of classes by name",
                    found=f"one that returns a {kind}",
                )
        _expect_name(path, found, _EXPECTED)
        return self._library.load(path, self._objects, self.artifact.trust)

    def _explain(self, error: BaseException) -> Tuple[str, Dict[str, Any]]:
        settings = {
            "compile": False,
            "safe_mode": not self.artifact.trust,
            "custom_objects": self._objects,
        }
        return refusals.explain(error, self._library.module, self._path, **settings)

    def _versions(self) -> Versions:
        """What saved the file and what opens it."""
        place = [this_python()]
        if self._tf is not None:
            place.insert(0, "TensorFlow " + version_of(self._tf, "tensorflow"))
        saved = keras_version(self._path)
        return Versions("Keras", saved, self._library.version, ", ".join(place), _AS_OPERATIONS)

    def _describe(self) -> Tuple[Tuple[TensorSpec, ...], List[str]]:
        """Inputs, and the outputs' names, of a model whose graph is known without a run."""
        # A sequential model that was loaded keeps its graph in an inner one.
        model = self._graph = getattr(self._model, "_functional", None) or self._model
        if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
            raise ValueError("the model has no graph of its own (a subclass that was never built)")
        structure, tensors = model.input, _tensors(model.input, model.inputs)
        keys = list(structure) if isinstance(structure, dict) else [t.name for t in tensors]
        inputs = tuple(_spec(name, tensor) for name, tensor in zip(keys, tensors))
        outputs = model.output
        if isinstance(outputs, dict):
            names = list(outputs)
        else:
            names = list(model.output_names)
            if len(set(names)) < len(names) or len(names) != len(model.outputs):
                names = [str(index) for index in range(len(model.outputs))]
        return inputs, names

    def _compile(self) -> Any:
        model, structure = self._model, self._graph.input

        def call(*arrays: Any) -> Any:
            values: Any = list(arrays)
            if isinstance(structure, dict):
                values = dict(zip(structure, arrays))
            elif not isinstance(structure, (list, tuple)):
                values = arrays[0]
            return model(values, training=False)

        if self._tf is None:
            return call
        signature = [
            self._tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{index}")
            for index, spec in enumerate(self._inputs)
        ]
        compiled = self._tf.function(call, input_signature=signature, autograph=False)
        # Each model is traced once; TensorFlow takes many models for one that is traced again.
        compiled._omit_frequent_tracing_warning = True
        return compiled

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The model's inputs."""
        return self._inputs

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """The model's outputs, under their keys or their layers' names."""
        if self._model is None:
            return self._closed_outputs
        tensors = _tensors(self._graph.output, self._graph.outputs)
        return tuple(_spec(name, tensor) for name, tensor in zip(self._names, tensors))

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        arrays = [feeds[spec.name] for spec in self._inputs]
        with contextlib.ExitStack() as stack:
            if self._library.backend() == "torch":
                stack.enter_context(open_library(Library("torch", "torch", "")).no_grad())
            values = self._call(*arrays)
        if isinstance(values, dict):
            ordered = [values[name] for name in self._names]
        else:
            ordered = list(values) if isinstance(values, (list, tuple)) else [values]
        return {name: self._library.array(value) for name, value in zip(self._names, ordered)}

    def _tracer(self, example: Optional[Feeds]) -> tracing.Tracer:
        graph, names = self._graph, [spec.name for spec in self._inputs]
        inputs = dict(zip(names, _tensors(graph.input, graph.inputs)))
        outputs = _tensors(graph.output, graph.outputs)
        return self._library.tracer(self._model, inputs, outputs)

    def identity(self) -> Dict[str, Any]:
        """Library, version, backend, threads."""
        found: Dict[str, Any] = {
            "library": "keras",
            "version": self._library.version,
            "backend": self._library.backend(),
            "threads": None,  # not settable for this backend from here
            **machine(),
            "device": "as the backend chooses",
        }
        if self._tf is not None:
            found["backend_version"] = version_of(self._tf, "tensorflow")
            found.update(tf_common.facts(self._tf, self.options["threads"]))
        return found

    def check_applied(self) -> None:
        """Raise where a device was asked for and the backend chooses its own."""
        if self._tf is None and self.options["device"] is not None:
            what = f"the backend {self._library.backend()}, which chooses one by itself"
            raise AdapterError(
                "not-applied",
                option="device",
                asked=self.options["device"],
                found=what,
                remedy="Take it out of the options of this runtime.",
            )

    def notes(self) -> Tuple[str, ...]:
        """Other threads than were asked for."""
        asked = self.artifact.options.get("threads")
        return () if self._tf is None else tf_common.note(self._tf, asked)

    def native(self) -> Any:
        """The Keras model itself, for exporters."""
        return self._model

    def _release(self) -> None:
        self._closed_outputs = self.outputs()
        self._model = self._graph = self._call = None


def _expect_name(path: str, found: Content, expected: str) -> None:
    """Keras tells the format by the file's extension, not by its content.

    A file that is both was scanned as the one and would be opened as the other.
    """
    extension = ".keras" if found.kind == "keras" else (".h5", ".hdf5")
    if not path.endswith(extension):
        needed = ".keras" if found.kind == "keras" else ".h5"
        raise AdapterError(
            "other-format",
            path=path,
            expected=expected,
            found=found.phrase,
            needed=needed,
            reason=f"{found.phrase} must be named with {needed}",
        )


def _weights_only(path: str) -> bool:
    try:
        return configuration(path) is None
    except Unreadable:  # Keras will say what is wrong
        return False


def _tensors(structure: Any, flat: Any) -> List[Any]:
    """Symbolic tensors in the structure's own order, where that is a dict: Keras sorts its keys."""
    return list(structure.values()) if isinstance(structure, dict) else list(flat)


def _spec(name: str, tensor: Any) -> TensorSpec:
    return TensorSpec(name, tuple(tensor.shape), _dtype(tensor))


def _dtype(tensor: Any) -> str:
    """Keras 2 gives a type of TensorFlow's, Keras 3 its name."""
    return str(getattr(tensor.dtype, "name", tensor.dtype))
