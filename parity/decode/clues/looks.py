"""What a head looks like on one image: shape, dtype, range, and nothing that was not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from parity.decode.heads.candidates import SCORE_SLACK, Array, Floats

Size = tuple[int, int]

SUM_SLACK = 1e-2  # a quantised softmax sums to one within some of its steps
MOST = 12  # heads that are told in a message; a network may have a hundred


@dataclass(frozen=True)
class Look:
    """One head as it was on one image.

    ``low`` and ``high`` bound its finite values, None where it has none; ``bad`` counts NaN and
    infinity. ``whole``: all are integers. ``unit``: all within 0..1. ``inside``: all within the
    larger side of the network's input in pixels, and reaching over a quarter of it; False where
    the input is not known. ``sums``: along the last axis they sum to one. ``falling``: along the
    last axis none is larger than the one before it. ``padded``: how many rows at the end are all
    zeros.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    low: float | None
    high: float | None
    bad: int
    whole: bool
    unit: bool
    inside: bool
    sums: bool
    falling: bool
    padded: int

    def __str__(self) -> str:
        """One line: what is told first is the shape, then the range, then what stands out."""
        if self.low is None or self.high is None:
            empty = not self.bad
            return f"{self.name!r} {self.shape} {self.dtype}, {'empty' if empty else 'no number'}"
        parts = [f"{self.name!r} {self.shape} {self.dtype} {self.low:.4g}..{self.high:.4g}"]
        if self.bad:
            parts.append(f"{self.bad} NaN or infinite")
        if self.whole and self.dtype[:1] == "f":
            parts.append("whole numbers")
        if self.inside:
            parts.append("within the input's pixels")
        if self.sums:
            parts.append("sums to one along the last axis")
        if self.falling:
            parts.append("falling along the last axis")
        if self.padded:
            rows = "row is" if self.padded == 1 else f"{self.padded} rows are"
            parts.append(f"the last {rows} zero")
        return ", ".join(parts)


def looks(heads: Mapping[str, Array], size: Size | None = None) -> tuple[Look, ...]:
    """A description of each head, in their order; ``size`` is (height, width) of the input."""
    return tuple(
        _look(name, np.asarray(head), str(np.asarray(head).dtype), size)
        for name, head in heads.items()
    )


def shown(described: Iterable[Look]) -> list[str]:
    """The lines of a message, at most ``MOST`` of them."""
    lines = [f"  {one}" for one in described]
    more = len(lines) - MOST
    return lines if more <= 0 else [*lines[:MOST], f"  and {more} more"]


def numbers(head: Array) -> Floats:
    """A head in float64; NaN and infinity, which say nothing of a family, are 0."""
    values = np.asarray(head)
    if values.dtype.kind not in "fiub":
        return np.zeros(values.shape)
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _look(name: str, head: Array, dtype: str, size: Size | None) -> Look:
    if head.dtype.kind not in "fiub":  # text: its numbers cannot be described
        head = np.full(head.shape, np.nan)
    values = head.astype(np.float64)
    good = values[np.isfinite(values)]
    low, high = (float(good.min()), float(good.max())) if good.size else (None, None)
    finite = good.size == values.size and low is not None and high is not None
    unit = finite and low is not None and high is not None and _within(low, high, 1.0)
    return Look(
        name=name,
        shape=head.shape,
        dtype=dtype,
        low=low,
        high=high,
        bad=int(values.size - good.size),
        whole=finite and bool((values == np.trunc(values)).all()),
        unit=unit,
        inside=size is not None and finite and _in_pixels(low or 0.0, high or 0.0, max(size)),
        sums=finite and unit and _sums_to_one(values),
        falling=finite and _falls(values),
        padded=_zero_rows(values) if finite else 0,
    )


def _within(low: float, high: float, end: float) -> bool:
    slack = SCORE_SLACK * end
    return low >= -slack and high <= end + slack


def _in_pixels(low: float, high: float, edge: int) -> bool:
    return high > edge / 4 and _within(low, high, float(edge))


def _sums_to_one(values: Floats) -> bool:
    several = values.ndim >= 2 and values.shape[-1] > 1
    return several and bool((np.abs(values.sum(axis=-1) - 1.0) < SUM_SLACK).all())


def _falls(values: Floats) -> bool:
    """Of at least three numbers that are not all one."""
    long = values.ndim in (1, 2) and values.shape[-1] >= 3
    return long and bool((np.diff(values, axis=-1) <= 0).all() and np.ptp(values) > 0)


def _zero_rows(values: Floats) -> int:
    if values.ndim < 2 or values.shape[0] != 1:
        return 0
    rows = values[0].reshape(values.shape[1], -1)
    filled = np.flatnonzero(rows.any(axis=1))
    return 0 if not filled.size else len(rows) - 1 - int(filled[-1])
