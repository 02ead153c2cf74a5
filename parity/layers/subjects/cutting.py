"""What the cuts of every file format share: the ends of a cut op.

A *cut* model holds some ops of a network, each with inputs and outputs of its own: nothing that one
op makes is read by another. So one run gives every op's answer to whatever it is fed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parity.layers.numbers.grids import Grid, raw, real
from parity.runtimes.contract import Quantization
from parity.tensors import Array


@dataclass(frozen=True)
class Port:
    """One end of a cut op: its name in the cut model, the tensor it stands for, how it is kept.

    ``dtype`` is numpy's name of what the cut model takes or gives. Where ``quantization`` is given,
    that is integers; the tensor's values are real numbers all the same.
    """

    name: str
    tensor: str
    dtype: str
    quantization: Quantization | None = None

    def stored(self, array: Array) -> Array:
        """Real numbers as the cut model takes them."""
        if self.quantization is not None:
            return raw(array, Grid(self.quantization, self.dtype))
        return np.asarray(array).astype(self.dtype, copy=False)

    def value(self, array: Array) -> Array:
        """What the cut model gave, as real numbers."""
        return array if self.quantization is None else real(array, self.quantization)


@dataclass(frozen=True)
class Ends:
    """The inputs and outputs of one cut op."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, eq=False)
class Cut:
    """A cut model as the bytes of its file, with the ends of each op by op index."""

    content: bytes
    ends: Mapping[int, Ends]
