"""Every fault that is planted, by name: each damages a ``Draft``, or finds no site and says so."""

from __future__ import annotations

from benchmarks.planted import boxes, objects, scores
from benchmarks.planted.draft import Draft, Fault
from benchmarks.planted.scenes import Rng

SETTINGS = scores.SETTINGS
SINGLE: dict[str, Fault] = {**objects.FAULTS, **boxes.FAULTS, **scores.FAULTS, **SETTINGS}


def several(rng: Rng, draft: Draft) -> bool:
    """Two or three of them at once."""
    names = rng.choice(list(SINGLE), int(rng.integers(2, 4)), replace=False)
    done = [SINGLE[str(name)](rng, draft) for name in names]
    return any(done)


FAULTS: dict[str, Fault] = {**SINGLE, "several at once": several}
