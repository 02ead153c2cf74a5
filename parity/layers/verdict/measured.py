"""What a comparison of layers has measured so far: all but the models that outlives an image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from parity.layers.align.alignment import Alignment
from parity.layers.align.matching import Matching
from parity.layers.align.regions import Region
from parity.layers.numbers.divergence import Limits, Spread
from parity.layers.numbers.float_formats import SINGLE, FloatFormat


@dataclass(eq=False)
class Measured:
    """What was measured of one region so far.

    ``at_least`` is the accumulated relative L2 in whatever layout, where the layouts do not tell.
    ``samples`` is how many independent errors the local one is made of, ``two_steps`` what an error
    of two steps in one value comes to. ``resized`` says what size
    the region's result has where it is not the reference's; ``resized_alone`` where it has that on
    the reference's own input too. ``note`` says why there is no local error, ``expecting`` why no
    expected one.
    """

    format: FloatFormat = SINGLE
    accumulated: Spread | None = None
    at_least: float = 0.0
    local: Spread | None = None
    samples: float = math.inf
    two_steps: float = 0.0
    expected: float | None = None
    range_score: float | None = None
    range_times: float | None = None
    range_clips: bool = False
    range_excess: float | None = None
    coarseness: float | None = None
    absorbed: str = ""
    resized: str = ""
    resized_alone: bool = False
    note: str = ""
    expecting: str = ""


@dataclass(eq=False)
class Comparison:
    """A comparison in the making; everything but the models that outlives an image."""

    alignment: Alignment
    matching: Matching
    regions: tuple[Region, ...]
    measured: list[Measured]
    limits: Limits
    images: int = 0
    input_rel_l2: float | None = None
    observer: dict[str, float | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
