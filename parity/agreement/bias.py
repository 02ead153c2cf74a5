"""Differences that objects share: no budget covers them, and no strict limit need be reached.

Noise scatters about zero. What boxes or scores have in common beyond a quarter of their limit is
the trace of a cause (a resize, a letterbox, a scale, a calibration), and is tested against noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.agreement.chance import above_by_chance, exceeds_by_chance, line_ends
from parity.agreement.findings import Finding
from parity.agreement.samples import Samples
from parity.boxes import Floats
from parity.suite.tolerance import Tolerance

SHARE = 0.25  # of a limit that objects may have in common
CHANCE = 1e-6  # noise that looks like a bias more often than this is not called one
LINE, CLASS, IMAGE = 20, 5, 4  # from so many objects on
_CLIP = 1.5  # limits: what is further off is judged by itself, and must not carry a mean
SIDES = ("x1", "y1", "x2", "y2")


def box_bias(samples: Samples, names: Sequence[str], tolerance: Tolerance) -> Iterator[Finding]:
    """Sides of the box that are off together: along the input or all, else in classes or images."""
    if not len(samples.label):
        return
    allowed = allowance(samples.box, tolerance)
    used = np.clip(samples.shift / allowed, -_CLIP, _CLIP)
    for side, name in enumerate(SIDES):
        scale = float(np.median(allowed[:, side]))
        facts = {"side": name, "allowed": SHARE * scale}
        one = _Values("bias", used[:, side], scale, facts, samples)
        # One shift, in pixels, is less of the limit of a larger box.
        design = _line(samples.box[:, side]) * (scale / allowed[:, side, None])
        yield from (
            one.along(design, samples.box[:, side])
            or one.of_all()
            or one.of_classes()
            or one.of_images(names)
        )


def score_bias(samples: Samples, tolerance: Tolerance) -> Iterator[Finding]:
    """Scores that are off together: all of them or along the score, else those of a class."""
    samples = samples.take(~np.isnan(samples.score_diff))
    limit = tolerance.max_score_diff
    used = np.clip(samples.score_diff / limit, -_CLIP, _CLIP)
    one = _Values("score-bias", used, limit, {"allowed": SHARE * limit}, samples)
    along = one.along(_line(samples.score), samples.score)
    yield from one.of_all() or along or one.of_classes()


def allowance(boxes: Floats, tolerance: Tolerance) -> Floats:
    """How far each side of boxes (n, 4) may move: ``max_corner_px``, or what the IoU limit leaves.

    A box of width w that moves by d has IoU (w - d) / (w + d), which is q at d = w (1 - q)/(1 + q).
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    least = tolerance.min_box_iou
    moved = np.concatenate([sides, sides], axis=1) * (1 - least) / (1 + least)
    return np.maximum(moved, tolerance.max_corner_px)


def _line(at: Floats) -> Floats:
    """The design (n, 2) of a line: 1, and ``at`` from its median on."""
    return np.column_stack([np.ones(len(at)), at - np.median(at)]) if len(at) else np.ones((0, 2))


@dataclass(frozen=True, eq=False)
class _Values:
    """One side of the box, or the score: how far each object is off, in limits.

    ``used`` (n,); ``scale`` turns limits into the unit of the message.
    """

    code: str
    used: Floats
    scale: float
    facts: dict[str, Any]
    samples: Samples

    def along(self, design: Floats, at: Floats) -> list[Finding]:
        """A robust line along ``at`` (n,) of ``design`` (n, 2), tested at its ends."""
        if len(self.used) < LINE or np.ptp(at) == 0:
            return []
        for place, value, error in line_ends(design, self.used, at):
            if above_by_chance(abs(value), SHARE, error, len(self.used) - 2) < CHANCE:
                facts = {"at": place, "shift": value * self.scale, "pairs": len(self.used)}
                return [Finding(self.code, {**self.facts, **facts})]
        return []

    def of_all(self) -> list[Finding]:
        """The median of all objects."""
        return [self._finding({}, self.used, 0)] if self._shared(self.used) else []

    def of_classes(self) -> list[Finding]:
        """The class that is furthest off, and how many more are off too."""
        labels = self.samples.label
        groups = {int(label): self.used[labels == label] for label in np.unique(labels)}
        return self._worst("class", {key: one for key, one in groups.items() if self._shared(one)})

    def of_images(self, names: Sequence[str]) -> list[Finding]:
        """The image that is furthest off; how much noise there is, all of them tell."""
        images = self.samples.image
        groups = {names[image]: self.used[images == image] for image in np.unique(images)}
        groups = {name: one for name, one in groups.items() if len(one) >= IMAGE}
        if not groups:
            return []
        residual = np.concatenate([one - one.mean() for one in groups.values()])
        freedom = sum(len(one) - 1 for one in groups.values())
        pooled = float(np.sqrt(residual @ residual / freedom))
        off = {
            name: one
            for name, one in groups.items()
            if _beyond(one, max(pooled, float(one.std(ddof=1))), freedom)
        }
        return self._worst("image", off)

    def _shared(self, used: Floats) -> bool:
        return len(used) >= CLASS and _beyond(used)

    def _worst(self, kind: str, groups: dict[Any, Floats]) -> list[Finding]:
        if not groups:
            return []
        worst = max(groups, key=lambda one: abs(float(np.median(groups[one]))))
        return [self._finding({kind: worst}, groups[worst], len(groups) - 1)]

    def _finding(self, group: dict[str, Any], used: Floats, more: int) -> Finding:
        facts = {"median": float(np.median(used)) * self.scale, "pairs": len(used), "more": more}
        return Finding(self.code, {**self.facts, **group, **facts})


def _beyond(used: Floats, deviation: float | None = None, freedom: int | None = None) -> bool:
    """Whether the median is beyond its share of the limit, and noise does not explain it."""
    median = float(np.median(used))
    if abs(median) <= SHARE:
        return False
    return exceeds_by_chance(np.sign(median) * used - SHARE, deviation, freedom) < CHANCE
