"""The recipe applied: resize, channel order, value range, mean and std.

Pixels are resized as uint8 by the library that the recipe names, with that library's own call,
because that is what a deployment does: a kernel of the same name differs between libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parity.boxes import Placement
from parity.errors import ImageError

if TYPE_CHECKING:
    from parity.suite.recipe import Recipe

Array = NDArray[Any]
Pixels = NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One image, ready to be arranged for a runtime.

    ``canvas``: float32 (H, W, 3), or what a preprocessing function returned. ``pixels``: the
    resized image before channel order, range, mean and std, uint8 (H, W, 3) RGB, from which
    ``canvas_from_pixels`` makes the same canvas; None after a function, or where the padding is no
    whole pixel value. ``size`` and ``image_size`` are (height, width) of input and image.
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
    pixels, placement = _resized(image, recipe, where)
    whole = pixels.dtype == np.uint8
    return Prepared(
        canvas=_canvas(pixels, recipe),
        pixels=pixels if whole else None,
        placement=placement,
        image_size=(image.shape[0], image.shape[1]),
        size=(pixels.shape[0], pixels.shape[1]),
    )


def canvas_from_pixels(pixels: Pixels, recipe: Recipe) -> NDArray[np.float32]:
    """Resized pixels, uint8 (H, W, 3) RGB, in the recipe's channel order, range, mean and std.

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


def _resized(image: Pixels, recipe: Recipe, where: str) -> tuple[Array, Placement]:
    if recipe.resize == "none":
        _check_size(image.shape[:2], recipe.size, where)
        return image.copy(), Placement()
    assert recipe.size is not None  # the recipe is validated
    if recipe.resize == "letterbox":
        return _letterbox(image, recipe, recipe.size)
    return resize(image, recipe.size, recipe.kernel), _stretch(image.shape[:2], recipe.size)


def _check_size(found: Iterable[int], expected: Size | None, where: str) -> None:
    height, width = found
    if expected is not None and (height, width) != expected:
        raise ImageError(
            where,
            f"expected {expected[0]} x {expected[1]} (height x width) as resize = 'none', "
            f"found {height} x {width}; say resize = 'stretch' or resize = 'letterbox'",
        )


def _stretch(original: Iterable[int], size: Size) -> Placement:
    height, width = original
    return Placement(scale_x=size[1] / width, scale_y=size[0] / height)


def _letterbox(image: Pixels, recipe: Recipe, size: Size) -> tuple[Array, Placement]:
    """The image at its own proportions, surrounded by padding.

    Its scale is r = min(H / h, W / w); height and width are rounded to whole pixels (half to even,
    as Python's ``round``). Centred, an odd pixel of padding goes to the bottom and right.

    The placement uses what the pixels really went through, rounded size / original size, per axis,
    not r: it puts the image's far corner exactly onto the far corner of the resized image. A
    deployment that divides by r is off by up to half a pixel of the input there.
    """
    height, width = image.shape[:2]
    ratio = min(size[0] / height, size[1] / width)
    inner = (
        min(max(round(height * ratio), 1), size[0]),
        min(max(round(width * ratio), 1), size[1]),
    )
    top, left = (0, 0)
    if recipe.padding == "center":
        top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    whole = float(recipe.padding_value).is_integer()
    dtype = np.uint8 if whole else np.float32
    canvas: Array = np.full((*size, 3), recipe.padding_value, dtype=dtype)
    canvas[top : top + inner[0], left : left + inner[1]] = resize(image, inner, recipe.kernel)
    stretch = _stretch((height, width), inner)
    return canvas, Placement(stretch.scale_x, stretch.scale_y, float(left), float(top))


def resize(image: Pixels, size: Size, kernel: str) -> Pixels:
    """The image at ``size`` = (height, width) by ``kernel`` = "LIBRARY:KERNEL"."""
    library, _, name = kernel.partition(":")
    return _RESIZERS[library](np.ascontiguousarray(image), size, name)


def _by_pillow(image: Pixels, size: Size, kernel: str) -> Pixels:
    from PIL import Image

    resample = Image.Resampling[kernel.upper()]
    return np.array(Image.fromarray(image).resize((size[1], size[0]), resample=resample))


def _by_opencv(image: Pixels, size: Size, kernel: str) -> Pixels:
    import cv2

    interpolation = getattr(cv2, "INTER_" + kernel.upper().replace("-", "_"))
    resized: Pixels = cv2.resize(image, (size[1], size[0]), interpolation=interpolation)
    return resized


_RESIZERS: dict[str, Callable[[Pixels, Size, str], Pixels]] = {
    "pillow": _by_pillow,
    "opencv": _by_opencv,
}


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
        placement=_stretch(image.shape[:2], size),
        image_size=(image.shape[0], image.shape[1]),
        size=size,
    )


def _size_of(shape: tuple[int, ...], recipe: Recipe, where: str) -> Size:
    """(height, width) of a function's result: the recipe's, checked, or the only possible one."""
    possible = _possible_sizes(shape)
    if not possible:
        raise ImageError(
            where,
            f"expected (H, W, 3), (1, H, W, C) or (1, C, H, W) from {recipe.function}, "
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
    if len(shape) == 3 and shape[2] == 3:
        return [(shape[0], shape[1])]
    if len(shape) != 4 or shape[0] != 1:
        return []
    nchw, nhwc = (shape[2], shape[3]), (shape[1], shape[2])
    likely = [size for size, channels in ((nchw, shape[1]), (nhwc, shape[3])) if channels == 3]
    return likely or [nchw, nhwc]
