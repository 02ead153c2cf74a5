"""A candidate in the making: a suite's images and settings on both sides, to be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.planted.scenes import Heads, Rng, Settings, side_of
from benchmarks.planted.truth import nms, overlap
from parity.agreement import under_settings
from parity.detections import Side
from parity.suite.tolerance import Tolerance


@dataclass(eq=False)
class Draft:
    """A suite's images on both sides; the candidate's may be spoiled, and its settings.

    ``hidden``: "", or which side shows only what NMS leaves ("reference", "candidate", "both").
    ``deliberate``: whether other settings of the candidate are meant, so that the reference is
    judged under them.
    """

    reference: list[Heads]
    candidate: list[Heads]
    ours: Settings
    theirs: Settings
    tolerance: Tolerance
    hidden: str = ""
    deliberate: bool = False

    @cached_property
    def objects(self) -> list[tuple[int, int, int]]:
        """What the reference deploys: image, row, class."""
        found = []
        for at, heads in enumerate(self.reference):
            rows, classes = np.nonzero(heads.scores >= self.ours.threshold)
            scores = heads.scores[rows, classes]
            kept = nms(heads.boxes[rows], scores, classes, rows, self.ours.suppression)
            found += [(at, int(rows[one]), int(classes[one])) for one in kept]
        return found

    def sides(self) -> Iterator[tuple[Side, Side]]:
        """Both sides of each image, as parity sees them."""
        floor = self.theirs.threshold - self.tolerance.band
        lower = min(floor, self.ours.threshold - self.tolerance.band)
        for ours, theirs in zip(self.reference, self.candidate, strict=True):
            reference = side_of(ours, self.ours, lower)
            candidate = side_of(theirs, self.theirs, floor)
            if self.hidden in ("reference", "both"):
                reference = replace(reference, proposals=None, result=None)
            if self.hidden in ("candidate", "both"):
                candidate = replace(candidate, proposals=None, result=None)
            if self.deliberate:
                reference = under_settings(reference, candidate)
            yield reference, candidate

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.reference[0].scores.shape[1])

    def around(self, at: int, row: int) -> Any:
        """The rows of the candidate that see the same object."""
        boxes = self.reference[at].boxes
        return np.flatnonzero(overlap(boxes[[row]], boxes)[0] >= 0.4)


Fault = Callable[[Rng, Draft], bool]


def magnitude(rng: Rng, low: float, high: float) -> float:
    """Of either sign, each order of magnitude as likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))) * rng.choice([-1, 1]))


def ordered(heads: Heads) -> None:
    """Boxes again from their lower to their upper corner."""
    low, high = heads.boxes[:, :2].copy(), heads.boxes[:, 2:].copy()
    heads.boxes[:, :2], heads.boxes[:, 2:] = np.minimum(low, high), np.maximum(low, high)
