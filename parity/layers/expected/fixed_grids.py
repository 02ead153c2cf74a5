"""Grids that an op's definition fixes, whatever values it makes.

An int8 softmax, logistic, tanh or L2 normalisation has the grid of everything that it could make,
and so has what is only moved, sliced or concatenated of it: no calibration chose it. Source: the
operator list of the TensorFlow Lite 8-bit quantization specification; ONNX Runtime gives softmax
the same.
"""

from __future__ import annotations

import numpy as np

from parity.layers.graph.roles import LOOK_THROUGH, Role
from parity.layers.graph.semantics import bare_type
from parity.layers.graph.view import View
from parity.layers.numbers.grids import Grid, spanning
from parity.runtimes.contract import Op

_SPANS = {
    "softmax": (0.0, 1.0), "biassoftmax": (0.0, 1.0), "logistic": (0.0, 1.0),
    "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "l2normalization": (-1.0, 1.0),
    "lpnormalization": (-1.0, 1.0), "logsoftmax": (-16.0, 0.0),
}  # fmt: skip
_KEEPS_GRID = LOOK_THROUGH | {Role.CONCAT, Role.SLICE, Role.REARRANGE}


def fixed(view: View, name: str, dtype: str) -> Grid | None:
    """The grid that the definition of what makes a tensor gives it; None where it gives none.

    Of what is concatenated, the widest one.
    """
    spans = _spans(view, name)
    if not spans:
        return None
    low, high = min(low for low, _ in spans), max(high for _, high in spans)
    kind = np.iinfo(dtype)
    if kind.bits > 8:  # symmetric around zero
        low, high = -max(-low, high), max(-low, high)
    return spanning(low, high, dtype, 2**kind.bits)


def _spans(view: View, name: str) -> list[tuple[float, float]]:
    """What the ops could make whose values a tensor holds."""
    found, waiting, seen = [], [name], {name}
    while waiting:
        op = view.producers.get(waiting.pop())
        if op is None:
            continue
        span = _SPANS.get(_word(view, op))
        if span is not None:
            found.append(span)
        elif view.roles[op.index] in _KEEPS_GRID:
            new = set(view.data_inputs(op)) - seen
            seen |= new
            waiting += new
    return found


def _word(view: View, op: Op) -> str:
    return bare_type(view.graph, op).removeprefix("qlinear")
