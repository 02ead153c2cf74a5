"""What a comparison of layers has seen so far; everything but the models that outlives an image."""

from __future__ import annotations

from dataclasses import dataclass, field

from parity.layers.alignment import Alignment
from parity.layers.divergence import Limits, Spread
from parity.layers.draft import Draft
from parity.layers.regions import Region


@dataclass(eq=False)
class Measured:
    """What was seen of one region so far."""

    accumulated: Spread | None = None
    local: Spread | None = None
    expected: float | None = None
    range_score: float | None = None
    range_times: float | None = None
    range_clips: bool = False
    coarseness: float | None = None
    absorbed: str = ""
    note: str = ""


@dataclass(eq=False)
class Comparison:
    """A comparison in the making; everything but the models that outlives an image."""

    alignment: Alignment
    draft: Draft
    regions: tuple[Region, ...]
    measured: list[Measured]
    limits: Limits
    images: int = 0
    input_rel_l2: float | None = None
    observer: dict[str, float | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
