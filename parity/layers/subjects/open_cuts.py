"""Cut models that are open in the deployed runtime, and stay so from one image to the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from parity.layers.subjects.cutting import Cut
from parity.layers.subjects.subject import OpFeeds
from parity.runtimes.contract import Adapter
from parity.tensors import Array

_KEPT = 12
"""Groups of open models: one image needs as many as there are waves of ops."""


@dataclass(frozen=True, eq=False)
class OpenCut:
    """A cut model and the runtime in which it is open."""

    cut: Cut
    adapter: Adapter


class OpenCuts:
    """Cut models by what they are for; those that were longest not asked for are closed."""

    def __init__(self) -> None:
        self._open: OrderedDict[Hashable, tuple[OpenCut, ...]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[OpenCut, ...]]) -> tuple[OpenCut, ...]:
        """The models for a key, made where they are not open."""
        if key not in self._open:
            self._open[key] = make()
        self._open.move_to_end(key)
        while len(self._open) > _KEPT:
            _close(self._open.popitem(last=False)[1])
        return self._open[key]

    def close(self) -> None:
        """Close them all."""
        for some in self._open.values():
            _close(some)
        self._open.clear()


def _close(some: tuple[OpenCut, ...]) -> None:
    for one in some:
        one.adapter.close()


def key_of(feeds: OpFeeds) -> Hashable:
    """The same for ops that are fed tensors of the same shapes."""
    return frozenset(op_key(index, given) for index, given in feeds.items())


def op_key(index: int, given: Mapping[str, Array]) -> Hashable:
    """The same for one op that is fed tensors of the same shapes."""
    return index, frozenset((name, array.shape) for name, array in given.items())
