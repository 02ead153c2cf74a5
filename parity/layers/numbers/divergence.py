"""How far one tensor is from another: one pass over both, sums in float64, no copy of the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parity.tensors import Array

_CHUNK = 8_192
"""Elements at a time: both sides and their difference in float64 stay in the processor's cache, and
a product of two is below the size from which OpenBLAS starts threads (10,000)."""


@dataclass(frozen=True)
class Limits:
    """When an element counts as mismatched: |candidate − reference| > atol + rtol · |reference|."""

    atol: float = 1e-5
    rtol: float = 1e-3


@dataclass(frozen=True)
class Divergence:
    """The sums of one pass over a pair of tensors, and what follows from them.

    Elements that are not finite on either side are left out of every sum. Where both sides hold the
    same (the -inf of an attention mask, NaN and NaN) they agree; the others are counted in
    ``nonfinite``, and as mismatched.
    """

    count: int
    max_abs: float
    sum_abs: float
    sum_squares: float
    reference_squares: float
    candidate_squares: float
    products: float
    mismatches: int
    nonfinite: int

    @property
    def mean_abs(self) -> float:
        """Mean of |candidate − reference|."""
        return self.sum_abs / self.count if self.count else 0.0

    @property
    def rmse(self) -> float:
        """Root of the mean squared difference."""
        return math.sqrt(self.sum_squares / self.count) if self.count else 0.0

    @property
    def rel_l2(self) -> float:
        """‖candidate − reference‖ / ‖reference‖; 0 for two zeros, infinite for zero reference."""
        if self.reference_squares:
            return math.sqrt(self.sum_squares / self.reference_squares)
        return math.inf if self.sum_squares else 0.0

    @property
    def sqnr_db(self) -> float:
        """Signal to quantisation noise: −20 · log10 of the relative L2; infinite where equal."""
        if self.rel_l2 == 0:
            return math.inf
        return -20 * math.log10(self.rel_l2) if math.isfinite(self.rel_l2) else -math.inf

    @property
    def cosine(self) -> float | None:
        """Of the angle between both as vectors; None where one of them is zero throughout."""
        norms = math.sqrt(self.reference_squares) * math.sqrt(self.candidate_squares)
        return max(-1.0, min(1.0, self.products / norms)) if norms else None

    @property
    def mismatched(self) -> float:
        """The fraction of elements beyond the limits."""
        total = self.count + self.nonfinite
        return self.mismatches / total if total else 0.0


class Meter:
    """Compares tensors; its buffers are used again for each pair."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._buffers = tuple(np.empty(_CHUNK) for _ in range(3))

    def compare(self, reference: Array, candidate: Array) -> Divergence:
        """Of two tensors of one shape; raises ``ValueError`` where the shapes differ."""
        if reference.shape != candidate.shape:
            raise ValueError(
                f"expected tensors of one shape, found {reference.shape} and {candidate.shape}"
            )
        first, second = np.ravel(reference), np.ravel(candidate)
        sums = np.zeros(9)
        with np.errstate(invalid="ignore", over="ignore"):
            for start in range(0, first.size, _CHUNK):
                self._chunk(first[start : start + _CHUNK], second[start : start + _CHUNK], sums)
        return Divergence(
            count=int(sums[0]),
            max_abs=float(sums[1]),
            sum_abs=float(sums[2]),
            sum_squares=float(sums[3]),
            reference_squares=float(sums[4]),
            candidate_squares=float(sums[5]),
            products=float(sums[6]),
            mismatches=int(sums[7]),
            nonfinite=int(sums[8]),
        )

    def _chunk(self, reference: Array, candidate: Array, sums: Array) -> None:
        if self._is_same(reference, candidate, sums):
            return
        one, two, apart = (buffer[: reference.size] for buffer in self._buffers)
        np.copyto(one, reference, casting="unsafe")
        np.copyto(two, candidate, casting="unsafe")
        np.subtract(two, one, out=apart)
        squares = float(apart @ apart)
        if not math.isfinite(squares):
            kept, lost = _finite(one, two)
            one, two, apart = one[kept], two[kept], apart[kept]
            sums[7:] += lost
            squares = float(apart @ apart)
        sums[0] += one.size
        sums[3] += squares
        sums[4] += one @ one
        sums[5] += two @ two
        sums[6] += one @ two
        np.abs(apart, out=apart)
        sums[2] += apart.sum()
        largest = float(apart.max(initial=0.0))
        sums[1] = max(sums[1], largest)
        if largest > self.limits.atol:
            allowed = np.abs(one, out=one)
            allowed *= self.limits.rtol
            allowed += self.limits.atol
            sums[7] += np.count_nonzero(apart > allowed)

    def _is_same(self, reference: Array, candidate: Array, sums: Array) -> bool:
        """Equal and finite, as all that lies before a difference is: then one sum is all four."""
        if not np.array_equal(reference, candidate):
            return False
        one = self._buffers[0][: reference.size]
        np.copyto(one, reference, casting="unsafe")
        squares = float(one @ one)
        if not math.isfinite(squares):
            return False
        sums[0] += one.size
        sums[4:7] += squares
        return True


