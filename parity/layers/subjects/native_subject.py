"""A network under its own framework, open for looking, by the adapter that also runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from parity.layers.numbers.grids import Grid
from parity.layers.subjects.cutting import stored_inputs
from parity.layers.subjects.subject import Answers, Feeds, OpFeeds
from parity.runtimes.contract import Adapter
from parity.tensors import Array


class NativeSubject:
    """An open adapter whose framework shows its graph; the subject closes it.

    ``clean`` is the adapter's own run. ``trace`` and ``replay`` call single ops with the
    framework's own kernels: in PyTorch these are the run, to the bit; a compiled TensorFlow
    function may fuse what is called singly here, so the last bits of its outputs can differ.
    """

    grids: Mapping[str, Grid] = {}
    steady = False

    def __init__(self, adapter: Adapter, example: Feeds | None = None) -> None:
        self._adapter = adapter
        fed = None if example is None else self._raw(example)
        self.graph = adapter.graph(fed)

    def clean(self, feeds: Feeds) -> dict[str, Array]:
        """The outputs by tensor name, from the deployed settings, nothing tapped."""
        heads = self._adapter.run(self._raw(feeds))
        return dict(zip(self.graph.outputs, heads.values(), strict=True))

    def trace(self, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """Every tensor that an op makes, in execution order."""
        yield from self._adapter.trace(self._raw(feeds))

    def replay(self, feeds: OpFeeds) -> Answers:
        """Single ops on given inputs, see ``Subject``."""
        return self._adapter.replay(feeds)

    def close(self) -> None:
        """Release the runtime."""
        self._adapter.close()

    def _raw(self, feeds: Feeds) -> dict[str, Array]:
        specs = self._adapter.inputs()
        return stored_inputs(specs, [spec.name for spec in specs], feeds)
