"""One class for each box: the best, as predictors deploy it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from parity.choosing import BEST_CLASS
from parity.decode.heads.candidates import (
    Array,
    Candidates,
    Choice,
    Floats,
    Ints,
    Proposals,
    activate,
)


class Labels(Protocol):
    """The settings of a family that say how classes become scores."""

    @property
    def activation(self) -> str:
        """What is still to be applied."""
        ...

    @property
    def multi_label(self) -> bool:
        """Whether every class of a box is a proposal."""
        ...


def best_class(boxes: Floats, scores: Floats) -> Proposals:
    """Each box (A, 4) once, with the class of its best score (A, classes); if equal the first."""
    return _best(boxes, scores, lambda rows, picked: picked)


def labelled(
    boxes: Floats, raw: Array, how: Labels, factor: Floats | float = 1.0
) -> Candidates | Proposals:
    """Every class of every box, or each box with its best class only.

    ``raw`` (A, classes) are the head's own numbers, ``factor`` (A, 1) multiplies them once they are
    activated. An activation keeps their order, so only those that are deployed go through it.
    """
    if how.multi_label:
        scores = activate(raw.astype(np.float64), how.activation) * factor
        return Candidates(boxes, scores, every=True)

    def activated(rows: Ints, picked: Array) -> Floats:
        scale = factor if isinstance(factor, float) else factor[rows]
        return activate(picked.astype(np.float64), how.activation) * scale

    return _best(boxes, raw, activated)


def _best(boxes: Floats, raw: Array, activated: Callable[[Ints, Array], Floats]) -> Proposals:
    """Each box with the class of its highest number in ``raw`` (A, classes).

    ``activated`` makes scores of rows and their numbers (rows, columns).
    """
    every = np.arange(len(raw))
    classes = raw.argmax(axis=1).astype(np.int64)
    scores = activated(every, np.take_along_axis(raw, classes[:, None], axis=1))[:, 0]

    def passed_over(floor: float) -> tuple[Proposals, Ints]:
        rows = np.flatnonzero(scores >= floor)
        others = activated(rows, raw[rows])
        others[np.arange(len(rows)), classes[rows]] = -np.inf
        at, labels = np.nonzero(others >= floor)
        return Proposals(boxes[rows[at]], others[at, labels], labels), rows[at]

    choice = Choice(BEST_CLASS, every, len(raw), passed_over)
    return Proposals(boxes, scores, classes, choice)
