"""Which region introduced an error, and which only passed one on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median  # numpy's loads numpy.ma, which takes longer than a table

from parity.layers.table import Verdict

TIMES_MEDIAN = 10.0
"""A float region is suspicious from this multiple of its op type's median local error on."""

LEAST = 1e-5
"""... and from this relative L2 on; below, it is rounding."""

RATIO = 1.25
"""A quantised region is suspicious from this multiple of its expected error on; healthy ops reach
1.17."""

RANGE_TIMES = 5.0
"""... or where its range score is this multiple of the best that the reference's values allow;
healthy tensors reach 4 where a concatenation makes several share one scale."""

RANGE = 0.005
"""... and at least this: finer steps harm nobody."""

_FEW = 4
_LARGE = 1e-3


@dataclass(frozen=True)
class Facts:
    """What was measured of one region over all images; ``above`` are the places of its inputs'.

    ``kind`` is the candidate's op kind that the region is known by. ``range_times`` is the range
    score over the best possible one, ``coarseness`` the same of the weights' steps. ``absorbed``
    names the op behind which the error of a bad range is gone.
    """

    kind: str
    above: tuple[int, ...]
    rel_l2: float | None
    nonfinite: int
    local: float | None
    local_nonfinite: int
    expected: float | None = None
    range_score: float | None = None
    range_times: float | None = None
    coarseness: float | None = None
    absorbed: str = ""

    @property
    def ratio(self) -> float | None:
        """Local error over the expected one."""
        if self.local is None or not self.expected:
            return None
        return self.local / self.expected


@dataclass(frozen=True)
class Judgement:
    """The verdicts in the order of the facts, how suspicious each is (1 and more: introduced)."""

    verdicts: tuple[Verdict, ...]
    suspicions: tuple[float, ...]
    input_differs: bool


def judge(facts: Sequence[Facts], quantized: bool) -> Judgement:
    """The verdict of every region of a table."""
    limits = _limits(facts)
    suspicions = tuple(_suspicion(one, limits.get(one.kind, LEAST), quantized) for one in facts)
    tainted: list[bool] = []
    verdicts: list[Verdict] = []
    for one, suspicion in zip(facts, suspicions, strict=True):
        below = any(tainted[place] for place in one.above)
        verdict = _verdict(one, suspicion, below, facts)
        verdicts.append(verdict)
        tainted.append(below or verdict in ("introduced", "nonfinite"))
    differs = _input_differs(facts, verdicts)
    if differs:
        verdicts = [
            "inherited" if _large(one) else own for one, own in zip(facts, verdicts, strict=True)
        ]
    return Judgement(tuple(verdicts), suspicions, differs)


def _limits(facts: Sequence[Facts]) -> Mapping[str, float]:
    """By op kind, the local error from which a float region of that kind is suspicious."""
    known = [(one.kind, one.local) for one in facts if one.local is not None]
    known = [(kind, error) for kind, error in known if math.isfinite(error)]
    overall = median([error for _, error in known]) if known else 0.0
    limits = {}
    for kind in {one.kind for one in facts}:
        own = [error for other, error in known if other == kind]
        limits[kind] = max(TIMES_MEDIAN * (median(own) if len(own) >= _FEW else overall), LEAST)
    return limits


def _suspicion(one: Facts, limit: float, quantized: bool) -> float:
    """How many times the limit a region's local error is; infinite for a NaN of its own making."""
    if one.local_nonfinite:
        return math.inf
    if not quantized:
        return 0.0 if one.local is None else one.local / limit
    scores = [0.0 if one.coarseness is None else one.coarseness / RATIO]
    if one.ratio is not None:
        scores.append(one.ratio / RATIO)
    elif one.local is not None and one.range_times is None:
        scores.append(one.local / limit)
    if is_bad_range(one.range_score, one.range_times) and not one.absorbed:
        scores.append((one.range_times or 0.0) / RANGE_TIMES)
    return max(scores)


def is_bad_range(score: float | None, times: float | None) -> bool:
    """Whether a scale does not fit the reference's values: too coarse for them, or clipping."""
    return score is not None and times is not None and score > RANGE and times > RANGE_TIMES


def _verdict(one: Facts, suspicion: float, below: bool, facts: Sequence[Facts]) -> Verdict:
    if one.local_nonfinite:
        return "nonfinite"
    if one.nonfinite and not any(facts[place].nonfinite for place in one.above):
        return "nonfinite"
    if suspicion > 1:
        return "introduced"
    return "inherited" if below and _large(one) else "ok"


def _large(one: Facts) -> bool:
    return one.nonfinite > 0 or (one.rel_l2 is not None and one.rel_l2 > _LARGE)


def _input_differs(facts: Sequence[Facts], verdicts: Sequence[Verdict]) -> bool:
    """Every accumulated error is large while every local one is next to nothing."""
    if "introduced" in verdicts or "nonfinite" in verdicts:
        return False
    known = [
        (one.rel_l2, one.local) for one in facts if one.rel_l2 is not None and one.local is not None
    ]
    apart = [error for error, local in known if error > max(_LARGE, 20 * local)]
    return bool(known) and len(apart) >= 0.9 * len(known)
