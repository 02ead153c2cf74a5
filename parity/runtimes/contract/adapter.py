"""What every adapter is. Standard library and numpy only, Python 3.8 syntax."""

from typing import Any, Dict, Iterator, Mapping, Optional, Tuple, Union

import numpy as np

from .data import Artifact, Feeds, Heads, Library, TensorSpec
from .failure import AdapterError
from .graph import Graph

_NO_INSIDE = "this runtime does not show what is inside a network"


class Adapter:
    """The base of all adapters; what a runtime cannot do stays as it is here and says so."""

    kind = ""

    @classmethod
    def requires(cls, options: Mapping[str, Any]) -> Tuple[Library, ...]:
        """The libraries without which it cannot run under these options; () for the usual."""
        return ()

    def __init__(self, artifact: Artifact) -> None:
        raise NotImplementedError

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The inputs, in the artifact's order."""
        raise NotImplementedError

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """The outputs as declared, in the artifact's order; empty where none are declared."""
        raise NotImplementedError

    def run(self, feeds: Feeds) -> Heads:
        """All outputs by name, in the artifact's order, for one batch of raw inputs by name."""
        raise NotImplementedError

    def graph(self, example: Optional[Feeds] = None) -> Graph:
        """The network as data; its inputs are called as ``inputs()`` calls them.

        Outputs stand in the order of ``run``'s heads. ``example`` are feeds for a framework that
        knows its network only by running it; the first call decides.
        """
        raise AdapterError("cannot-trace", kind=self.kind, reason=_NO_INSIDE)

    def trace(self, feeds: Feeds) -> Iterator[Tuple[str, np.ndarray]]:
        """Every tensor that the graph's ops make, with its name, in execution order.

        Quantised tensors come as real numbers. An array may be valid only until the next one is
        asked for.
        """
        raise AdapterError("cannot-trace", kind=self.kind, reason=_NO_INSIDE)

    def replay(self, feeds: Mapping[int, Feeds]) -> Dict[int, Union[Dict[str, np.ndarray], str]]:
        """Single ops by index on their non-constant inputs: outputs by name, or why not.

        Inputs of another dtype are converted to the op's own.
        """
        raise AdapterError("cannot-trace", kind=self.kind, reason=_NO_INSIDE)

    def identity(self) -> Dict[str, Any]:
        """Library, version, threads, device, delegate: what else could change a number."""
        raise NotImplementedError

    def check_applied(self) -> None:
        """Raise ``not-applied`` where the options ask for what does not run; asked once, when open.

        A provider, a device or a delegate that was asked for by name and took nothing over. It is
        asked of the deployed artifact alone: of single ops cut out of it, none need fit.
        """

    def notes(self) -> Tuple[str, ...]:
        """What whoever reads the results should know of this artifact."""
        return ()

    def close(self) -> None:
        """Release what the library holds."""
