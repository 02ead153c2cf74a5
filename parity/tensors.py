"""Tensors at the border of a runtime: layout, dtype, quantisation. Each conversion exists once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parity.runtimes.contract import Quantization, TensorSpec

Array = NDArray[Any]
Shape = tuple[int | None, ...]

LAYOUTS = ("NCHW", "NHWC")
_FLOATS = ("float16", "float32", "float64")
_INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "int64")
_REMEDY = 'say layout = "NCHW" or layout = "NHWC" in the table of this runtime'


def quantize(array: ArrayLike, quantization: Quantization, dtype: str) -> Array:
    """Real numbers as integers of ``dtype``: round(x / scale) + zero point, saturated.

    As TensorFlow Lite's QUANTIZE does: the division is in float32, halves are rounded away from
    zero, and only then the zero point is added. A deployment that rounds halves to even
    (``numpy.round``) differs by one step on exact halves only. Per channel along ``axis`` where
    there is more than one scale. Raises ``ValueError`` for NaN and infinity.
    """
    limits = _limits(dtype)
    values = np.asarray(array, dtype=np.float32)
    bad = nonfinite(values)
    if bad.total:
        raise ValueError(f"expected finite numbers to quantise, found {bad}")
    scale, zero_point = _parameters(quantization, values.shape)
    with np.errstate(over="ignore"):
        steps = (values / scale.astype(np.float32)).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    raw: Array = np.clip(rounded, limits.min, limits.max).astype(dtype)
    return raw


def dequantize(raw: ArrayLike, quantization: Quantization) -> NDArray[np.float32]:
    """Integers as real numbers, (raw - zero point) * scale, in int64 and then float64."""
    values = np.asarray(raw)
    if values.dtype.kind not in "iu":
        raise ValueError(f"expected integers to dequantise, found {values.dtype}")
    scale, zero_point = _parameters(quantization, values.shape)
    real: NDArray[np.float32] = ((values.astype(np.int64) - zero_point) * scale).astype(np.float32)
    return real


def _limits(dtype: str) -> np.iinfo[Any]:
    if dtype not in _INTEGERS:
        raise ValueError(f"expected one of {', '.join(_INTEGERS)} to quantise to, found {dtype!r}")
    return np.iinfo(dtype)


def _parameters(
    quantization: Quantization, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scale and zero point, shaped so that they broadcast over ``shape`` along the axis."""
    scale = np.asarray(quantization.scale, dtype=np.float64)
    zero_point = np.asarray(quantization.zero_point, dtype=np.int64)
    if scale.size != zero_point.size or scale.size == 0:
        raise ValueError(
            f"expected as many zero points as scales, found {zero_point.size} and {scale.size}"
        )
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError(f"expected scales above 0, found {min(quantization.scale)}")
    if scale.size == 1:
        return scale.reshape(()), zero_point.reshape(())
    axis = quantization.axis
    if not -len(shape) <= axis < len(shape) or shape[axis] != scale.size:
        raise ValueError(
            f"expected {scale.size} channels along axis {axis}, one per scale, found shape {shape}"
        )
    along = [1] * len(shape)
    along[axis] = scale.size
    return scale.reshape(along), zero_point.reshape(along)


@dataclass(frozen=True)
class NonFinite:
    """How many values of a tensor are NaN, and how many are infinite."""

    nan: int
    inf: int

    @property
    def total(self) -> int:
        """How many values are not finite."""
        return self.nan + self.inf

    def __str__(self) -> str:
        return f"{self.nan} NaN and {self.inf} infinite"


def nonfinite(array: ArrayLike) -> NonFinite:
    """Counts of NaN and infinity; integers have none."""
    values = np.asarray(array)
    if values.dtype.kind not in "fc" or not may_hold_nonfinite(values):
        return NonFinite(0, 0)
    nan = int(np.isnan(values).sum())
    return NonFinite(nan, int((~np.isfinite(values)).sum()) - nan)


def may_hold_nonfinite(values: Array) -> bool:
    """False only where every value is finite: one NaN or infinity makes the sum one too.

    One pass without a mask in memory. Finite values whose sum overflows say True.
    """
    with np.errstate(all="ignore"):
        return not np.isfinite(values.sum())


@dataclass(frozen=True, eq=False)
class Arranged:
    """One input as a runtime takes it, and the layout it is in: "NCHW" or "NHWC".

    ``layout`` is "as given" where a preprocessing function made the whole tensor and its shape does
    not tell which of the two it is.
    """

    array: Array
    layout: str


def arrange(canvas: ArrayLike, spec: TensorSpec, layout: str | None = None) -> Arranged:
    """The prepared image as ``spec`` wants it: batch of one, layout, dtype, quantisation.

    ``canvas`` is (H, W, 3), grey (H, W, 1), or with its batch what a preprocessing function
    returned. The layout follows from the spec's shape; where that does not say it, ``layout`` (the
    suite's) decides.
    Nothing is resized, broadcast or tried until it fits: whatever does not fit is a ``ValueError``.
    """
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"expected layout NCHW or NHWC, found {layout!r}")
    image = np.asarray(canvas)
    if image.size == 0:
        raise ValueError(f"{spec.name}: expected an image, found an empty array {image.shape}")
    if image.ndim == 4:
        placed = _given(image, spec, layout)
    elif image.ndim == 3 and image.shape[2] in (1, 3):
        wanted = _layout(spec, layout, image.shape[2])
        placed = Arranged(_with_batch(image, wanted), wanted)
    else:
        raise ValueError(
            f"{spec.name}: expected an image (H, W, 3) or a batch of one, found {image.shape}"
        )
    _check_shape(placed.array.shape, spec)
    return Arranged(np.ascontiguousarray(_typed(placed.array, spec)), placed.layout)


