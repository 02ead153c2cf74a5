"""ONNX's own evaluator (``onnx.reference``): ``.onnx`` files, op by op, in numpy.

It has ONNX's ops alone, no kernels of anybody, and no options.
Source: the reference implementation of the ONNX operator specification.
"""

from typing import Any, Dict, Iterator, Mapping, Tuple

import numpy as np

from .. import content, external_data, scan
from ..contract import AdapterError, Artifact, Feeds, TensorSpec
from ..shared.feeds import check_feeds
from ..shared.libraries import open_library, version_of
from ..shared.loading import Loading, quiet
from ..shared.machine import machine
from ..shared.opened import OpenedAdapter
from ..shared.reasons import failed_run
from ..shared.refusals import reader, rule, unknown
from .descriptor import DESCRIPTOR, LIBRARY

_EXPECTED = "an ONNX model"
_RULES = (
    rule(
        r"Node type '(\w+)' from domain '([\w.]*)' is unknown",
        "not-registered",
        lambda op, domain: unknown("op", op, f"of the domain {domain}" if domain else ""),
    ),
    rule(
        r"No registered (?:schema|implementation) for operator '(\w+)'",
        "not-registered",
        lambda op: unknown("op", op),
    ),
    rule(r"Error parsing message|Protobuf decoding", "damaged"),
)


class OnnxReference(OpenedAdapter):
    """One ONNX file in one evaluator."""

    kind = "onnx-reference"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        found = content.expect(artifact.model, ("onnx",), _EXPECTED)
        scan.guard(artifact.model, artifact.trust)
        external_data.check_external(artifact.model, _EXPECTED)
        self._library = open_library(LIBRARY)
        library = f"onnx {self._version()}"
        with Loading(artifact.model, _EXPECTED, found.phrase, reader(_RULES), library), quiet():
            self._open()

    def _open(self) -> None:
        from onnx.reference import ReferenceEvaluator

        model = self._library.load(self.artifact.model)
        self._evaluator: Any = ReferenceEvaluator(model)
        # An output may be declared by its name alone: its type follows from what makes it.
        inferred = self._library.shape_inference.infer_shapes(model)
        constants = {one.name for one in model.graph.initializer}
        inputs = (one for one in inferred.graph.input if one.name not in constants)
        self._inputs = tuple(self._spec(one) for one in inputs)
        self._outputs = tuple(self._spec(one) for one in inferred.graph.output)

    def _spec(self, value: Any) -> TensorSpec:
        """A declared tensor; one of which nothing is known has neither shape nor dtype."""
        if not value.type.HasField("tensor_type"):
            if value.type.WhichOneof("value") is None:
                return TensorSpec(value.name, None, "")
            raise ValueError(f"{value.name!r} is a {value.type.WhichOneof('value')}, not a tensor")
        tensor = value.type.tensor_type
        dtype = np.dtype(self._library.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
        if not tensor.HasField("shape"):
            return TensorSpec(value.name, None, dtype)
        sizes = (one.dim_value if one.HasField("dim_value") else None for one in tensor.shape.dim)
        return TensorSpec(value.name, tuple(sizes), dtype)

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The graph's inputs."""
        return self._inputs

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """The graph's outputs."""
        return self._outputs

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        names = [spec.name for spec in self._outputs]
        return dict(zip(names, self._evaluator.run(names, feeds)))

    def stream(self, feeds: Feeds, *which: Any) -> Iterator[Tuple[str, np.ndarray]]:
        """Run once, then the outputs by name; see ``contract.Streaming``."""
        check_feeds(self._inputs, feeds)
        if self._closed:
            raise AdapterError("run-failed", reason="the runtime has been closed")
        try:
            heads = self._run(dict(feeds))
        except Exception as error:
            raise failed_run(error) from error
        for name, value in heads.items():
            yield name, np.asarray(value)

    def identity(self) -> Dict[str, Any]:
        """Library and version; numpy, which computes, is among the facts of the machine."""
        return {"library": "onnx", "version": self._version(), "threads": None, **machine()}

    def _version(self) -> str:
        return version_of(self._library, "onnx")

    def _release(self) -> None:
        self._evaluator = None
