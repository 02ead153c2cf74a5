"""The face that every network shows to the layer comparison, whatever its runtime.

A subject is made for looking: it is never the deployed session. Arrays in and out are real numbers
(quantised tensors are converted with the tensor's own scale and zero point), batch included, in the
subject's own layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from parity.runtimes.graph import Graph
from parity.tensors import Array


class Subject(Protocol):
    """One network, open for looking."""

    graph: Graph

    def clean(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """The graph's outputs by tensor name, from the deployed settings, nothing tapped."""
        ...

    def trace(self, feeds: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """Every intermediate tensor with its name, in execution order, one at a time.

        ``feeds`` are the graph's inputs by tensor name. A tensor may be valid only until the next
        one is asked for: whoever keeps it, copies it. The graph's outputs are among them.
        """
        ...

    def replay(self, feeds: Mapping[int, Mapping[str, Array]]) -> dict[int, dict[str, Array] | str]:
        """Single ops on given inputs: by op index, its non-constant inputs by tensor name.

        Each answer is the op's outputs by tensor name, or the reason why that op cannot be cut or
        run alone. The kernels are those that the deployment uses.
        """
        ...

    def close(self) -> None:
        """Release what is open."""
        ...
