"""Keras as it is installed: Keras 3, or the Keras 2 that TensorFlow brings along up to 2.15."""

import inspect
from typing import Any, Dict, Mapping, Sequence, Tuple

import numpy as np

from ..shared import tracing
from ..shared.libraries import open_library, version_of
from .descriptor import LIBRARY

_SINCE = (2, 12)  # the first Keras that reads its own archives (.keras)


def open_keras(tf: Any) -> "Keras":
    """The Keras that goes with this TensorFlow (None: with another backend)."""
    if tf is not None and release(version_of(tf, "tensorflow")) < (2, 16):
        return Keras2(tf)
    return Keras(open_library(LIBRARY))


def release(version: str) -> Tuple[int, ...]:
    """The first two numbers of a version; no numbers where it has none."""
    parts = version.split(".")[:2]
    return tuple(int(one) for one in parts) if all(one.isdecimal() for one in parts) else ()


class Keras:
    """Keras 3."""

    def __init__(self, module: Any) -> None:
        self.module = module

    @property
    def version(self) -> str:
        """As it says itself."""
        return version_of(self.module, "keras")

    def backend(self) -> str:
        """What it computes with."""
        return str(self.module.backend.backend())

    def load(self, path: str, custom_objects: Dict[str, Any], trust: bool) -> Any:
        """A model from a file; raises whatever Keras raises."""
        return self.module.saving.load_model(
            path, custom_objects=custom_objects, compile=False, safe_mode=not trust
        )

    def array(self, value: Any) -> Any:
        """What a model has returned, as numpy's."""
        return self.module.ops.convert_to_numpy(value)

    def tracer(
        self, model: Any, inputs: Mapping[str, Any], outputs: Sequence[Any]
    ) -> tracing.Tracer:
        """The model op by op; ``inputs`` are its symbolic ones by name, ``outputs`` in order."""
        from .keras3_graph import KerasTracer

        return KerasTracer(self.module, model, inputs, outputs)


class Keras2(Keras):
    """``tf.keras`` before Keras 3."""

    def __init__(self, tf: Any) -> None:
        super().__init__(tf.keras)
        self._tf = tf

    def load(self, path: str, custom_objects: Dict[str, Any], trust: bool) -> Any:
        """As ``Keras.load``; older versions know no safe mode, so files are scanned before."""
        if path.endswith(".keras") and release(self.version) < _SINCE:
            raise ValueError("archives (.keras) are read by Keras 2.12 and newer")
        load = self.module.models.load_model
        safe = "safe_mode" in inspect.signature(load).parameters
        more = {"safe_mode": not trust} if safe else {}
        return load(path, custom_objects=custom_objects, compile=False, **more)

    def array(self, value: Any) -> Any:
        """As ``Keras.array``."""
        return np.asarray(value)

    def tracer(
        self, model: Any, inputs: Mapping[str, Any], outputs: Sequence[Any]
    ) -> tracing.Tracer:
        """As ``Keras.tracer``."""
        from .keras2_graph import Keras2Tracer

        return Keras2Tracer(self._tf, model, inputs, outputs)
