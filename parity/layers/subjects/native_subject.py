"""A network under its own framework, open for looking, by the adapter that also runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from parity.layers.subjects.cutting import Port
from parity.runtimes.contract import Adapter, AdapterError
from parity.tensors import Array


class NativeSubject:
    """An open adapter whose framework shows its graph; the subject closes it.

    ``clean`` is the adapter's own run. ``trace`` and ``replay`` call single ops with the
    framework's own kernels: in PyTorch these are the run, to the bit; a compiled TensorFlow
    function may fuse what is called singly here, so the last bits of its outputs can differ.
    """

    def __init__(self, adapter: Adapter, example: Mapping[str, Array] | None = None) -> None:
        self._adapter = adapter
        fed = None if example is None else self._raw(example)
        self.graph = adapter.graph(fed)

    def clean(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by tensor name, from the deployed settings, nothing tapped."""
        heads = self._adapter.run(self._raw(feeds))
        return dict(zip(self.graph.outputs, heads.values(), strict=True))

    def trace(self, feeds: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Every tensor that an op makes, in execution order."""
        yield from self._adapter.trace(self._raw(feeds))

    def replay(self, feeds: Mapping[int, Mapping[str, Array]]) -> dict[int, dict[str, Array] | str]:
        """Single ops on given inputs, see ``Subject``."""
        return self._adapter.replay(feeds)

    def close(self) -> None:
        """Release the runtime."""
        self._adapter.close()

    def _raw(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """The graph's inputs as the adapter takes them; torch modules declare no type."""
        specs = self._adapter.inputs()
        expected, found = {spec.name for spec in specs}, set(feeds)
        if expected != found:
            wanted, given = (", ".join(sorted(names)) or "none" for names in (expected, found))
            raise AdapterError("run-failed", reason=f"the inputs are {wanted}; fed were {given}")
        return {
            spec.name: Port(
                spec.name, spec.name, spec.dtype or _dtype(feeds[spec.name]), spec.quantization
            ).stored(feeds[spec.name])
            for spec in specs
        }


def _dtype(array: Array) -> str:
    name = np.asarray(array).dtype.name
    return "float32" if name == "float64" else name