def _with_batch(image: Array, layout: str) -> Array:
    return (image.transpose(2, 0, 1) if layout == "NCHW" else image)[None]


def _given(batch: Array, spec: TensorSpec, layout: str | None) -> Arranged:
    """A whole tensor from a preprocessing function, as it is or turned to the layout needed."""
    if batch.shape[0] != 1:
        raise ValueError(f"{spec.name}: expected a batch of one image, found {batch.shape}")
    found = list(layouts_of(batch.shape))
    if len(found) != 1:
        fits = spec.shape is not None and _matches(batch.shape, spec.shape)
        return Arranged(batch, layout if fits and layout in found else "as given")
    wanted = _layout(spec, layout)
    if wanted == found[0]:
        return Arranged(batch, wanted)
    image = batch[0].transpose(1, 2, 0) if found[0] == "NCHW" else batch[0]
    return Arranged(_with_batch(image, wanted), wanted)


def layouts_of(shape: Shape, channels: int = 3) -> Iterator[str]:
    """The layouts that a shape of four dimensions can be: by the place of its channels."""
    if len(shape) == 4 and shape[1] == channels:
        yield "NCHW"
    if len(shape) == 4 and shape[3] == channels:
        yield "NHWC"


def _layout(spec: TensorSpec, declared: str | None, channels: int = 3) -> str:
    if spec.shape is None:
        return _declared(spec, declared, "no shape")
    shape = _text(spec.shape)
    if len(spec.shape) != 4:
        raise ValueError(f"{spec.name}: expected an input of 4 dimensions, found {shape}")
    possible = list(layouts_of(spec.shape, channels))
    if len(possible) == 1:
        if declared not in (None, possible[0]):
            raise ValueError(
                f'{spec.name}: layout = "{declared}" is declared, but the shape {shape} '
                f"of the input is {possible[0]}"
            )
        return possible[0]
    if possible:
        return _declared(spec, declared, f"{_channels(channels)} in both places of {shape}")
    if spec.shape[1] is not None and spec.shape[3] is not None:
        raise ValueError(
            f"{spec.name}: expected an input of {_channels(channels)}, (1, {channels}, H, W) or "
            f"(1, H, W, {channels}), found {shape}{_color(spec.shape, channels)}"
        )
    return _declared(spec, declared, shape)


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def _color(shape: Shape, channels: int) -> str:
    """What to say where the input has the other number of channels that an image can have."""
    if channels == 3 and 1 in (shape[1], shape[3]):
        return '; for one channel say color = "grey" in [preprocess]'
    if channels == 1 and 3 in (shape[1], shape[3]):
        return '; for three channels say color = "RGB" or color = "BGR" in [preprocess]'
    return ""


def _declared(spec: TensorSpec, declared: str | None, found: str) -> str:
    if declared is None:
        raise ValueError(
            f"{spec.name}: expected a shape that tells the layout, found {found}; {_REMEDY}"
        )
    return declared


def _matches(found: tuple[int, ...], wanted: Shape) -> bool:
    return len(found) == len(wanted) and all(
        want in (None, have) for have, want in zip(found, wanted, strict=True)
    )


def _check_shape(found: tuple[int, ...], spec: TensorSpec) -> None:
    if spec.shape is None or _matches(found, spec.shape):
        return
    message = f"{spec.name}: expected {_text(spec.shape)}, found {found}"
    if spec.shape[0] not in (None, 1):
        message += "; images are run one at a time, export the model with a batch of 1"
    elif any(_matches(swapped, spec.shape) for swapped in _swapped(found)):
        message += "; height and width are swapped, preprocess.size is [height, width]"
    else:
        message += "; see preprocess.size"
    raise ValueError(message)


def _swapped(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    batch, first, second, third = shape
    yield batch, first, third, second
    yield batch, second, first, third


def _text(shape: Shape) -> str:
    return "(" + ", ".join("?" if edge is None else str(edge) for edge in shape) + ")"


def _typed(array: Array, spec: TensorSpec) -> Array:
    dtype = spec.dtype or "float32"
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{spec.name}: expected numbers, found {array.dtype}")
    if dtype in _FLOATS:
        return _floating(array, spec.name, dtype)
    if dtype not in _INTEGERS:
        known = ", ".join(_FLOATS + _INTEGERS)
        raise ValueError(f"{spec.name}: expected an input of {known}, found {dtype}")
    if spec.quantization is not None:
        return quantize(array, spec.quantization, dtype)
    return _whole(array, spec.name, dtype)


def _floating(array: Array, name: str, dtype: str) -> Array:
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        cast: Array = array.astype(dtype)
    if nonfinite(cast).inf > nonfinite(array).inf:
        largest = float(np.abs(array).max())
        raise ValueError(f"{name}: expected values within the range of {dtype}, found {largest:g}")
    return cast


def _whole(array: Array, name: str, dtype: str) -> Array:
    """Values as they are, where they are integers that ``dtype`` holds."""
    limits = np.iinfo(dtype)
    low, high = float(array.min()), float(array.max())
    whole = nonfinite(array).total == 0 and bool((array == np.trunc(array)).all())
    if not whole or low < limits.min or high > limits.max:
        kind = "integers" if whole else "other numbers"
        raise ValueError(
            f"{name}: expected integers within {limits.min}..{limits.max}, as the input is {dtype} "
            f"without scale and zero point, found {kind} within {low:g}..{high:g}; "
            f"see preprocess.range, mean and std"
        )
    return array.astype(dtype)
