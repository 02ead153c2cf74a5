"""Outputs of a model that was read back beside those of the original."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parity.record.roundtrip import Heads
from parity.tensors import Array

Run = Mapping[str, Array]

# What the same sums in another order may differ by, in units in the last place. A hundred of
# float16 were a tenth of the value, so that a loss would pass for rounding.
_UNITS, _UNITS_OF_HALF = 100, 8
_FLOOR = 1e-3  # of the whole head: a column that is smaller still is judged as one of this size


class Unlike(ValueError):
    """Heads that cannot be compared: another number, shape or dtype of them."""


def renamed(ours: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    """Which of their heads is which of ours: by name, else by position (``output_2`` before
    ``output_10``). Raises ``Unlike`` where their number differs.
    """
    if set(ours) == set(theirs):
        return {name: name for name in ours}
    if len(ours) != len(theirs):
        raise Unlike(
            f"expected {len(ours)} heads ({', '.join(ours)}), found {len(theirs)} "
            f"({', '.join(theirs)})"
        )
    return dict(zip(ours, sorted(theirs, key=_natural), strict=True))


def compared(
    images: Sequence[str], ours: Sequence[Run], theirs: Sequence[Run], exact: bool = False
) -> Heads:
    """The largest difference over heads and images; ``exact``: none of them is rounding, as where
    nothing was compiled anew. Raises ``Unlike``.
    """
    worst = Heads("equal")
    first = False
    for place, (image, one, other) in enumerate(zip(images, ours, theirs, strict=True)):
        for name, mate in renamed(list(one), list(other)).items():
            found = _compared(name, one[name], other[mate], exact)
            first |= place == 0 and found.state == "differ"
            if _rank(found) > _rank(worst):
                worst = Heads(found.state, found.max_abs, name, image)
    return Heads(worst.state, worst.max_abs, worst.head, worst.image, first)


def alike(one: Run, other: Run) -> bool:
    """Whether two runs are the same within rounding."""
    try:
        return compared([""], [one], [other]).state != "differ"
    except Unlike:
        return False


def restless(one: Run, other: Run) -> float | None:
    """How far two runs on one image are apart; None where they are the same."""
    found = compared([""], [one], [other])
    return found.max_abs if found.state == "differ" else None


def _rank(found: Heads) -> tuple[int, float]:
    return ("equal", "noise", "differ").index(found.state), found.max_abs


def _compared(name: str, ours: Array, theirs: Array, exact: bool) -> Heads:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        raise Unlike(
            f"expected head {name!r} of {ours.dtype} {ours.shape}, found {theirs.dtype} "
            f"{theirs.shape}"
        )
    if ours.tobytes() == theirs.tobytes():
        return Heads("equal")
    if ours.dtype.kind not in "fc":
        worst = float(np.max(np.abs(ours.astype(np.float64) - theirs.astype(np.float64))))
        return Heads("differ" if worst else "equal", worst)
    finite = np.isfinite(ours)
    if not np.array_equal(np.where(finite, 0, ours), np.where(finite, 0, theirs), equal_nan=True):
        return Heads("differ", float("inf"))
    wide = np.complex128 if ours.dtype.kind == "c" else np.float64
    plain = np.where(finite, ours, 0).astype(wide)
    gap = np.abs(plain - np.where(finite, theirs, 0))
    worst = float(gap.max())
    if worst == 0:
        return Heads("equal")
    noise = not exact and _is_noise(np.abs(plain), gap, _limit(ours, theirs))
    return Heads("noise" if noise else "differ", worst)


def _limit(ours: Array, theirs: Array) -> float:
    """Rounding of the dtype, relative; of a coarser one, where both are only cast from that."""
    eps = float(np.finfo(ours.dtype).eps)
    for coarse in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            if ours.dtype.kind == "f" and all(
                np.array_equal(one, one.astype(coarse).astype(one.dtype), equal_nan=True)
                for one in (ours, theirs)
            ):
                eps = max(eps, float(np.finfo(coarse).eps))
                break
    return eps * (_UNITS_OF_HALF if eps > 1e-4 else _UNITS)


def _is_noise(size: Array, gap: Array, limit: float) -> bool:
    """Whether a gap is within rounding of the head, and of each column of it by itself.

    One tensor may hold boxes in pixels beside scores: what is rounding of a box is none of a score.
    A column lies along the last axis or, channels first, the second; judged are its root mean
    square and its largest value.
    """
    whole = tuple(range(size.ndim))
    columns = [
        tuple(axis for axis in whole if axis != kept)
        for kept in {1, size.ndim - 1}
        if 0 <= kept < size.ndim and size.shape[kept] ** 2 <= size.size
    ]
    for norm in (_root_mean_square, np.max):
        floor = _FLOOR * norm(size)
        for axes in (whole, *columns):
            if np.any(norm(gap, axis=axes) > limit * np.maximum(norm(size, axis=axes), floor)):
                return False
    return True


def _root_mean_square(array: Array, axis: tuple[int, ...] | None = None) -> Any:
    return np.sqrt(np.mean(np.square(array), axis=axis))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
