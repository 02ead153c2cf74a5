"""One class for each box: the best, as predictors deploy it."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from parity.decode.heads.candidates import Array, Candidates, Floats, Proposals, activate


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
    classes = scores.argmax(axis=1).astype(np.int64)
    return Proposals(boxes, np.take_along_axis(scores, classes[:, None], axis=1)[:, 0], classes)


def labelled(
    boxes: Floats, raw: Array, how: Labels, factor: Floats | float = 1.0
) -> Candidates | Proposals:
    """Every class of every box, or each box with its best class only.

    ``raw`` (A, classes) are the head's own numbers, ``factor`` (A, 1) multiplies them once they are
    activated. An activation keeps their order, so only those that are deployed go through it.
    """
    if how.multi_label:
        return Candidates(boxes, activate(raw.astype(np.float64), how.activation) * factor)
    classes = raw.argmax(axis=1).astype(np.int64)
    best = np.take_along_axis(raw, classes[:, None], axis=1).astype(np.float64)
    scores = activate(best, how.activation) * factor
    return Proposals(boxes, scores[:, 0], classes)
