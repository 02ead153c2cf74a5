"""TensorFlow Lite, as LiteRT, as tflite-runtime, or inside TensorFlow.

Options: ``threads`` (1), ``interpreter`` ("litert" | "tensorflow" | "tflite-runtime"),
``delegate`` ("xnnpack": the library's default, refused where it is asked for by name and runs no
op | "none": the library's own kernels, no delegate), ``preserve`` (False; True keeps every tensor
readable after a run, for looking into the network: the delegate then takes one op at a time).
"""

from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import numpy as np

from .. import content, scan
from ..contract import AdapterError, Artifact, Feeds, Library, Quantization, TensorSpec
from ..shared.feeds import check_feeds
from ..shared.libraries import blaming, open_library, version_of
from ..shared.loading import Loading, quiet
from ..shared.machine import machine
from ..shared.opened import OpenedAdapter
from ..shared.reasons import failed_run
from . import delegation, refusals
from .descriptor import DESCRIPTOR, LIBRARIES

_EXPECTED = "a TFLite flatbuffer"
_POSTPROCESS = "TFLite_Detection_PostProcess"  # two of its outputs have the same shape


class TFLite(OpenedAdapter):
    """One flatbuffer in one interpreter; its primary subgraph."""

    kind = "tflite"

    @classmethod
    def requires(cls, options: Mapping[str, Any]) -> Tuple[Library, ...]:
        """The library that ``options.interpreter`` names."""
        library = LIBRARIES.get(str(options.get("interpreter", "litert")))
        return (library,) if library else ()

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        found = content.expect(artifact.model, ("tflite",), _EXPECTED)
        if self.options["interpreter"] == "tensorflow":  # no other one has TensorFlow's operations
            scan.guard(artifact.model, artifact.trust)
        library = LIBRARIES[self.options["interpreter"]]
        self._library = open_library(library)
        version = " ".join(self._versioned())
        loading = Loading(artifact.model, _EXPECTED, found.phrase, refusals.explain, version)
        with loading, quiet():
            with blaming(library):
                self._interpreter = self._open()
            self._interpreter.allocate_tensors()
            self._input_names, self._output_names = self._names()
            self._sources = self._detections()
            self._shapes: Dict[str, Tuple[int, ...]] = {}

    def _open(self) -> Any:
        inside_tensorflow = self.options["interpreter"] == "tensorflow"
        module = self._library.lite if inside_tensorflow else self._library
        settings: Dict[str, Any] = {"num_threads": self.options["threads"]}
        if self.options["delegate"] == "none":
            types = (module.experimental if inside_tensorflow else module).OpResolverType
            settings["experimental_op_resolver_type"] = types.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        if self.options["preserve"]:
            settings["experimental_preserve_all_tensors"] = True
        return module.Interpreter(model_path=self.artifact.model, **settings)

    def _names(self) -> Tuple[Dict[int, str], Dict[int, str]]:
        """Tensor index → name: the signature's where there is one, else the tensor's own."""
        inputs = {item["index"]: item["name"] for item in self._interpreter.get_input_details()}
        outputs = {item["index"]: item["name"] for item in self._interpreter.get_output_details()}
        listed: Mapping[str, Any] = getattr(self._interpreter, "get_signature_list", dict)()
        for key in listed:
            runner = self._interpreter.get_signature_runner(key)
            named_in = {item["index"]: n for n, item in runner.get_input_details().items()}
            named_out = {item["index"]: n for n, item in runner.get_output_details().items()}
            if set(named_in) == set(inputs) and set(named_out) == set(outputs):
                return ({i: named_in[i] for i in inputs}, {i: named_out[i] for i in outputs})
        return inputs, outputs

    def _detections(self) -> Dict[int, str]:
        """Tensor index → "op:position" of what the post-processing op makes."""
        listing = getattr(self._interpreter, "_get_ops_details", None)
        found = [op for op in listing() if op["op_name"] == _POSTPROCESS] if listing else []
        if len(found) != 1:
            return {}
        return {int(i): f"{_POSTPROCESS}:{at}" for at, i in enumerate(found[0]["outputs"])}

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The primary subgraph's inputs."""
        if self._interpreter is None:
            return self._closed_inputs
        details = self._interpreter.get_input_details()
        return tuple(_spec(item, self._input_names[item["index"]], None) for item in details)

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """Its outputs; a dimension that the file leaves open is None, whatever is reported.

        Where a run showed another size than a file without open dimensions had declared, what
        was seen counts.
        """
        if self._interpreter is None:
            return self._closed_outputs
        return tuple(
            _spec(item, name, self._shapes.get(name), self._sources.get(item["index"], ""))
            for item in self._interpreter.get_output_details()
            for name in [self._output_names[item["index"]]]
        )

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        self._invoke(feeds)
        lite = self._interpreter
        heads = {name: lite.get_tensor(index) for index, name in self._output_names.items()}
        self._shapes = {name: array.shape for name, array in heads.items()}
        return heads

    def stream(
        self, feeds: Feeds, indices: Optional[Sequence[int]] = None
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """Run once, then tensors by index, one at a time: the outputs, or those asked for.

        Tensors that are no outputs hold their values with ``preserve`` only. One that holds no
        data (it is unused, or computed from constants alone) is left out.
        """
        check_feeds(self.inputs(), feeds)
        if self._closed:
            raise AdapterError("run-failed", reason="the runtime has been closed")
        try:
            self._invoke(feeds)
        except Exception as error:
            raise failed_run(error) from error
        for index in self._output_names if indices is None else indices:
            try:
                array = self._interpreter.get_tensor(index)
            except ValueError:
                continue
            yield index, array

    def _invoke(self, feeds: Feeds) -> None:
        lite = self._interpreter
        details = lite.get_input_details()
        resized = False
        for item in details:
            array = feeds[self._input_names[item["index"]]]
            if tuple(item["shape"]) != array.shape:
                lite.resize_tensor_input(item["index"], array.shape)
                resized = True
        if resized:
            lite.allocate_tensors()
        for item in details:
            lite.set_tensor(item["index"], feeds[self._input_names[item["index"]]])
        lite.invoke()

    def identity(self) -> Dict[str, Any]:
        """Library, version, threads, and the delegate that was really applied."""
        name, version = self._versioned()
        return {
            "library": name,
            "version": version,
            "threads": self.options["threads"],
            **self._delegate(),
            "interpreter": self.options["interpreter"],
            **machine(),
        }

    def _versioned(self) -> Tuple[str, str]:
        """The library's name and version."""
        names = {"litert": "ai-edge-litert", "tensorflow": "tensorflow"}
        name = names.get(self.options["interpreter"], "tflite-runtime")
        return name, version_of(self._library, name, "ai-edge-litert-nightly")

    def _delegate(self) -> Dict[str, Any]:
        """Asked for and applied differ: some builds (tflite-runtime 2.14) hold no XNNPACK."""
        if self._interpreter is None:
            return self._closed_delegate
        asked, found = self.options["delegate"], self._delegation()
        if asked == "none" or found is None:
            return {"delegate": asked}
        if not found.taken:
            return {"delegate": "none", "delegate_asked": asked}
        return {"delegate": asked, "delegated": f"{found.taken} of {found.ops} ops"}

    def _delegation(self) -> Optional[delegation.Delegation]:
        return delegation.delegation(self._interpreter)

    def check_applied(self) -> None:
        """Raise where the suite names a delegate and another one runs, or none."""
        delegation.check(self.artifact.options.get("delegate"), self._delegation())

    def notes(self) -> Tuple[str, ...]:
        """Which ops a delegate that the suite names has left."""
        if self._interpreter is None:
            return ()
        return delegation.note(self.artifact.options.get("delegate"), self._delegation())

    def _release(self) -> None:
        self._closed_delegate = self._delegate()
        self._closed_inputs, self._closed_outputs = self.inputs(), self.outputs()
        self._interpreter = None


def _spec(
    item: Mapping[str, Any], name: str, seen: Optional[Tuple[int, ...]], source: str = ""
) -> TensorSpec:
    reported = [int(size) for size in item["shape"]]
    declared = [int(size) for size in item.get("shape_signature", reported)]
    if len(declared) != len(reported):
        declared = reported
    shape: Tuple[Optional[int], ...] = tuple(None if size < 0 else size for size in declared)
    if seen is not None and (len(seen) != len(shape) or None not in shape):
        shape = tuple(seen)
    return TensorSpec(name, shape, np.dtype(item["dtype"]).name, _quantization(item), source)


def _quantization(item: Mapping[str, Any]) -> Optional[Quantization]:
    parameters = item["quantization_parameters"]
    scales = tuple(float(value) for value in parameters["scales"])
    if not scales:
        return None
    zeros = tuple(int(value) for value in parameters["zero_points"])
    return Quantization(scales, zeros, int(parameters["quantized_dimension"]))
