"""Priors (anchors) of an SSD: (A, 4) float64, cx, cy, w, h relative to the network's input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator, model_validator

from parity.decode.heads.candidates import Floats
from parity.decode.heads.table import FamilyTable
from parity.errors import SuiteError
from parity.fields import Numbers, Size

# Priors reach over the border, but a centre far outside means pixels, not a part of the input.
_FARTHEST_CENTRE = 2.0


class PriorGrid(FamilyTable):
    """Priors by rule: for every cell of every map (rows first), every size, every ratio.

    ``maps``: (height, width) of each feature map. ``sizes``: for each map, side lengths in pixels
    of the network's input. ``ratios``: width / height; a prior is (s * sqrt(r), s / sqrt(r)).
    ``clip``: priors (cx, cy, w, h), relative to the input, are clipped to [0, 1].
    """

    maps: tuple[Size, ...] = Field(min_length=1, strict=False)
    sizes: tuple[Numbers, ...] = Field(min_length=1, strict=False)
    ratios: Numbers = (1.0,)
    clip: bool = False

    @field_validator("sizes", "ratios")
    @classmethod
    def _above_0(cls, value: Any) -> Any:
        least = min(np.concatenate([np.atleast_1d(one) for one in value]))
        if least <= 0:
            raise ValueError(f"expected numbers above 0, found {least:g}")
        return value

    @model_validator(mode="after")
    def _one_list_of_sizes_per_map(self) -> Self:
        if len(self.maps) != len(self.sizes):
            raise ValueError(
                f"sizes: expected one list for each of {len(self.maps)} maps, "
                f"found {len(self.sizes)}"
            )
        return self


def _source(value: Any) -> Any:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, dict):
        return PriorGrid(**value)
    if isinstance(value, PriorGrid):
        return value
    raise ValueError(f"expected a .npy file or {{ maps, sizes, ratios }}, found {value!r}")


Source = Annotated[Any, BeforeValidator(_source)]
"""The key ``priors``: a .npy file in the suite's folder, or a rule."""


def load_priors(source: str | PriorGrid, folder: Path, size: tuple[int, int]) -> Floats:
    """Priors from a .npy file in ``folder``, or by rule for an input of (height, width)."""
    if isinstance(source, str):
        return read_priors(folder / source, source)
    return grid(source, size)


def read_priors(path: Path, where: str | None = None) -> Floats:
    """Priors from a .npy file; ``where`` names it in a ``SuiteError``."""
    name = str(path) if where is None else where
    try:
        values = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise SuiteError(name, ["expected a .npy file of priors, found nothing there"]) from None
    except (OSError, ValueError, EOFError) as error:
        problem = f"expected a .npy file of priors, found another or a damaged file: {error}"
        raise SuiteError(name, [problem]) from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise SuiteError(name, ["expected a .npy file of priors, found an archive of arrays"])
    wrong = _problem(values)
    if wrong:
        raise SuiteError(name, [wrong])
    return _frozen(values)


def _problem(values: NDArray[Any]) -> str | None:
    if values.ndim != 2 or values.shape[1] != 4 or len(values) == 0:
        return f"expected priors of shape (A, 4), found {values.shape}"
    if values.dtype.kind != "f":
        return f"expected priors as floating point numbers, found {values.dtype}"
    if not np.isfinite(values).all():
        return "expected finite priors, found NaN or infinity"
    smallest = float(values[:, 2:].min())
    if smallest <= 0:
        return f"expected priors cx, cy, w, h with w and h above 0, found {smallest:g}"
    farthest = float(np.abs(values[:, :2]).max())
    if farthest > _FARTHEST_CENTRE:
        return f"expected priors relative to the input, found a centre at {farthest:g}: pixels?"
    return None


def grid(rule: PriorGrid, size: tuple[int, int]) -> Floats:
    """Priors by rule: for every cell of every map (rows first), every size, every ratio."""
    height, width = size
    roots = np.sqrt(np.asarray(rule.ratios, dtype=np.float64))
    priors = []
    for (rows, columns), sides in zip(rule.maps, rule.sizes, strict=True):
        lengths = np.asarray(sides, dtype=np.float64)[:, None]
        shapes = np.stack([lengths * roots / width, lengths / roots / height], axis=-1)
        shapes = shapes.reshape(-1, 2)
        y, x = np.meshgrid(
            (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij"
        )
        centres = np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), len(shapes), axis=0)
        priors.append(np.concatenate([centres, np.tile(shapes, (rows * columns, 1))], axis=1))
    every = np.concatenate(priors)
    return _frozen(np.clip(every, 0.0, 1.0) if rule.clip else every)


def _frozen(values: Floats) -> Floats:
    priors = np.array(values, dtype=np.float64, order="C")
    priors.setflags(write=False)
    return priors
