"""The ranges of activations, found on representative images, for both int8 exporters.

A range leaves out one value in ``1 / RARE`` at either end. Minimum and maximum, which converters
take by themselves, let one outlier of one image make every step coarser: on the bundled detectors,
the 95th percentile of score differences is halved without the outliers.
"""

from __future__ import annotations

import math

import numpy as np

from parity.tensors import Array

RARE = 1e-5
_IMAGES = 1000  # of so many images the ends are kept exactly; beyond, still less is left out
_SATURATED = 8.0


class Ranges:
    """The lowest and highest values of many tensors, by name, over many images."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}
        self._lowest: dict[str, Array] = {}
        self._highest: dict[str, Array] = {}

    def add(self, name: str, values: Array) -> None:
        """Take one image's tensor into account."""
        flat = values.ravel()
        keep = math.ceil(flat.size * RARE * _IMAGES) + 1
        self._count[name] = self._count.get(name, 0) + flat.size
        self._highest[name] = _largest(self._highest.get(name), flat, keep)
        self._lowest[name] = -_largest(_negative(self._lowest.get(name)), -flat, keep)

    def __contains__(self, name: str) -> bool:
        return name in self._count

    def of(self, name: str, saturating: bool = False) -> tuple[np.float32, np.float32]:
        """Low and high, which always include zero.

        ``saturating``: what reads the tensor is a softmax or a sigmoid, to which all values beyond
        8 are alike: they move a probability by less than 4e-4, a tenth of a step of int8.
        """
        rank = int(self._count[name] * RARE)
        high = float(np.sort(self._highest[name])[::-1][min(rank, self._highest[name].size - 1)])
        low = float(np.sort(self._lowest[name])[min(rank, self._lowest[name].size - 1)])
        if saturating:
            low, high = max(low, -_SATURATED), min(high, _SATURATED)
        return np.float32(min(low, 0.0)), np.float32(max(high, 0.0))


def _negative(values: Array | None) -> Array | None:
    return None if values is None else -values


def _largest(known: Array | None, found: Array, keep: int) -> Array:
    """The ``keep`` largest of both, in no order."""
    if known is not None:
        if known.size >= keep:
            found = found[found > known.min()]
        found = np.concatenate([known, found])
    if found.size > keep:
        found = np.partition(found, found.size - keep)[found.size - keep :]
    return found.copy()
