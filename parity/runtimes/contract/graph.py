"""A network as data: ops in execution order, tensors by name, constants. Python 3.8, numpy only."""

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Mapping, Tuple

import numpy as np

from .data import Quantization


@dataclass(frozen=True)
class Op:
    """One op in its runtime's own words.

    ``index`` is its place in execution order, ``kind`` the op type as the format spells it ("Conv",
    "CONV_2D", "aten.conv2d.default", "Conv2D"). ``inputs`` and ``outputs`` are tensor names in the
    op's own order, constants included, "" for an optional input that is absent. ``attributes`` are
    plain values (numbers, text, tuples of them) under the format's own names.
    """

    index: int
    name: str
    kind: str
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A whole network.

    ``format``: "onnx", "tflite", "torch", "keras" or "savedmodel". ``ops`` are in execution order.
    ``inputs`` and ``outputs`` are tensor names in the artifact's order. ``constants`` hold every
    weight and other constant by tensor name as stored (quantised ones as integers);
    ``quantization`` is by tensor name, for constants and activations, where there is any.
    ``problems`` say, by op index, what could not be understood of an op and why. ``opaque`` names
    tensors whose stored numbers say nothing by themselves (integers of an unknown scale).
    """

    format: str
    ops: Tuple[Op, ...]
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    constants: Mapping[str, np.ndarray]
    quantization: Mapping[str, Quantization] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    opaque: FrozenSet[str] = frozenset()

    def producers(self) -> Dict[str, Op]:
        """By tensor name, the op that makes it."""
        return {name: op for op in self.ops for name in op.outputs if name}

    def consumers(self) -> Dict[str, Tuple[Op, ...]]:
        """By tensor name, the ops that read it, in execution order."""
        found: Dict[str, Tuple[Op, ...]] = {}
        for op in self.ops:
            for name in dict.fromkeys(op.inputs):
                if name:
                    found[name] = (*found.get(name, ()), op)
        return found
