"""The preprocessing recipe: one value that says how an image becomes the network's input."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from itertools import zip_longest
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from parity.fields import Numbers, Pair, Size, Table
from parity.suite.recipe.bases import expanded
from parity.suite.recipe.kernels import KERNELS, WHOLE, known_kernel

__all__ = ["KERNELS", "Recipe"]


class Recipe(Table):
    """How an image becomes a tensor: decoder, resize, colour order, value range, mean and std.

    In this order: the file is decoded by ``decoder`` into uint8 RGB, upright; it is resized to
    ``size`` = (height, width); ``cast`` makes whole pixels of a kernel's floats again; channels are
    put in ``color`` order; 0..255 is mapped to ``range``; then ``(x - mean) / std``, one number or
    one per channel in ``color`` order. ``function`` replaces all of that but the decoder.

    With ``color`` "grey" there is one channel: the luma, made by the library of ``decoder`` before
    anything is resized. "grey-BGR" is that with red and blue exchanged, as a deployment has it that
    takes the luma of BGR by the weights of RGB.

    Kernels of TensorFlow and torch give floats, which are fed as they are unless ``cast`` says
    "round" (half to even, as torchvision does for uint8) or "truncate" (towards zero, as a plain
    cast does); both keep to 0..255.

    A letterbox with ``stride`` is rectangular: ``size`` holds the scaled image, and each side of
    the input is the smallest multiple of ``stride`` that does. With ``scale_up = false`` a smaller
    image keeps its size. ``base`` names a recipe of
    ``parity.suite.recipe.bases``, spelled out on reading.
    """

    base: Literal["imagenet", "yolo", "tf-od-api", "mobilenet"] | None = Field(
        default=None, exclude=True
    )
    size: Size | None = None
    decoder: Literal["pillow", "opencv", "tensorflow"] = "pillow"
    resize: Literal["stretch", "letterbox", "none"] = "stretch"
    kernel: Annotated[str, AfterValidator(known_kernel)] = "opencv:linear"
    cast: Literal["none", "round", "truncate"] = "none"
    color: Literal["RGB", "BGR", "grey", "grey-BGR"] = "RGB"
    range: Pair = (0.0, 255.0)
    mean: Numbers = (0.0,)
    std: Numbers = (1.0,)
    pad_value: float | None = Field(default=None, ge=0, le=255)
    pad: Literal["center", "corner"] | None = None
    stride: int | None = Field(default=None, ge=1)
    scale_up: bool = True
    function: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _spelled_out(cls, data: Any) -> Any:
        return expanded(data) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.resize != "none" and self.size is None and self.function is None:
            raise ValueError("size: expected [height, width], found nothing")
        for name in ("mean", "std"):
            count = len(getattr(self, name))
            if self.grey and count != 1:
                raise ValueError(
                    f"{name}: expected 1 number, as color = '{self.color}', found {count}"
                )
            if count not in (1, 3):
                raise ValueError(f"{name}: expected 1 or 3 numbers, found {count}")
        if 0 in self.std:
            raise ValueError("std: expected numbers other than 0, found 0")
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range: expected [low, high], found {list(self.range)}")
        if self.resize != "letterbox" and (self.pad is not None or self.pad_value is not None):
            raise ValueError("pad: expected only with resize = 'letterbox', found without")
        self._check_stride()
        self._check_values()
        if self.function is not None:
            given = self.model_fields_set - {"function", "size", "decoder"}
            if given:
                raise ValueError(
                    f"function: expected alone or with size, found also {', '.join(sorted(given))}"
                )
        return self

    def _check_stride(self) -> None:
        for name in ("stride", "scale_up"):
            given = name in self.model_fields_set and getattr(self, name) not in (None, True)
            if given and self.resize != "letterbox":
                raise ValueError(f"{name}: expected only with resize = 'letterbox', found without")
        edges, stride = self.size or (), self.stride or 1
        if any(edge % stride for edge in edges):
            raise ValueError(f"size: expected multiples of stride = {stride}, found {list(edges)}")

    def _check_values(self) -> None:
        """The input is computed in float32, where large numbers swallow small ones."""
        means, stds = (tuple(map(_float32, numbers)) for numbers in (self.mean, self.std))
        for mean, std in zip_longest(means, stds, fillvalue=None):
            shift, scale = means[0] if mean is None else mean, stds[0] if std is None else std
            black, white = (
                _float32((_float32(_float32(end) - shift) / scale) if scale else math.inf)
                for end in self.range
            )
            if black == white or not math.isfinite(black) or not math.isfinite(white):
                raise ValueError(
                    f"range: expected black and white to become two finite numbers of float32 by "
                    f"range, mean and std, found {black:g} and {white:g}"
                )

    def __hash__(self) -> int:
        """Of a few keys only: recipes are looked up once for every image and runtime."""
        return hash((self.size, self.kernel, self.function))

    def describe(self) -> str:
        """The recipe in one line, for reports."""
        steps = [] if self.decoder == "pillow" else [f"decoded by {self.decoder}"]
        if self.function is not None:
            return "; ".join([*steps, f"function {self.function}"])
        steps.append(self._resizing())
        if self.cast != "none" and not self.whole:
            steps.append({"round": "rounded", "truncate": "truncated"}[self.cast])
        if self.resize == "letterbox":
            steps.append(f"pad {self.padding} with {self.padding_value:g}")
        steps.append(f"{self.color} by {self.decoder}" if self.grey else self.color)
        steps.append(f"0..255 to {self.range[0]:g}..{self.range[1]:g}")
        mean = ", ".join(f"{value:g}" for value in self.mean)
        std = ", ".join(f"{value:g}" for value in self.std)
        steps.append(f"(x - {mean}) / {std}")
        return "; ".join(steps)

    def _resizing(self) -> str:
        if self.resize == "none" or self.size is None:
            return "no resize"
        within = "within" if self.stride is not None else "to"
        text = f"{self.resize} {within} {self.size[0]}x{self.size[1]} (h x w) by {self.kernel}"
        if self.stride is not None:
            text += f", sides multiples of {self.stride}"
        return text if self.scale_up else f"{text}, never enlarged"

    @property
    def grey(self) -> bool:
        """Whether the network's input has one channel."""
        return self.color.startswith("grey")

    @property
    def whole(self) -> bool:
        """Whether resizing gives whole pixels by itself, so that there is nothing to cast."""
        library, _, kernel = self.kernel.partition(":")
        return self.resize == "none" or library in WHOLE or kernel.startswith("nearest")

    def spans(self) -> tuple[float, ...]:
        """How far apart 0 and 255 are in the network's input, by channel or for all of them."""
        low, high = self.range
        return tuple((high - low) / abs(value) for value in self.std)

    @property
    def padding(self) -> str:
        """Where a letterboxed image stands: "center" or "corner"."""
        return self.pad or "center"

    @property
    def padding_value(self) -> float:
        """The pixel value around a letterboxed image, 0..255, before range, mean and std."""
        return 114.0 if self.pad_value is None else self.pad_value

    def resolved(self) -> dict[str, Any]:
        """What the recipe does, as JSON data: the same however it is written.

        Defaults that matter are spelled out, keys without effect are at their default, and those
        that came later than the first goldens stand there only where they do something.
        """
        found = self.model_dump(mode="json")
        if self.resize == "letterbox":
            found |= {"pad": self.padding, "pad_value": self.padding_value}
        if self.resize == "none":
            found["kernel"] = Recipe.model_fields["kernel"].default
        if self.whole:
            found["cast"] = "none"
        for name in ("mean", "std"):
            if len(set(found[name])) == 1:
                found[name] = found[name][:1]
        return {key: value for key, value in found.items() if LATER.get(key, _NONE) != value}

    def digest(self) -> str:
        """SHA-256 of the resolved recipe's JSON: equal digests, equal recipes."""
        text = json.dumps(self.resolved(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _float32(value: float) -> float:
    """The nearest number of float32, infinity where there is none."""
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return found


_NONE = object()
LATER = {"decoder": "pillow", "cast": "none", "stride": None, "scale_up": True}
"""Keys that came later than the first goldens, each with what held before it."""
