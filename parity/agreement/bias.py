"""Differences that objects share: no budget covers them, and no strict limit need be reached.

Noise scatters about zero. What boxes or scores have in common beyond a quarter of their limit is
the trace of a cause (a resize, a letterbox, a scale, a calibration), and is tested against noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from parity.agreement.chance import (
    above_by_chance,
    exceeds_by_chance,
    line_ends,
    median,
    together_by_chance,
)
from parity.agreement.findings import Finding
from parity.agreement.samples import Samples
from parity.boxes import Floats
from parity.nms import Ints
from parity.suite.tolerance import Tolerance

SHARE = 0.25  # of a limit that objects may have in common
CHANCE = 1e-6  # noise that looks like a bias more often than this is not called one
LINE, CLASS, IMAGE = 20, 5, 4  # from so many objects on
_CLIP = 1.5  # limits: what is further off is judged by itself, and must not carry a mean
SIDES = ("x1", "y1", "x2", "y2")


def box_bias(samples: Samples, names: Sequence[str], tolerance: Tolerance) -> Iterator[Finding]:
    """Sides of the box that are off together: all or along the input, else in classes or images."""
    if not len(samples.label):
        return
    allowed = allowance(samples.box, tolerance)
    for side, name in enumerate(SIDES):
        limits, place = allowed[:, side], samples.box[:, side]
        facts = {"side": name, "allowed": SHARE * median(limits)}
        one = _Values("bias", samples.shift[:, side], limits, facts, samples)
        yield from (one.of_all() or one.along(place) or one.of_classes() or one.of_images(names))


def score_bias(samples: Samples, tolerance: Tolerance) -> Iterator[Finding]:
    """Scores that are off together: all of them or along the score, else those of a class."""
    samples = samples.take(~np.isnan(samples.score_diff))
    limits = np.full(len(samples.score), tolerance.max_score_diff)
    facts = {"allowed": SHARE * tolerance.max_score_diff}
    one = _Values("score-bias", samples.score_diff, limits, facts, samples)
    yield from one.of_all() or one.along(samples.score) or one.of_classes()


def allowance(boxes: Floats, tolerance: Tolerance) -> Floats:
    """How far each side of boxes (n, 4) may move: ``max_corner_px``, or what the IoU limit leaves.

    A box of width w that moves by d has IoU (w - d) / (w + d), which is q at d = w (1 - q)/(1 + q).
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    least = tolerance.min_box_iou
    moved = np.concatenate([sides, sides], axis=1) * (1 - least) / (1 + least)
    return np.maximum(moved, tolerance.max_corner_px)


@dataclass(frozen=True, eq=False)
class _Values:
    """One side of the box, or the score: how far each object is off, and may be.

    ``off`` (n,) and ``limits`` (n,) are in the unit of the message.
    """

    code: str
    off: Floats
    limits: Floats
    facts: dict[str, Any]
    samples: Samples

    @cached_property
    def used(self) -> Floats:
        """How much of its limit each object uses, (n,)."""
        return np.clip(self.off / self.limits, -_CLIP, _CLIP)

    def along(self, at: Floats) -> list[Finding]:
        """Off more and more along ``at`` (n,): a robust line, tested at its ends."""
        count = len(at)
        if count < LINE or np.ptp(at) == 0:
            return []
        plain = np.column_stack([np.ones(count), at - median(at)])
        # What all are off by is less of the limit of a larger box.
        design = plain * (median(self.limits) / self.limits)[:, None]
        tested, told = line_ends(design, self.used, at), line_ends(plain, self.off, at)
        for (place, used, error), (_, shift, _) in zip(tested, told, strict=True):
            if above_by_chance(abs(used), SHARE, error, count - 2) < CHANCE:
                facts = {"at": place, "shift": shift, "pairs": count}
                return [Finding(self.code, {**self.facts, **facts})]
        return []

    def of_all(self) -> list[Finding]:
        """The median of all objects."""
        every = np.arange(len(self.off))
        return [self._finding({}, every, 0)] if self._shared(every) else []

    def of_classes(self) -> list[Finding]:
        """The class that is furthest off, and how many more are off too."""
        groups = _groups(self.samples.label)
        return self._worst("class", {key: one for key, one in groups.items() if self._shared(one)})

    def of_images(self, names: Sequence[str]) -> list[Finding]:
        """The image that is furthest off; how much noise there is, all of them tell."""
        groups = {names[key]: one for key, one in _groups(self.samples.image).items()}
        groups = {name: one for name, one in groups.items() if len(one) >= IMAGE}
        if not groups:
            return []
        off: dict[Any, Ints] = {}
        for values in (self.used, self.off):
            noise = _pooled([values[one] for one in groups.values()])
            off |= {
                name: rows
                for name, rows in groups.items()
                if _beyond(*self._of_limit(values, rows, noise))
            }
        return self._worst("image", off)

    def _shared(self, rows: Ints) -> bool:
        """Whether a group is off by a share of each one's limit, or all by the same distance.

        Boxes of many sizes that are all off by some pixels use unequal shares of their limits: as
        shares, what they have in common would look like noise.
        """
        if len(rows) < CLASS:
            return False
        return any(
            _beyond(self._of_limit(one, rows)[0], together=together_by_chance(one[rows], limits))
            for one, limits in (
                (self.used, np.ones(len(rows))),
                (self.off, self.limits[rows]),
            )
        )

    def _of_limit(
        self, values: Floats, rows: Ints, noise: tuple[float, int] | None = None
    ) -> tuple[Floats, float | None, int | None]:
        """``values[rows]``, ``used`` or ``off``, in limits; with their deviation, its freedom.

        ``noise``: that of all groups; a group's own counts where it is larger.
        """
        unit = 1.0 if values is self.used else median(self.limits[rows])
        shares = np.clip(values[rows] / unit, -_CLIP, _CLIP)
        if noise is None:
            return shares, None, None
        pooled, freedom = noise
        return shares, max(pooled, float(values[rows].std(ddof=1))) / unit, freedom

    def _worst(self, kind: str, groups: dict[Any, Ints]) -> list[Finding]:
        if not groups:
            return []
        worst = max(groups, key=lambda one: abs(median(self.used[groups[one]])))
        return [self._finding({kind: worst}, groups[worst], len(groups) - 1)]

    def _finding(self, group: dict[str, Any], rows: Ints, more: int) -> Finding:
        allowed = SHARE * median(self.limits[rows])
        facts = {"allowed": allowed, "median": median(self.off[rows]), "pairs": len(rows)}
        return Finding(self.code, {**self.facts, **group, **facts, "more": more})


def _groups(labels: Ints) -> dict[int, Ints]:
    """The rows of each label."""
    return {int(one): np.flatnonzero(labels == one) for one in np.unique(labels)}


def _pooled(groups: Sequence[Floats]) -> tuple[float, int]:
    """The deviation within groups of values, and its degrees of freedom."""
    residual = np.concatenate([one - one.mean() for one in groups])
    freedom = sum(len(one) - 1 for one in groups)
    return float(np.sqrt(residual @ residual / freedom)), freedom


def _beyond(
    used: Floats,
    deviation: float | None = None,
    freedom: int | None = None,
    together: float = 0.0,
) -> bool:
    """Whether the median is beyond its share of the limit, and noise does not explain it."""
    middle = median(used)
    if abs(middle) <= SHARE:
        return False
    excess = np.sign(middle) * used - SHARE
    return exceeds_by_chance(excess, deviation, freedom, together) < CHANCE
