"""What an adapter may offer beyond ``Adapter``: declared, so that whoever needs it can ask.

Python 3.8's ``isinstance`` with these looks for the methods by name, so an adapter need not name
them as bases.
"""

from typing import Any, Iterator, Protocol, Tuple, runtime_checkable

import numpy as np

from .data import Artifact, Feeds


@runtime_checkable
class Streaming(Protocol):
    """A runtime of files whose format the layers read and cut themselves."""

    artifact: Artifact
    """What it has opened."""

    def stream(self, feeds: Feeds, *which: Any) -> Iterator[Tuple[Any, np.ndarray]]:
        """Run once, then its outputs one at a time, each with its key, valid until the next run.

        The key is the output's name, or a tensor's index where the format numbers tensors; then
        ``which`` may be the indices that are wanted in the place of the outputs.
        """


@runtime_checkable
class Native(Protocol):
    """A framework that hands out the network itself, for exporters and round trips."""

    def native(self) -> Any:
        """The framework's own model."""
