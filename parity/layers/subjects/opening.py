"""A runtime of a suite, open for looking, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from parity import runtimes
from parity.errors import InputError
from parity.layers.subjects.native_subject import NativeSubject
from parity.layers.subjects.onnx.subject import OnnxSubject
from parity.layers.subjects.subject import Subject
from parity.layers.subjects.tflite.subject import TFLiteSubject
from parity.pipeline import Images
from parity.runtimes.contract import Adapter, AdapterError, Streaming, TensorSpec
from parity.session import Session
from parity.session.failures import typed
from parity.suite import Runtime, Suite
from parity.tensors import Array, arrange

_OF_FILES = {"onnx": OnnxSubject, "tflite": TFLiteSubject}
"""By what a runtime shows (``Descriptor.inside``), the subjects of files that are read here."""


@dataclass(frozen=True, eq=False)
class OpenRuntime:
    """A subject, the suite's runtime that it shows, and its one input as that declares it."""

    runtime: Runtime
    subject: Subject
    input: TensorSpec

    def feeds(self, canvas: Array) -> dict[str, Array]:
        """A prepared image (H, W, 3) as the subject takes it, see ``feeds_of``."""
        return feeds_of(self.subject, self.input, canvas, self.runtime)

    def close(self) -> None:
        """Release the subject."""
        self.subject.close()


def open_subject(suite: Suite, name: str, images: Images | None = None) -> Subject:
    """A runtime of a suite, open for looking. Raises the typed errors of ``errors.py``."""
    return open_runtime(suite, name, images).subject


def open_runtime(suite: Suite, name: str, images: Images | None = None) -> OpenRuntime:
    """As ``open_subject``, with what is needed to feed it.

    ``images`` are the suite's prepared images, where they are at hand: a framework that declares no
    shape is shown the first one.
    """
    runtime = suite.runtimes[name]
    session = Session(runtime, suite.folder)
    spec, adapter = session.inputs[0], session.adapter
    try:
        inside = runtimes.descriptor(runtime.table.kind).inside
        if inside in _OF_FILES and isinstance(adapter, Streaming):
            subject = _OF_FILES[inside](adapter.artifact, session.another, adapter)
            return OpenRuntime(runtime, subject, spec)
        return OpenRuntime(runtime, _native(suite, runtime, adapter, images), spec)
    except AdapterError as error:
        session.close()
        raise typed(runtime, error) from error
    except Exception:
        session.close()
        raise


def _native(
    suite: Suite, runtime: Runtime, adapter: Adapter, images: Images | None
) -> NativeSubject:
    (spec,) = adapter.inputs()
    if spec.shape is not None and None not in spec.shape[1:]:
        return NativeSubject(adapter)
    prepared = (images or Images(suite)).prepared(suite.images[0], runtime.recipe)
    return NativeSubject(adapter, {spec.name: _arranged(spec, prepared.canvas, runtime)})


def head_tensors(subject: Subject, heads: Iterable[str]) -> dict[str, str]:
    """The graph's tensor of every head, ``heads`` being the runtime's outputs in its order."""
    return dict(zip(heads, subject.graph.outputs, strict=True))


def feeds_of(
    subject: Subject, spec: TensorSpec, canvas: Array, runtime: Runtime
) -> dict[str, Array]:
    """A prepared image as real numbers in the layout of the input, under the graph's name of it.

    Nothing is quantised here: that is the subject's part, with its own scale and zero point.
    """
    (name,) = subject.graph.inputs
    return {name: _arranged(spec, canvas, runtime)}


def _arranged(spec: TensorSpec, canvas: Array, runtime: Runtime) -> Array:
    try:
        return arrange(canvas, _real(spec), runtime.table.layout).array
    except ValueError as error:
        raise InputError(runtime.name, f"input {error}") from error


def _real(spec: TensorSpec) -> TensorSpec:
    """The same input in real numbers; integers without scale and zero point stay what they are."""
    return spec if spec.quantization is None else replace(spec, dtype="float32", quantization=None)
