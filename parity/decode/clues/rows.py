"""Clues for the YOLO families: one head, a row (or a column) for every anchor or detection."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.decode.clues.evidence import Clue, Seen
from parity.decode.heads.candidates import SCORE_SLACK, Floats

ANCHORS = (1, 3)
RELATIVE = 2.0  # boxes relative to the input stay below this, those in pixels do not
SMALL = 16.0  # a centre's offset, in cells, and a logarithm of a size are smaller


def only(seen: Seen) -> str | None:
    """The one head that counts: others are maps of more dimensions, as YOLOv5 exports have them."""
    found = seen.of_rank(3) or seen.of_rank(2)
    others = [one for one in seen.heads if one not in found and len(seen.looks[one].shape) < 4]
    if len(found) != 1 or others:
        return None
    shape = seen.looks[found[0]].shape
    return found[0] if len(shape) == 2 or shape[0] == 1 else None


def dense(seen: Seen) -> Iterator[tuple[str, Floats, bool]]:
    """The head as (A, columns), and whether the file has it so: anchors are more than columns."""
    name = only(seen)
    if name is None or seen.values[name].ndim != 3 or min(seen.values[name].shape) == 0:
        return
    values = seen.values[name][0]
    upright = values.shape[0] >= values.shape[1]
    rows = values if upright else values.T
    if rows.shape[1] >= 5:
        yield name, rows, upright


def class_clues(seen: Seen, classes: int) -> Iterator[Clue]:
    if seen.classes is not None:
        fits = classes == seen.classes
        yield Clue(fits, 0.15, f"it has room for the {classes} classes of the suite")
        yield Clue(not fits, -0.15)


def decoded_words(rows: Floats, seen: Seen) -> tuple[bool, str]:
    """Whether the first four columns are boxes cx, cy, w, h, in pixels or relative."""
    boxes = rows[:, :4]
    positive = bool((boxes[:, 2:] >= 0).all())
    spread = float(np.ptp(boxes[:, :2])) if boxes.size else 0.0
    high = float(boxes.max(initial=0.0))
    pixels = high > SMALL
    edge = max(seen.size) if seen.size is not None and pixels else 1.0 if not pixels else spread
    if not positive or spread < 0.5 * edge:
        return False, ""
    unit = "pixels of the input" if pixels else "shares of the input"
    return True, f"4 of its channels are 0 or more where sizes stand, up to {high:.4g}: {unit}"


def unit(values: Floats) -> bool:
    return bool(values.size) and bool(
        values.min() >= -SCORE_SLACK and values.max() <= 1 + SCORE_SLACK
    )