def _finite(one: Array, two: Array) -> tuple[NDArray[np.bool_], int]:
    """Where both are finite, and how many of the other elements are not the same on both sides."""
    kept = np.isfinite(one) & np.isfinite(two)
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    return kept, int(np.count_nonzero(~(kept | same)))


def relative(reference: Array, candidate: Array) -> float:
    """‖candidate − reference‖ / ‖reference‖ alone; infinite where it cannot be told.

    Elements that are not finite, and the same on both sides, are left out.
    """
    first, second = np.ravel(reference), np.ravel(candidate)
    if np.array_equal(first, second):  # all that lies before a difference, and quickly told
        return 0.0
    one, two = np.empty(_CHUNK), np.empty(_CHUNK)
    squares = apart = 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, first.size, _CHUNK):
            count = min(_CHUNK, first.size - start)
            mine, yours = one[:count], two[:count]
            np.copyto(mine, first[start : start + count], casting="unsafe")
            np.copyto(yours, second[start : start + count], casting="unsafe")
            size = float(mine @ mine)
            if not math.isfinite(size):
                kept, lost = _finite(mine, yours)
                if lost:
                    return math.inf
                mine, yours = mine[kept], yours[kept]
                size = float(mine @ mine)
            squares += size
            np.subtract(yours, mine, out=yours)
            apart += float(yours @ yours)
    if not math.isfinite(apart):
        return math.inf
    return math.sqrt(apart / squares) if squares else (math.inf if apart else 0.0)


def norm(array: Array) -> float:
    """‖array‖ in float64."""
    held = np.empty(_CHUNK)
    flat = np.ravel(array)
    squares = 0.0
    for start in range(0, flat.size, _CHUNK):
        part = held[: min(_CHUNK, flat.size - start)]
        np.copyto(part, flat[start : start + part.size], casting="unsafe")
        squares += float(part @ part)
    return math.sqrt(squares) if math.isfinite(squares) else math.inf


@dataclass(frozen=True)
class Spread:
    """One layer over the images: the worst image's divergence and the mean relative L2."""

    worst: Divergence
    image: int
    mean_rel_l2: float
    images: int
    nonfinite: int

    @classmethod
    def of(cls, divergence: Divergence, image: int) -> Spread:
        """After the first image."""
        return cls(divergence, image, divergence.rel_l2, 1, divergence.nonfinite)

    def add(self, divergence: Divergence, image: int) -> Spread:
        """After one more image."""
        key = (divergence.nonfinite > 0, divergence.rel_l2)
        worse = key > (self.worst.nonfinite > 0, self.worst.rel_l2)
        total = self.images + 1
        mean = self.mean_rel_l2
        if math.isfinite(mean):
            mean += (divergence.rel_l2 - mean) / total
        return Spread(
            worst=divergence if worse else self.worst,
            image=image if worse else self.image,
            mean_rel_l2=mean,
            images=total,
            nonfinite=self.nonfinite + divergence.nonfinite,
        )
