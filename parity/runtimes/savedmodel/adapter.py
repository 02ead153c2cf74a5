"""TensorFlow SavedModel directories.

Options: ``threads`` (1), ``signature`` ("serving_default"), ``device`` ("cpu" | "gpu"; as
TensorFlow chooses unless given).
"""

import os
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from ...formats.foreign import POINTER, is_pointer
from .. import content, scan
from ..contract import AdapterError, Artifact, Feeds, TensorSpec
from ..shared import tf_common, tracing
from ..shared.libraries import version_of
from ..shared.loading import Loading, quiet
from ..shared.machine import machine
from ..shared.saving import Versions, this_python
from . import refusals
from .descriptor import DESCRIPTOR
from .saving import tensorflow_version

_EXPECTED = "a SavedModel directory"


class SavedModel(tracing.TracedAdapter):
    """One signature of one SavedModel."""

    kind = "savedmodel"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        found = content.expect(artifact.model, ("savedmodel",), _EXPECTED)
        _expect_variables(artifact.model)
        scan.guard(artifact.model, artifact.trust)
        self._tf = tf_common.start(self.options["threads"])
        tf_common.place(self._tf, self.options["device"])
        library = "tensorflow {}".format(version_of(self._tf, "tensorflow"))
        loading = Loading(
            artifact.model, _EXPECTED, found.phrase, refusals.explain, library, self._versions
        )
        with loading, quiet():
            self._loaded = self._tf.saved_model.load(artifact.model)
            self._function = self._signature()
            arguments = self._function.structured_input_signature[1]
            self._inputs = tuple(_spec(name, value) for name, value in arguments.items())
            outputs = self._function.structured_outputs
            if not isinstance(outputs, dict):
                raise ValueError("the signature's outputs have no names")
            # By name: the file holds them as a map, whose order differs from load to load.
            self._outputs = tuple(_spec(name, outputs[name]) for name in sorted(outputs))

    def _signature(self) -> Any:
        wanted = self.options["signature"] or "serving_default"
        known = tuple(getattr(self._loaded, "signatures", ()))
        if wanted not in known:
            raise AdapterError("bad-option", option="signature", value=wanted, known=known)
        return self._loaded.signatures[wanted]

    def _versions(self) -> Versions:
        saved = tensorflow_version(self.artifact.model)
        opened = version_of(self._tf, "tensorflow")
        return Versions("TensorFlow", saved, opened, this_python())

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The signature's inputs."""
        return self._inputs

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """The signature's outputs."""
        return self._outputs

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        tensors = {name: self._tf.constant(array) for name, array in feeds.items()}
        heads = self._function(**tensors)
        return {spec.name: heads[spec.name].numpy() for spec in self._outputs}

    def _tracer(self, example: Optional[Feeds]) -> tracing.Tracer:
        from .graph import SavedModelTracer

        return SavedModelTracer(self._tf, self._function)

    def identity(self) -> Dict[str, Any]:
        """Library, version, threads, oneDNN, signature."""
        return {
            "library": "tensorflow",
            "version": version_of(self._tf, "tensorflow"),
            "signature": self.options["signature"] or "serving_default",
            **machine(),
            **tf_common.facts(self._tf, self.options["threads"]),
        }

    def notes(self) -> Tuple[str, ...]:
        """Other threads than were asked for."""
        return tf_common.note(self._tf, self.artifact.options.get("threads"))

    def native(self) -> Any:
        """The signature's function itself, for exporters."""
        return self._function

    def _release(self) -> None:
        self._loaded = self._function = None


def _expect_variables(folder: str) -> None:
    """Raise ``external-data`` where Git LFS has left pointers in the place of the variables."""
    inside = os.path.join(folder, "variables")
    for name in sorted(os.listdir(inside)) if os.path.isdir(inside) else ():
        path = os.path.join(inside, name)
        if os.path.isfile(path) and is_pointer(path):
            raise AdapterError(
                "external-data",
                path=folder,
                expected=_EXPECTED,
                file=f"variables/{name}",
                problem=POINTER,
                reason=f"its variables/{name} {POINTER}",
            )


def _spec(name: str, value: Any) -> TensorSpec:
    rank = value.shape.rank
    shape = None if rank is None else tuple(value.shape.as_list())
    return TensorSpec(name, shape, np.dtype(value.dtype.as_numpy_dtype).name)
