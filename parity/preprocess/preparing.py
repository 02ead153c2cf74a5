"""The recipe applied: resize, channel order, value range, mean and std.

Pixels are resized by the library that the recipe names, with that library's own call, because that
is what a deployment does: a kernel of the same name differs between libraries. Where it returns
floats, those are the pixels, unless the recipe casts them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Placement
from parity.errors import ImageError
from parity.preprocess.kernels import resize
from parity.preprocess.luma import luma
from parity.preprocess.placing import place, stretch
from parity.tensors import Array

if TYPE_CHECKING:
    from parity.suite.recipe import Recipe

Pixels = NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One image, ready to be arranged for a runtime.

    ``canvas``: float32 (H, W, 3), grey (H, W, 1), or what a preprocessing function returned.
    ``pixels``: the resized image before channel order, range, mean and std, uint8 (H, W, 3) RGB or
    the luma (H, W, 1), from which
    ``canvas_from_pixels`` makes the same canvas; None after a function, and where the kernel gives
    floats or the padding is no whole pixel value. ``size`` and ``image_size`` are (height, width)
    of input and image.
    """

    canvas: Array
    pixels: Pixels | None
    placement: Placement
    image_size: Size
    size: Size


def prepare(
    image: Pixels,
    recipe: Recipe,
    function: Callable[[Pixels], Any] | None = None,
    *,
    where: str = "preprocess",
) -> Prepared:
    """The image, uint8 (H, W, 3) RGB, as the recipe says; ``where`` names it in an ``ImageError``.

    ``function`` is what ``recipe.function`` names.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"expected uint8 (H, W, 3), found {image.dtype} {image.shape}")
    if recipe.function is not None:
        if function is None:
            raise ValueError(f"expected the function {recipe.function}, found nothing")
        return _by_function(image, recipe, function, where)
    size = (image.shape[0], image.shape[1])
    if recipe.resize == "none":
        _check_size(size, recipe.size, where)
    pixels = _resized(image, recipe)
    return _placed(_canvas(pixels, recipe), pixels, size, recipe)


def restored(recorded: Array, image_size: Size, recipe: Recipe) -> Prepared:
    """What ``prepare`` made of an image of (height, width), from what a golden holds of it.

    ``recorded``: ``Prepared.pixels``, or the canvas where there are none.
    """
    if recorded.dtype != np.uint8:
        return _placed(recorded, recorded, image_size, recipe)
    return _placed(canvas_from_pixels(recorded, recipe), recorded, image_size, recipe)


def _placed(canvas: Array, pixels: Array, image_size: Size, recipe: Recipe) -> Prepared:
    return Prepared(
        canvas=canvas,
        pixels=pixels if pixels.dtype == np.uint8 else None,
        placement=place(image_size, recipe).placement,
        image_size=image_size,
        size=(canvas.shape[0], canvas.shape[1]),
    )


def canvas_from_pixels(pixels: Pixels, recipe: Recipe) -> NDArray[np.float32]:
    """Resized pixels in the recipe's channel order, range, mean and std.

    ``pixels``: uint8 (H, W, 3) RGB, or (H, W, 1) where the recipe is grey.
    In float32, step by step, as deployments do: ``x / 255`` for a range of [0, 1],
    ``x / 127.5 - 1`` for [-1, 1], then ``(x - mean) / std``. A step that changes nothing is left
    out.
    """
    if recipe.function is not None:
        raise ValueError(f"expected a recipe without function, found {recipe.function}")
    return _canvas(pixels, recipe)


def _canvas(pixels: Array, recipe: Recipe) -> NDArray[np.float32]:
    ordered = pixels[..., ::-1] if recipe.color == "BGR" else pixels
    canvas = np.array(ordered, dtype=np.float32, order="C")
    low, high = recipe.range
    if high - low != 255.0:
        canvas /= np.float32(255.0 / (high - low))
    if low != 0.0:
        canvas += np.float32(low)
    if any(recipe.mean):
        canvas -= np.array(recipe.mean, dtype=np.float32)
    if any(value != 1.0 for value in recipe.std):
        canvas /= np.array(recipe.std, dtype=np.float32)
    return canvas


def _resized(image: Pixels, recipe: Recipe) -> Array:
    """The image in the size of the input, with its padding, before any value is changed."""
    if recipe.grey:
        image = luma(image[..., ::-1] if recipe.color == "grey-BGR" else image, recipe.decoder)
    if recipe.resize == "none":
        return image.copy()
    where = place((image.shape[0], image.shape[1]), recipe)
    scaled = _cast(resize(image, where.inner, recipe.kernel), recipe.cast)
    if recipe.resize == "stretch":
        return scaled
    whole = scaled.dtype == np.uint8 and float(recipe.padding_value).is_integer()
    dtype = np.uint8 if whole else np.float32
    canvas: Array = np.full((*where.size, scaled.shape[2]), recipe.padding_value, dtype=dtype)
    (top, left), (height, width) = (where.top, where.left), where.inner
    canvas[top : top + height, left : left + width] = scaled
    return canvas


def _cast(pixels: Array, how: str) -> Array:
    if how == "none" or pixels.dtype == np.uint8:
        return pixels
    whole = np.rint(pixels) if how == "round" else np.trunc(pixels)
    return np.clip(whole, 0, 255).astype(np.uint8)


def _check_size(found: Size, expected: Size | None, where: str) -> None:
    if expected is not None and found != expected:
        raise ImageError(
            where,
            f"expected {expected[0]} x {expected[1]} (height x width) as resize = 'none', "
            f"found {found[0]} x {found[1]}; say resize = 'stretch' or resize = 'letterbox'",
        )


def _by_function(
    image: Pixels, recipe: Recipe, function: Callable[[Pixels], Any], where: str
) -> Prepared:
    name = recipe.function
    try:
        canvas = np.asarray(function(image.copy()))  # it may write into its argument
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ImageError(where, f"the function {name} raised {reason}") from error
    if canvas.dtype.kind not in "fiu" or canvas.size == 0:
        found = f"{canvas.dtype} {canvas.shape}"
        raise ImageError(where, f"expected an array of numbers from {name}, found {found}")
    if not np.isfinite(canvas).all():
        raise ImageError(where, f"expected finite numbers from {name}, found NaN or infinity")
    size = _size_of(canvas.shape, recipe, where)
    return Prepared(
        canvas=np.ascontiguousarray(canvas),
        pixels=None,
        placement=stretch((image.shape[0], image.shape[1]), size),
        image_size=(image.shape[0], image.shape[1]),
        size=size,
    )


def _size_of(shape: tuple[int, ...], recipe: Recipe, where: str) -> Size:
    """(height, width) of a function's result: the recipe's, checked, or the only possible one."""
    possible = _possible_sizes(shape)
    if not possible:
        raise ImageError(
            where,
            f"expected (H, W, 3), (H, W, 1), (1, H, W, C) or (1, C, H, W) from {recipe.function}, "
            f"found {shape}",
        )
    if recipe.size is not None:
        if recipe.size not in possible:
            raise ImageError(
                where,
                f"expected size = {list(recipe.size)} from {recipe.function}, found {shape}",
            )
        return recipe.size
    if len(possible) > 1:
        raise ImageError(
            where,
            f"expected preprocess.size = [height, width] beside function = "
            f'"{recipe.function}", as {shape} does not tell it, found nothing',
        )
    return possible[0]


def _possible_sizes(shape: tuple[int, ...]) -> list[Size]:
    if len(shape) == 3 and shape[2] in (1, 3):
        return [(shape[0], shape[1])]
    if len(shape) != 4 or shape[0] != 1:
        return []
    nchw, nhwc = (shape[2], shape[3]), (shape[1], shape[2])
    likely = [size for size, channels in ((nchw, shape[1]), (nhwc, shape[3])) if channels == 3]
    return likely or [nchw, nhwc]
