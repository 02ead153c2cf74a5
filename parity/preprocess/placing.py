"""Where an image comes to stand in the network's input: sizes and offsets, no pixels."""

from __future__ import annotations

from dataclasses import dataclass

from parity.boxes import Placement
from parity.suite.recipe import Recipe

Size = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """(height, width) of the input and of the scaled image in it, which starts at (top, left)."""

    size: Size
    inner: Size
    top: int
    left: int
    placement: Placement


def place(image: Size, recipe: Recipe) -> Place:
    """Where a recipe without ``function`` puts an image of (height, width)."""
    if recipe.resize == "none" or recipe.size is None:
        return Place(image, image, 0, 0, Placement())
    if recipe.resize == "stretch":
        return Place(recipe.size, recipe.size, 0, 0, stretch(image, recipe.size))
    return _letterbox(image, recipe, recipe.size)


def stretch(image: Size, size: Size) -> Placement:
    """Each axis scaled for itself."""
    return Placement(scale_x=size[1] / image[1], scale_y=size[0] / image[0])


def _letterbox(image: Size, recipe: Recipe, size: Size) -> Place:
    """The image at its own proportions, surrounded by padding.

    Its scale is r = min(H / h, W / w), at most 1 with ``scale_up = false``; height and width are
    rounded to whole pixels (half to even, as Python's ``round``). With ``stride`` each side of the
    input is the smallest multiple of it that holds the scaled image. Centred, an odd pixel of
    padding goes to the bottom and right.

    The placement uses what the pixels really went through, rounded size / original size, per axis,
    not r: it puts the image's far corner exactly onto the far corner of the resized image. A
    deployment that divides by r is off by up to half a pixel of the input there.
    """
    height, width = image
    ratio = min(size[0] / height, size[1] / width)
    if not recipe.scale_up:
        ratio = min(ratio, 1.0)
    inner = (
        min(max(round(height * ratio), 1), size[0]),
        min(max(round(width * ratio), 1), size[1]),
    )
    if recipe.stride is not None:
        size = _multiple(inner[0], recipe.stride), _multiple(inner[1], recipe.stride)
    top, left = (0, 0)
    if recipe.padding == "center":
        top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    scale = stretch(image, inner)
    placement = Placement(scale.scale_x, scale.scale_y, float(left), float(top))
    return Place(size, inner, top, left, placement)


def _multiple(length: int, stride: int) -> int:
    return -(-length // stride) * stride
