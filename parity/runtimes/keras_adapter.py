"""Keras 3: ``.keras`` archives, ``.h5`` files, or a factory's model with weights from a file.

Options: ``threads`` (1), ``custom_objects`` ("module:function" in the suite's folder, which
returns a dict of name → class; only with ``trust``).
"""

import contextlib
import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from . import content, keras_factory, resolve, scan, support, tf_common, tracing
from .contract import AdapterError, Artifact, Feeds, Library, TensorSpec

_EXPECTED = "a Keras model (.keras or .h5)"
_LIBRARY = Library("keras", "keras", "pip install 'detector-parity[tensorflow]'")


class Keras(tracing.TracedAdapter):
    """One Keras model, run by one compiled function."""

    kind = "keras"

    @classmethod
    def requires(cls, options: Mapping[str, Any]) -> Tuple[Library, ...]:
        """Keras, and TensorFlow unless KERAS_BACKEND names another one."""
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        return (_LIBRARY, tf_common.LIBRARY) if backend == "tensorflow" else (_LIBRARY,)

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(
            artifact, {"threads": support.threads, "custom_objects": support.text_or_none}
        )
        built = keras_factory.is_reference(artifact.model)
        path = keras_factory.weights(artifact) if built else artifact.model
        expected = keras_factory.EXPECTED if built else _EXPECTED
        found = content.expect(path, ("keras", "hdf5"), expected)
        self._tf: Any = None
        if len(self.requires({})) == 2:
            self._tf = tf_common.start(self.options["threads"])
        self._library = support.open_library(_LIBRARY)
        if not built:  # of weights alone no configuration is read
            scan.guard(path, artifact.trust)
        with support.Loading(path, expected, found.phrase), support.quiet():
            self._model = (
                keras_factory.model(self._library, artifact) if built else self._load(found)
            )
            self._inputs, self._names = self._describe()
            self._call = self._compile()

    def _load(self, found: content.Content) -> Any:
        path = self.artifact.model
        if found.kind == "hdf5" and _weights_only(path):
            phrase = "an HDF5 file of weights only"
            why = "the file holds weights but no model; save the whole model"
            raise AdapterError(
                "not-loadable", path=path, expected=_EXPECTED, found=phrase, reason=why
            )
        settings: Dict[str, Any] = {"compile": False, "safe_mode": not self.artifact.trust}
        custom = self.options["custom_objects"]
        if custom:
            if not self.artifact.trust:
                raise AdapterError("untrusted", path=path, findings=("custom_objects is code",))
            folder = self.artifact.folder
            with resolve.siblings(folder):
                settings["custom_objects"] = resolve.resolve(custom, folder)()
        # Keras tells the format by the file's extension, not by its content.
        extension = ".keras" if found.kind == "keras" else (".h5", ".hdf5")
        if not path.endswith(extension):
            raise ValueError(f"{found.phrase} must be named with {extension}")
        return self._library.saving.load_model(path, **settings)

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
            if self._library.backend.backend() == "torch":
                stack.enter_context(support.open_library(Library("torch", "torch", "")).no_grad())
            values = self._call(*arrays)
        if isinstance(values, dict):
            ordered = [values[name] for name in self._names]
        else:
            ordered = list(values) if isinstance(values, (list, tuple)) else [values]
        convert = self._library.ops.convert_to_numpy
        return {name: convert(value) for name, value in zip(self._names, ordered)}

    def _tracer(self, example: Optional[Feeds]) -> tracing.Tracer:
        from .keras_graph import KerasTracer

        graph, names = self._graph, [spec.name for spec in self._inputs]
        inputs = dict(zip(names, _tensors(graph.input, graph.inputs)))
        outputs = _tensors(graph.output, graph.outputs)
        return KerasTracer(self._library, self._model, inputs, outputs)

    def identity(self) -> Dict[str, Any]:
        """Library, version, backend, threads."""
        found: Dict[str, Any] = {
            "library": "keras",
            "version": support.version_of(self._library, "keras"),
            "backend": self._library.backend.backend(),
            "threads": None,  # not settable for this backend from here
            **support.machine(),
        }
        if self._tf is not None:
            found["backend_version"] = support.version_of(self._tf, "tensorflow")
            found.update(tf_common.facts(self._tf, self.options["threads"]))
        return found

    def native(self) -> Any:
        """The Keras model itself, for exporters."""
        return self._model

    def _release(self) -> None:
        self._closed_outputs = self.outputs()
        self._model = self._graph = self._call = None


def _weights_only(path: str) -> bool:
    from .scan_keras import hdf5_config

    return hdf5_config(path) is None


def _tensors(structure: Any, flat: Any) -> List[Any]:
    """Symbolic tensors in the structure's own order, where that is a dict: Keras sorts its keys."""
    return list(structure.values()) if isinstance(structure, dict) else list(flat)


def _spec(name: str, tensor: Any) -> TensorSpec:
    return TensorSpec(name, tuple(tensor.shape), str(tensor.dtype))
