"""Field types of ``parity.toml`` that accept more than one form, with messages of their own."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

MAX_PIXELS = 200_000_000
"""Of an image, and of a network's input: more fits no memory."""


class Table(BaseModel):
    """A table of the file: unknown keys are errors, values are never changed after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True
    )

    @classmethod
    def keys(cls) -> list[str]:
        """The keys of the table, as they are written."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def part(cls, key: Any) -> Any:
        """The type of what stands under a key; None where nothing does."""
        fields = cls.model_fields.items()
        return next((one.annotation for name, one in fields if key in (name, one.alias)), None)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: Any) -> tuple[float, ...]:
    values = [value] if is_number(value) else value
    if not isinstance(values, list | tuple) or not values or not all(map(is_number, values)):
        raise ValueError(f"expected a number or a list of numbers, found {value!r}")
    return tuple(float(number) for number in values)


def _pair(value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(is_number, value)):
        raise ValueError(f"expected two numbers, found {value!r}")
    return float(value[0]), float(value[1])


def _size(value: Any) -> tuple[int, int]:
    good = isinstance(value, list | tuple) and len(value) == 2
    if not good or any(type(edge) is not int or edge < 1 for edge in value):
        raise ValueError(f"expected [height, width] in pixels, found {value!r}")
    if value[0] * value[1] > MAX_PIXELS:
        most = MAX_PIXELS // 1_000_000
        raise ValueError(f"expected [height, width] of at most {most} megapixels, found {value!r}")
    return value[0], value[1]


def _names(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ValueError(f"expected a file name or a list of names, found {value!r}")


def _globs(value: Any) -> tuple[str, ...]:
    globs = [value] if isinstance(value, str) else value
    if not isinstance(globs, list | tuple) or not globs:
        raise ValueError(f"expected a list of file patterns, found {value!r}")
    if not all(isinstance(glob, str) and glob for glob in globs):
        raise ValueError(f"expected a list of file patterns, found {value!r}")
    return tuple(globs)


def _binding(value: Any) -> dict[str, str | int]:
    if not isinstance(value, dict) or not all(type(v) in (str, int) for v in value.values()):
        raise ValueError(f"expected heads by name or index, as {{ boxes = 0 }}, found {value!r}")
    return dict(value)


Numbers = Annotated[tuple[float, ...], BeforeValidator(_numbers)]
Pair = Annotated[tuple[float, float], BeforeValidator(_pair)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]
Names = Annotated[Any, BeforeValidator(_names)]
Globs = Annotated[tuple[str, ...], BeforeValidator(_globs)]
Binding = Annotated[dict[str, Any], BeforeValidator(_binding)]
