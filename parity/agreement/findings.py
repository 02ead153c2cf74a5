"""One reason why a verdict fails, as data. ``report.messages`` words it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A named disagreement and the numbers that its message needs.

    Codes from detections: ``lost``, ``extra``, ``box``, ``score``, ``class``, ``excused``,
    ``risen``, ``unjudgeable``, ``settings``, ``empty``, ``vanished``, ``appeared``,
    ``concentrated``, ``bias``, ``score-bias``, ``below-a-pixel``, ``nothing-detected``,
    ``no-image``.
    Codes from heads: ``nonfinite``, ``shape``, ``constant-head``, ``wrap-around``, ``one-sided``.
    """

    code: str
    facts: dict[str, Any] = field(default_factory=dict)
