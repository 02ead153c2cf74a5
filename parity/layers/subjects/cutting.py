"""What the cuts of every file format share: the ends of a cut op, and what is fed to them.

A *cut* model holds some ops of a network, each with inputs and outputs of its own: nothing that one
op makes is read by another. So one run gives every op's answer to whatever it is fed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.layers.numbers.grids import Grid, raw, real
from parity.layers.subjects.subject import Feeds, OpFeeds
from parity.runtimes.contract import AdapterError, Quantization, TensorSpec
from parity.tensors import Array

Sizes = Mapping[str, tuple[int, ...]]
"""Shapes by tensor name."""


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

    def stored(self, feeds: OpFeeds) -> tuple[dict[str, Array], dict[int, str]]:
        """Feeds as the cut model takes them, by its inputs' names; and why those of an op do not
        fit, which gets zeros instead."""
        raw: dict[str, Array] = {}
        unfit: dict[int, str] = {}
        for index, given in feeds.items():
            for port in self.ends[index].inputs:
                try:
                    raw[port.name] = port.stored(given[port.tensor])
                except ValueError as error:
                    unfit[index] = f"{port.tensor}: {error}"
                    raw[port.name] = np.zeros(given[port.tensor].shape, port.dtype)
        return raw, unfit


def shapes_of(feeds: OpFeeds) -> dict[int, dict[str, tuple[int, ...]]]:
    """The shapes of what ops are fed."""
    return {
        index: {name: array.shape for name, array in given.items()}
        for index, given in feeds.items()
    }


def stored_inputs(
    specs: Sequence[TensorSpec], tensors: Sequence[str], feeds: Feeds
) -> dict[str, Array]:
    """One image's inputs as an adapter takes them, by its own names.

    ``tensors`` are the graph's names of what the adapter declares in ``specs``. Where no type is
    declared, as torch modules do not, numbers stay as they are, but for float64.
    """
    if set(tensors) != set(feeds):
        wanted, given = (", ".join(sorted(names)) or "none" for names in (tensors, feeds))
        raise AdapterError("run-failed", reason=f"the inputs are {wanted}; fed were {given}")
    return {
        spec.name: Port(
            spec.name, tensor, spec.dtype or _dtype(feeds[tensor]), spec.quantization
        ).stored(feeds[tensor])
        for spec, tensor in zip(specs, tensors, strict=True)
    }


def _dtype(array: Array) -> str:
    name = np.asarray(array).dtype.name
    return "float32" if name == "float64" else name
