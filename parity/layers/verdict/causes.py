"""Which region introduced an error, and which only passed one on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median  # numpy's loads numpy.ma, which takes longer than a table

from parity.layers.numbers import float_formats
from parity.layers.verdict.table import Verdict

TIMES_MEDIAN = 10.0
"""A float region is suspicious from this multiple of its op type's median local error on, within
what its number format explains (``floor`` and ``ceiling``, see ``numbers/float_formats.py``). Only
errors that the format explains count for the median: a fault in every layer of one kind must not be
its own measure."""

RATIO = 1.25
"""A quantised region is suspicious from this multiple of its expected error on; healthy ops reach
1.17. Errors of few values do not average out: see ``ratio_limit``."""

_RARE = 4.0
"""Standard deviations that chance is given: one healthy region in 30,000 has more."""

_FEW = 4
_GAIN = 3.0  # by which a region may enlarge the relative error of what it reads
_LARGE = 1e-3
_UNITS = 8.0  # the same in narrow formats: an accumulated error of this many units is large


@dataclass(frozen=True)
class RegionErrors:
    """What was measured of one region over all images; ``above`` are the regions of its inputs.

    ``kind`` is the candidate's op kind that the region is known by, ``unit`` that of its number
    format. ``rel_l2`` and ``local`` are relative L2 (see ``rows.py`` for references of zeros), None
    where they could not be measured, infinite for results of another size; ``at_least`` is what the
    accumulated one is in any layout.
    ``samples`` is how many independent errors the local one is made of; up to ``two_steps`` it is
    one value two steps off, or four a step off, as integer kernels may be. ``range_excess`` is
    above 1 for a bad range, ``coarseness`` how much coarser than need be the weights are.
    ``absorbed`` names the op behind which the error of a bad range is gone.
    """

    kind: str
    above: tuple[int, ...]
    rel_l2: float | None
    nonfinite: int
    local: float | None
    local_nonfinite: int
    reads_input: bool = False
    at_least: float = 0.0
    unit: float = float_formats.SINGLE.unit
    samples: float = math.inf
    two_steps: float = 0.0
    expected: float | None = None
    range_excess: float | None = None
    coarseness: float | None = None
    absorbed: str = ""

    @property
    def ratio(self) -> float | None:
        """Local error over the expected one."""
        if self.local is None or not self.expected:
            return None
        return self.local / self.expected

    @property
    def compared(self) -> bool:
        """Whether anything of it was measured."""
        return self.rel_l2 is not None or self.local is not None


@dataclass(frozen=True)
class Judgement:
    """The verdicts in the order of the regions, how suspicious each is (1 and more: introduced).

    ``unmeasured`` are regions that could not be run alone and that are suspects all the same: their
    inputs agree, and their result or what is made of it does not.
    """

    verdicts: tuple[Verdict, ...]
    suspicions: tuple[float, ...]
    input_differs: bool
    unmeasured: tuple[int, ...] = ()


def judge(
    regions: Sequence[RegionErrors], quantized: bool, input_rel_l2: float | None = None
) -> Judgement:
    """The verdict of every region of a table.

    ``input_rel_l2`` is how far apart both networks' inputs are; None where that is not known.
    """
    table = _Table(regions, quantized, input_rel_l2)
    suspicions = [table.suspicion(one) for one in regions]
    tainted: list[bool] = []
    verdicts: list[Verdict] = []
    unmeasured = []
    for place, one in enumerate(regions):
        below = any(tainted[above] for above in one.above)
        verdict = table.verdict(place, suspicions[place], below)
        if verdict == "introduced" and suspicions[place] <= 1:
            unmeasured.append(place)
            # Behind everything that was measured and is beyond its limit.
            suspicions[place] = 1 + 1e-3 * min(one.rel_l2 or one.at_least, 1)
        verdicts.append(verdict)
        tainted.append(below or verdict in ("introduced", "nonfinite"))
    differs = table.input_differs(verdicts)
    if differs:
        verdicts = [
            "inherited" if own == "ok" and table.large(one) else own
            for one, own in zip(regions, verdicts, strict=True)
        ]
    return Judgement(tuple(verdicts), tuple(suspicions), differs, tuple(unmeasured))


def ratio_limit(samples: float) -> float:
    """The multiple of the expected error that a local error of so many values may be by chance.

    Both are sums of n squares of independent rounding errors. So their quotient follows Fisher's F
    of (n, n) degrees of freedom, whose logarithm's standard deviation is about 2/√n; its root's,
    which the ratio is, 1/√n.
    """
    return RATIO * math.exp(_RARE / math.sqrt(samples)) if samples >= 1 else math.inf


class _Table:
    """All regions of a table, and what their limits are made of."""

    def __init__(
        self, regions: Sequence[RegionErrors], quantized: bool, input_rel_l2: float | None
    ) -> None:
        self._regions = regions
        self._input = input_rel_l2
        expected = [one.expected for one in regions if one.expected]
        self._noisy = quantized or bool(expected)
        self._typical = median(expected) if expected else self._median_accumulated()
        self._limits = _limits(regions)
        self._off = self._far_off()

    def _median_accumulated(self) -> float:
        known = [one.rel_l2 for one in self._regions if one.rel_l2 is not None]
        finite = [error for error in known if math.isfinite(error)]
        return median(finite) if finite else 0.0

    def suspicion(self, one: RegionErrors) -> float:
        """How many times its limit a region's local error is; infinite for a NaN of its making."""
        if one.local_nonfinite:
            return math.inf
        scores = [0.0 if one.coarseness is None else one.coarseness / RATIO]
        if one.local is not None:
            scores.append(one.local / self._limit(one))
        if not one.absorbed:
            scores.append(one.range_excess or 0.0)
        return max(scores)

    def _limit(self, one: RegionErrors) -> float:
        """What rounding explains of a region's local error."""
        if one.expected:
            chance = max(ratio_limit(one.samples) * one.expected, one.two_steps)
            return max(chance, float_formats.ceiling(one.unit))
        own = self._limits(one)
        if one.expected is None and self._noisy:  # what it is entitled to is not known
            return max(own, TIMES_MEDIAN * self._typical)
        return own

    def large(self, one: RegionErrors) -> bool:
        """Whether an accumulated error is more than rounding."""
        known = one.at_least if one.rel_l2 is None else one.rel_l2
        return one.nonfinite > 0 or known > max(_LARGE, _UNITS * one.unit)

    def _far_off(self) -> list[bool]:
        """By region, whether its result is off, as far as that can be told; seen through those
        regions of which nothing is known."""
        found: list[bool] = []
        for one in self._regions:
            if one.rel_l2 is None and not one.at_least:
                found.append(self._fed_off(one, found))
            else:
                found.append(self._noticed(one))
        return found

    def _noticed(self, one: RegionErrors) -> bool:
        """Whether an accumulated error is large, for what its inputs bring along."""
        if not self._noisy:
            return self.large(one)
        known = one.at_least if one.rel_l2 is None else one.rel_l2
        brought = [self._regions[place].rel_l2 or 0.0 for place in one.above]
        brought.append(self._input or 0.0 if one.reads_input else 0.0)
        entitled = max(TIMES_MEDIAN * self._typical, _GAIN * max(brought))
        return self.large(one) and known > entitled

    def _fed_off(self, one: RegionErrors, off: Sequence[bool]) -> bool:
        """Whether what a region reads is off already."""
        fed = one.reads_input and (self._input or 0.0) > _LARGE
        return fed or any(off[place] for place in one.above)

    def verdict(self, place: int, suspicion: float, below: bool) -> Verdict:
        """Of one region; ``below`` one that introduced an error or not."""
        one = self._regions[place]
        if one.local_nonfinite:
            return "nonfinite"
        if one.nonfinite and not any(self._regions[above].nonfinite for above in one.above):
            return "nonfinite"
        if suspicion > 1:
            return "introduced"
        if one.local is None:
            return self._unmeasured(place, below)
        resized = one.rel_l2 == math.inf  # though of the right size on the reference's input
        return "inherited" if resized or (below and self.large(one)) else "ok"

    def _unmeasured(self, place: int, below: bool) -> Verdict:
        """Of a region that could not be run alone: by what went in and what came out."""
        one = self._regions[place]
        if self._noticed(one):
            passed_on = below or self._fed_off(one, self._off)
            return "inherited" if passed_on else "introduced"
        if one.rel_l2 is None:
            hidden = not below and not self._fed_off(one, self._off) and self._felt(place)
            return "introduced" if hidden else "unpaired"
        return "inherited" if below and self.large(one) else "ok"

    def _felt(self, place: int) -> bool:
        """Whether what reads a result is off by itself alone: not by its own doing, and not by
        anything else that it reads."""
        readers = [one for one in self._regions if place in one.above]
        return any(
            one.local is not None
            and self.suspicion(one) <= 1
            and self._noticed(one)
            and not self._fed_off(one, self._off)
            for one in readers
        )

    def input_differs(self, verdicts: Sequence[Verdict]) -> bool:
        """Whether the input is the cause: no region is, and its error reaches the first layers."""
        if "introduced" in verdicts or "nonfinite" in verdicts:
            return False
        if self._input is not None:
            first = [one for one, fresh in zip(self._regions, self._first(), strict=True) if fresh]
            return self._input > _LARGE and any(self._reached(one) for one in first)
        known = [
            (one.rel_l2, one.local)
            for one in self._regions
            if one.rel_l2 is not None and one.local is not None
        ]
        apart = [error for error, local in known if error > max(_LARGE, 20 * local)]
        return bool(known) and len(apart) >= 0.9 * len(known)

    def _first(self) -> list[bool]:
        """By region, whether it is measured and none above it is."""
        found: list[bool] = []
        seen: list[bool] = []
        for one in self._regions:
            behind = any(seen[place] for place in one.above)
            found.append(one.rel_l2 is not None and not behind)
            seen.append(one.rel_l2 is not None or behind)
        return found

    def _reached(self, one: RegionErrors) -> bool:
        """Whether a first layer is further off than on the reference's own input."""
        error = one.rel_l2 or 0.0
        return self.large(one) and error > RATIO * (one.local or 0.0)


def _limits(regions: Sequence[RegionErrors]) -> Callable[[RegionErrors], float]:
    """From which local error on a float region is suspicious."""
    known = [
        (one.kind, one.local)
        for one in regions
        if one.local is not None
        and not one.expected
        and one.local < float_formats.ceiling(one.unit)
    ]
    overall = median([error for _, error in known]) if known else 0.0
    by_kind: dict[str, list[float]] = {}
    for kind, error in known:
        by_kind.setdefault(kind, []).append(error)
    typical: Mapping[str, float] = {
        kind: median(errors) for kind, errors in by_kind.items() if len(errors) >= _FEW
    }

    def limit(one: RegionErrors) -> float:
        least, most = float_formats.floor(one.unit), float_formats.ceiling(one.unit)
        return min(max(TIMES_MEDIAN * typical.get(one.kind, overall), least), most)

    return limit
