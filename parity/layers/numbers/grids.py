"""The values that a quantised tensor can hold, and the way onto them and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parity.runtimes.contract import Quantization
from parity.tensors import Array, dequantize, quantize


@dataclass(frozen=True)
class Grid:
    """The values that a quantised tensor can hold: ``(q - zero_point) * scale`` for q of dtype."""

    quantization: Quantization
    dtype: str

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the greatest real value, per scale."""
        scale = np.asarray(self.quantization.scale, dtype=np.float64)
        zero = np.asarray(self.quantization.zero_point, dtype=np.float64)
        kind = np.iinfo(self.dtype)
        return (kind.min - zero) * scale, (kind.max - zero) * scale

    def onto(self, array: Array) -> NDArray[np.float32]:
        """Real numbers, each moved to the nearest one of the grid (fake quantisation)."""
        return real(raw(array, self), self.quantization)


def spanning(low: float, high: float, dtype: str, steps: int | None = None) -> Grid:
    """The grid whose least integer stands for ``low`` ≤ 0, with so many steps up to ``high`` ≥ 0.

    By default these are all that the type has, so that the greatest integer stands for ``high``.
    """
    kind = np.iinfo(dtype)
    count = int(kind.max) - int(kind.min) if steps is None else steps
    scale = (high - low) / count or 1.0
    zero = min(int(kind.min) - round(low / scale), int(kind.max))
    return Grid(Quantization((scale,), (zero,)), dtype)


def raw(array: Array, grid: Grid) -> Array:
    """Real numbers as integers of the grid, saturated, in one float32 array where that is exact.

    Halves go to even, as QuantizeLinear has it; QUANTIZE of TensorFlow Lite moves them away from
    zero, which differs by one step on exact halves only. Raises ``ValueError`` for NaN, infinity.
    """
    scale, zero = grid.quantization.scale, grid.quantization.zero_point
    kind = np.iinfo(grid.dtype)
    if len(scale) != 1 or len(zero) != 1 or kind.bits > 16 or abs(zero[0]) > 1 << 16:
        return quantize(array, grid.quantization, grid.dtype)
    # An array again: numpy makes a number without shape of a tensor without axes.
    steps: NDArray[np.float32] = np.asarray(
        np.divide(array, np.float32(scale[0]), dtype=np.float32)
    )
    if steps.size and not (np.isfinite(steps.min()) and np.isfinite(steps.max())):
        return quantize(array, grid.quantization, grid.dtype)
    np.rint(steps, out=steps)
    np.clip(steps, kind.min - zero[0], kind.max - zero[0], out=steps)
    np.add(steps, np.float32(zero[0]), out=steps)
    return steps.astype(grid.dtype)


def real(raw: Array, quantization: Quantization) -> NDArray[np.float32]:
    """``parity.tensors.dequantize``, bit for bit, in one float32 array where that is exact.

    It is for one float32 scale and integers of at most 16 bits: the difference to the zero point
    then has no more than 24 bits, and so float32 rounds once, as float64 and then float32 do.
    """
    scale = quantization.scale
    narrow = raw.dtype.kind in "iu" and raw.dtype.itemsize <= 2
    if not (len(scale) == 1 and narrow and float(np.float32(scale[0])) == scale[0] > 0):
        return dequantize(raw, quantization)
    values: NDArray[np.float32] = np.array(raw, np.float32)
    if len(quantization.zero_point) != 1 or abs(quantization.zero_point[0]) > 1 << 16:
        return dequantize(raw, quantization)
    np.subtract(values, np.float32(quantization.zero_point[0]), out=values)
    np.multiply(values, np.float32(scale[0]), out=values)
    return values
