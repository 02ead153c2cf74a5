"""The preprocessing recipe: one value that says how an image becomes the network's input."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from parity.suite.fields import Numbers, Pair, Size, Table

KERNELS = {
    "pillow": ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"),
    "opencv": ("nearest", "nearest-exact", "linear", "linear-exact", "area", "cubic", "lanczos4"),
}


def _kernel(value: str) -> str:
    library, _, kernel = value.partition(":")
    if kernel not in KERNELS.get(library, ()):
        known = ", ".join(f"{name}:{one}" for name, all_ in KERNELS.items() for one in all_)
        raise ValueError(f"expected one of {known}, found {value!r}")
    return value


class Recipe(Table):
    """How an image becomes a tensor: resize, colour order, value range, mean and std.

    In this order: the image (uint8 RGB, upright) is resized to ``size`` = (height, width);
    channels are put in ``color`` order; 0..255 is mapped to ``range``; then ``(x - mean) / std``,
    one number or one per channel in ``color`` order. ``function`` replaces all of that.
    """

    size: Size | None = None
    resize: Literal["stretch", "letterbox", "none"] = "stretch"
    kernel: Annotated[str, AfterValidator(_kernel)] = "opencv:linear"
    color: Literal["RGB", "BGR"] = "RGB"
    range: Pair = (0.0, 255.0)
    mean: Numbers = (0.0,)
    std: Numbers = (1.0,)
    pad_value: float | None = Field(default=None, ge=0, le=255)
    pad: Literal["center", "corner"] | None = None
    function: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.resize != "none" and self.size is None and self.function is None:
            raise ValueError("size: expected [height, width], found nothing")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, 3):
                raise ValueError(
                    f"{name}: expected 1 or 3 numbers, found {len(getattr(self, name))}"
                )
        if 0 in self.std:
            raise ValueError("std: expected numbers other than 0, found 0")
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range: expected [low, high], found {list(self.range)}")
        if self.resize != "letterbox" and (self.pad is not None or self.pad_value is not None):
            raise ValueError("pad: expected only with resize = 'letterbox', found without")
        if self.function is not None:
            given = self.model_fields_set - {"function", "size"}
            if given:
                raise ValueError(
                    f"function: expected alone or with size, found also {', '.join(sorted(given))}"
                )
        return self

    def __hash__(self) -> int:
        """Of a few keys only: recipes are looked up once for every image and runtime."""
        return hash((self.size, self.kernel, self.function))

    def describe(self) -> str:
        """The recipe in one line, for reports."""
        if self.function is not None:
            return f"function {self.function}"
        size = "as it is" if self.size is None else f"{self.size[0]}x{self.size[1]} (h x w)"
        steps = [
            f"{self.resize} to {size} by {self.kernel}" if self.resize != "none" else "no resize"
        ]
        if self.resize == "letterbox":
            steps.append(f"pad {self.padding} with {self.padding_value:g}")
        steps.append(self.color)
        steps.append(f"0..255 to {self.range[0]:g}..{self.range[1]:g}")
        mean = ", ".join(f"{value:g}" for value in self.mean)
        std = ", ".join(f"{value:g}" for value in self.std)
        steps.append(f"(x - {mean}) / {std}")
        return "; ".join(steps)

    @property
    def padding(self) -> str:
        """Where a letterboxed image stands: "center" or "corner"."""
        return self.pad or "center"

    @property
    def padding_value(self) -> float:
        """The pixel value around a letterboxed image, 0..255, before range, mean and std."""
        return 114.0 if self.pad_value is None else self.pad_value

    def digest(self) -> str:
        """SHA-256 of the recipe's canonical JSON: equal digests, equal recipes."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
