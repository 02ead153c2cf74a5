"""How a faithful int8 op rounds: the steps of good weights, grids taken from values, saturation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parity.layers.numbers.grids import Grid, spanning
from parity.runtimes.contract import Quantization
from parity.tensors import Array


def ideal_step(
    weights: Array, raw: Array, quantization: Quantization, axis: int | None
) -> NDArray[np.float32]:
    """The step of good int8 weights, shaped to broadcast: the greatest value of each channel has
    the greatest integer. Unsigned weights, and those of no channel axis, have the candidate's own.

    ``raw`` tells how many bits are used: ONNX Runtime leaves one free for processors that saturate.
    """
    if axis is None or raw.dtype.kind == "u" or weights.ndim <= axis:
        step = np.asarray(quantization.scale, np.float32)
        if step.size > 1:
            along = [1] * weights.ndim
            along[quantization.axis] = step.size
            step = step.reshape(along)
        return step
    greatest = int(np.abs(raw.astype(np.int16)).max(initial=0))
    levels = next((one for one in (7, 64) if greatest <= one), 127)
    others = tuple(one for one in range(weights.ndim) if one != axis)
    step = np.abs(weights).max(axis=others, keepdims=True) / np.float32(levels)
    return np.asarray(step, np.float32)


def unused(raw: Array, quantization: Quantization) -> float:
    """How many times coarser weights are than if their scale used all integers, RMS over scales.

    It is for scales from the least to the greatest value, zero among them, of 8 bits, or of 7 where
    no integer needs the eighth. Zeros use none, and are left out.
    """
    values = raw.astype(np.int32)
    columns = values.reshape(1, -1) if len(quantization.scale) == 1 else np.moveaxis(
        values, quantization.axis, 0
    ).reshape(len(quantization.scale), -1)  # fmt: skip
    columns = columns - np.asarray(quantization.zero_point, np.int32).reshape(-1, 1)
    low, high = np.minimum(columns.min(axis=1), 0), np.maximum(columns.max(axis=1), 0)
    symmetric = raw.dtype.kind == "i" and not any(quantization.zero_point)
    spans = 2 * np.maximum(-low, high) if symmetric else high - low
    levels = 128 if spans.max(initial=0) <= 128 else 254
    used = spans[spans > 0]
    return float(np.sqrt(np.mean((levels / used) ** 2))) if used.size else 1.0


def onto(weights: Array, step: NDArray[np.float32]) -> Array:
    """Weights, each moved to the nearest multiple of the step."""
    safe = np.where(step > 0, step, 1)
    return np.asarray(np.rint(weights / safe) * step, np.float32)


def simulated(weights: Array, step: NDArray[np.float32], seed: int) -> Array:
    """Rounded weights with noise of at most half a step, as the exact ones lie around them."""
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, weights.shape).astype(np.float32)
    return np.asarray(weights + noise * step, np.float32)


def dynamic(array: Array) -> Grid | None:
    """The 8-bit grid from the least to the greatest value, as dynamic quantisation takes it."""
    low, high = min(float(array.min(initial=0)), 0.0), max(float(array.max(initial=0)), 0.0)
    if not (np.isfinite(low) and np.isfinite(high)) or high == low:
        return None
    return spanning(low, high, "int8")


def saturated(exact: Array, grid: Grid) -> Array:
    """What an exact op makes together with the activation that its grid stands for.

    A grid that begins at zero is a ReLU, one that also ends at six a ReLU6: exporters to int8 leave
    the op out where saturating integers do the same.
    """
    low, high = grid.limits()
    step = max(grid.quantization.scale)
    if abs(float(low.max())) > 1e-6 * step:
        return exact
    most = 6.0 if abs(float(high.min()) - 6.0) <= step else None
    return np.asarray(np.clip(exact, 0, most))


def square(array: Array) -> float:
    """The sum of squares, in float64."""
    flat = np.asarray(array, np.float64).reshape(-1)
    return float(np.dot(flat, flat))
