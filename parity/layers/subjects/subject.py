"""The face that every network shows to the layer comparison, whatever its runtime.

A subject is made for looking: it is never the deployed session. Arrays in and out are real numbers
(quantised tensors are converted with the tensor's own scale and zero point), batch included, in the
subject's own layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from parity.layers.numbers.grids import Grid
from parity.runtimes.contract import Graph
from parity.tensors import Array

Feeds = Mapping[str, Array]
"""One image's inputs, by the graph's names of them."""

OpFeeds = Mapping[int, Mapping[str, Array]]
"""What single ops are fed: by op index, their inputs that are no constants by tensor name."""

Answers = dict[int, dict[str, Array] | str]
"""What single ops made: by op index, their outputs by tensor name, or why there are none."""


class Subject(Protocol):
    """One network, open for looking.

    ``grids`` are by tensor name, for the activations that it holds as integers. ``steady``: traced
    tensors stay valid until the next image is traced, so nobody need copy them.
    """

    @property
    def graph(self) -> Graph:
        """The network as data."""
        ...

    @property
    def grids(self) -> Mapping[str, Grid]:
        """Empty where everything is a real number."""
        ...

    @property
    def steady(self) -> bool:
        """Whether nothing is written over before the next image."""
        ...

    def clean(self, feeds: Feeds) -> dict[str, Array]:
        """The graph's outputs by tensor name, from the deployed settings, nothing tapped."""
        ...

    def trace(self, feeds: Feeds) -> Iterator[tuple[str, Array]]:
        """Every intermediate tensor with its name, in execution order, one at a time.

        ``feeds`` are the graph's inputs by tensor name. A tensor may be valid only until the next
        one is asked for: whoever keeps it, copies it. The graph's outputs are among them.
        """
        ...

    def replay(self, feeds: OpFeeds) -> Answers:
        """Single ops on given inputs: by op index, its non-constant inputs by tensor name.

        Each answer is the op's outputs by tensor name, or the reason why that op cannot be cut or
        run alone. The kernels are those that the deployment uses.
        """
        ...

    def close(self) -> None:
        """Release what is open."""
        ...
