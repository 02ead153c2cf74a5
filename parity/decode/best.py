"""One class for each box: the best, as predictors deploy it."""

from __future__ import annotations

import numpy as np

from parity.decode.candidates import Candidates, Floats, Proposals


def best_class(boxes: Floats, scores: Floats) -> Proposals:
    """Each box (A, 4) once, with the class of its best score (A, classes); if equal the first."""
    classes = scores.argmax(axis=1).astype(np.int64)
    return Proposals(boxes, np.take_along_axis(scores, classes[:, None], axis=1)[:, 0], classes)


def labelled(boxes: Floats, scores: Floats, multi_label: bool) -> Candidates | Proposals:
    """Every class of every box, or each box with its best class only."""
    return Candidates(boxes, scores) if multi_label else best_class(boxes, scores)
