"""A TFLite file under its interpreter, open for looking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from parity.layers.numbers.grids import Grid
from parity.layers.subjects.cutting import Cut, Port, Sizes
from parity.layers.subjects.file_subject import FileSubject, Open, Script, Shapes, streaming
from parity.layers.subjects.subject import Feeds, OpFeeds
from parity.layers.subjects.tflite import cut as tflite_cut
from parity.layers.subjects.tflite import file as tflite_file
from parity.runtimes.contract import Adapter, Artifact, Op
from parity.tensors import Array

_SCRIPT = """\
model = {interpreter}("model.tflite", num_threads={threads}{resolver})
model.allocate_tensors()
for one in model.get_input_details():
    model.set_tensor(one["index"], inputs[one["name"]])
model.invoke()
found = {{one["name"]: model.get_tensor(one["index"]) for one in model.get_output_details()}}
"""
_INTERPRETERS = {
    "litert": ("import ai_edge_litert.interpreter as lite", "lite.Interpreter"),
    "tflite-runtime": ("import tflite_runtime.interpreter as lite", "lite.Interpreter"),
    "tensorflow": ("import tensorflow as tf", "tf.lite.Interpreter"),
}


class TFLiteSubject(FileSubject):
    """Tensors come from an interpreter that preserves them all, one op a delegate.

    Ops are replayed with the kernels and the delegate of the deployment. Integers are turned into
    real numbers with the tensor's own scale and zero point, per channel where it has many.
    """

    inside = "tflite"
    suffix = ".tflite"

    def __init__(
        self, artifact: Artifact, open_: Open | None = None, deployed: Adapter | None = None
    ) -> None:
        super().__init__(artifact, open_, deployed)
        self.file = tflite_file.read(artifact.model)
        self.graph = self.file.graph
        self.grids = self.file.grids
        self._preserving: Adapter | None = None
        self._made: dict[str, tuple[int, ...]] = {}

    def trace(self, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """Every tensor that an op makes; constants, text and resources are left out."""
        if self._preserving is None:
            options = self.looking("preserve", True)
            again = replace(self.artifact, options=options)
            self._preserving = self.opened(again)
        adapter = self._preserving
        names = self.file.names
        wanted = [
            self.file.indices[name]
            for op in self.graph.ops
            for name in op.outputs
            if name in self.file.dtypes and name not in self.graph.constants
        ]
        quantization = self.graph.quantization
        raw = self.raw(adapter, feeds)
        for index, array in streaming(adapter).stream(raw, wanted):
            name = names[index]
            self._made[name] = array.shape
            yield name, Port(name, name, "", quantization.get(name)).value(array)

    def cut(self, shapes: Shapes, weights: OpFeeds | None = None) -> Cut:
        """One model of these ops; of their float twins where ``weights`` are given."""
        return tflite_cut.cut(self.file, shapes, self._made, weights)

    def joined(self, indices: Sequence[int], sizes: Sizes) -> Cut:
        """One model of these ops as they are connected."""
        return tflite_cut.joined(self.file, indices, sizes, self._made)

    def grid_in(self, op: Op, name: str) -> Grid | None:
        """The grid to which replaying an op moves this input of it."""
        return self.grids.get(name)

    def grid_out(self, op: Op, name: str) -> Grid | None:
        """The grid on which replaying an op gives this output of it."""
        return self.grids.get(name)

    def stream(self, adapter: Adapter, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """One run's outputs by name in the model."""
        names = [spec.name for spec in adapter.outputs()]
        found = streaming(adapter).stream(feeds)
        for name, (_, array) in zip(names, found, strict=True):
            yield name, array

    def usual_script(self) -> Script:
        """How a script runs a model as this one is deployed."""
        options = self.artifact.options
        interpreter = options.get("interpreter", "litert")
        library, name = _INTERPRETERS[interpreter]
        resolver = ""
        if options.get("delegate") == "none":
            module = "tf.lite.experimental" if interpreter == "tensorflow" else "lite"
            kind = f"{module}.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES"
            resolver = f", experimental_op_resolver_type={kind}"
        threads = options.get("threads") or 1
        lines = _SCRIPT.format(interpreter=name, threads=threads, resolver=resolver)
        return Script(library, lines)

    def close(self) -> None:
        """Release what is open."""
        if self._preserving is not None:
            self._preserving.close()
            self._preserving = None
        super().close()
