"""Clues for networks that suppress by themselves and answer with detections in several heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity.decode.clues.evidence import Seen

RELATIVE = 2.0  # boxes relative to the input stay below this, those in pixels do not
POSTPROCESS = "TFLite_Detection_PostProcess"


def units(seen: Seen, boxes: str | None) -> dict[str, Any]:
    """Whether boxes are relative to the input, where there are any."""
    high = 0.0 if boxes is None else float(np.abs(seen.values[boxes]).max(initial=0.0))
    return {} if high == 0.0 else {"normalized": high <= RELATIVE}


def four(seen: Seen) -> list[str]:
    """boxes, scores, classes, count: told apart by shape, then by whole numbers; else nothing."""
    shapes = {name: look.shape for name, look in seen.looks.items()}
    boxes = [name for name, shape in shapes.items() if len(shape) == 3 and shape[2] == 4]
    counts = [name for name, shape in shapes.items() if shape in ((1,), (1, 1), ())]
    if len(shapes) != 4 or len(boxes) != 1 or len(counts) != 1:
        return []
    rows = [name for name in shapes if name not in (boxes[0], counts[0])]
    if any(shapes[name] != shapes[boxes[0]][:2] for name in rows):
        return []
    classes = _class_head(seen, rows)
    return [boxes[0], next(one for one in rows if one != classes), classes, counts[0]]


def _class_head(seen: Seen, rows: list[str]) -> str:
    """Whole numbers are classes; where both are (nothing was found), names or the order decide."""
    said = seen.named("class")
    if said in rows and said is not None:
        return said
    whole = [name for name in rows if seen.looks[name].whole]
    falling = [name for name in rows if seen.looks[name].falling and not seen.looks[name].whole]
    if len(whole) == 1:
        return whole[0]
    return next((name for name in rows if name not in falling), rows[0])


def ids_of(seen: Seen, classes: str | None, scores: str | None) -> tuple[float, ...]:
    """The classes of rows that have a score."""
    if classes is None or scores is None:
        return ()
    values: Mapping[str, np.ndarray] = seen.values
    if values[classes].shape != values[scores].shape:
        return ()
    return tuple(float(one) for one in np.unique(values[classes][values[scores] > 0]))
