"""Outputs of a model that was read back beside those of the original."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.record.roundtrip import Heads

Array = NDArray[Any]
Run = Mapping[str, Array]

_ROUNDING = 100  # units in the last place of a head's largest value: the same sums, reordered


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


def compared(images: Sequence[str], ours: Sequence[Run], theirs: Sequence[Run]) -> Heads:
    """The largest difference over heads and images. Raises ``Unlike``."""
    worst = Heads("equal")
    first = False
    for place, (image, one, other) in enumerate(zip(images, ours, theirs, strict=True)):
        for name, mate in renamed(list(one), list(other)).items():
            found = _compared(name, one[name], other[mate])
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


def _rank(found: Heads) -> tuple[int, float]:
    return ("equal", "noise", "differ").index(found.state), found.max_abs


def _compared(name: str, ours: Array, theirs: Array) -> Heads:
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
    gap = np.abs(np.where(finite, ours, 0).astype(np.float64) - np.where(finite, theirs, 0))
    worst = float(gap.max())
    largest = float(np.max(np.abs(np.where(finite, ours, 0))))
    noise = _ROUNDING * float(np.finfo(ours.dtype).eps) * largest
    return Heads("equal" if worst == 0 else "noise" if worst <= noise else "differ", worst)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
