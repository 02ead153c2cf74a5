"""An ONNX file under ONNX Runtime, open for looking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from parity.layers.numbers.grids import Grid
from parity.layers.subjects.cutting import Cut, Port, Sizes
from parity.layers.subjects.file_subject import FileSubject, Open, Script, Shapes, streaming
from parity.layers.subjects.onnx import blocks as onnx_blocks
from parity.layers.subjects.onnx import cut as onnx_cut
from parity.layers.subjects.onnx import file as onnx_file
from parity.layers.subjects.subject import Feeds, OpFeeds
from parity.runtimes.contract import LOST, Adapter, AdapterError, Artifact, Op
from parity.tensors import Array

_SCRIPT = """\
options = ort.SessionOptions()
options.intra_op_num_threads = {threads}
options.graph_optimization_level = ort.GraphOptimizationLevel.{level}
session = ort.InferenceSession("model.onnx", options, providers={providers})
found = dict(zip([one.name for one in session.get_outputs()], session.run(None, inputs)))
"""
_LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "disabled": "ORT_DISABLE_ALL",
}


class OnnxSubject(FileSubject):
    """Tensors come from a session without optimisation, in which looking changes no bit.

    Ops are replayed at the deployment's own level, with its kernels and threads; what it fuses
    across ops (but for QDQ, see ``cut.py``) stays apart in a cut model.
    """

    inside = "onnx"
    suffix = ".onnx"
    steady = True

    def __init__(
        self, artifact: Artifact, open_: Open | None = None, deployed: Adapter | None = None
    ) -> None:
        super().__init__(artifact, open_, deployed)
        self.file = onnx_file.read(artifact.model, self._block)
        self.graph = self.file.graph
        self.grids = self.file.grids
        self._units = onnx_cut.Units(self.file)
        self._names = onnx_file.tappable(self.file)
        self._tapped: Adapter | None = None
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._types: dict[str, str] | None = None

    def trace(self, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """Every tensor that an op makes; constants, text and what is no tensor are left out.

        Each is valid until the next image: all images are written into the same memory.
        """
        shapes = {name: np.shape(array) for name, array in feeds.items()}
        adapter = self._looking(shapes)
        quantization = self.graph.quantization
        every = streaming(adapter).stream(self.raw(adapter, feeds))
        found = {name: array for name, array in every if array.dtype.kind in "fiub"}
        for name in dict.fromkeys((*self._names, *self.graph.outputs)):
            if name in found:
                yield name, Port(name, name, "", quantization.get(name)).value(found[name])

    def _looking(self, shapes: dict[str, tuple[int, ...]] | None) -> Adapter:
        """The tapped session, for inputs of these shapes."""
        if self._tapped is not None and (shapes is None or shapes == self._shapes):
            return self._tapped
        if self._tapped is not None:
            self._tapped.close()
        content = onnx_file.tapped(self.file, self._names, shapes)
        options = self.looking("optimization", "disabled")
        self._tapped, self._shapes = self.load(content, options), shapes
        specs = (*self._tapped.inputs(), *self._tapped.outputs())
        self._types = {spec.name: spec.dtype for spec in specs}
        return self._tapped

    def dtypes(self) -> dict[str, str]:
        """numpy's names of the types of tensors, as the runtime infers them."""
        if self._types is None:
            self._looking(None)
        return self._types or {}

    def _block(self) -> int | None:
        """How many channels this runtime has in a block, on this processor; None: it has none."""
        try:
            adapter = self.load(onnx_blocks.probe(), self.artifact.options)
        except AdapterError as error:
            if error.code in LOST:
                raise
            return None
        try:
            (made,) = adapter.run({"plain": np.zeros((1, 4, 1, 1), np.float32)}).values()
            return int(made.shape[1])
        finally:
            adapter.close()

    def cut(self, shapes: Shapes, weights: OpFeeds | None = None) -> Cut:
        """One model of these ops; of their float twins where ``weights`` are given."""
        return onnx_cut.cut(self.file, self._units, shapes, self.dtypes(), weights)

    def joined(self, indices: Sequence[int], sizes: Sizes) -> Cut:
        """One model of these ops as they are connected."""
        return onnx_cut.joined(self.file, self._units, indices, sizes, self.dtypes())

    def grid_in(self, op: Op, name: str) -> Grid | None:
        """The grid to which replaying an op moves this input of it."""
        return self._units.grid_in(op, name)

    def grid_out(self, op: Op, name: str) -> Grid | None:
        """The grid on which replaying an op gives this output of it."""
        return self._units.grid_out(op, name)

    def stream(self, adapter: Adapter, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """One run's outputs by name in the model."""
        yield from streaming(adapter).stream(feeds)

    def usual_script(self) -> Script:
        """How a script runs a model as this one is deployed."""
        options = self.artifact.options
        provider = options.get("provider") or "CPUExecutionProvider"
        lines = _SCRIPT.format(
            threads=options.get("threads") or 1,
            level=_LEVELS[options.get("optimization", "all")],
            providers=ascii(list(dict.fromkeys([provider, "CPUExecutionProvider"]))),
        )
        return Script("import onnxruntime as ort", lines)

    def close(self) -> None:
        """Release what is open."""
        if self._tapped is not None:
            self._tapped.close()
            self._tapped = None
        super().close()
