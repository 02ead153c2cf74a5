"""Clues for the YOLO families: one head, a row (or a column) for every anchor or detection."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parity.decode.clues.evidence import Clue, Likelihood, Seen, grid_words, weigh
from parity.decode.heads.candidates import SCORE_SLACK, Floats

ANCHORS = (1, 3)
RELATIVE = 2.0  # boxes relative to the input stay below this, those in pixels do not
SMALL = 16.0  # a centre's offset, in cells, and a logarithm of a size are smaller


def yolov8(seen: Seen) -> Iterator[Likelihood]:
    """(1, 4 + C, A) or transposed: decoded cx, cy, w, h and a score for every class."""
    for name, rows, upright in _dense(seen):
        columns, grid = rows.shape[1], grid_words(len(rows), seen.size, ANCHORS)
        decoded, why = _decoded(rows, seen)
        classes = columns - 4
        written = "(1, 4 + C, A)" if not upright else "(1, A, 4 + C)"
        yield weigh(
            "yolov8",
            [
                Clue(True, 0.35, f"one head {seen.looks[name].shape} as {written}"),
                Clue(not upright, 0.25, "the anchors come last"),
                Clue(unit(rows[:, 4:]), 0.15, "all but 4 of its channels are within 0..1"),
                Clue(not unit(rows[:, 4:]), -0.2),
                Clue(decoded, 0.1, why),
                Clue(not decoded, -0.2),
                *_class_clues(seen, classes),
                # anchors first, an objectness among the scores cannot be told from a class
                Clue(
                    grid is not None and grid[0] == 1,
                    0.1 if upright else 0.2,
                    grid[1] if grid else "",
                ),
                Clue(grid is not None and grid[0] == 3, -0.2),
            ],
            outputs={"predictions": name},
            classes=classes,
            table={"normalized": bool(rows[:, :4].max(initial=0.0) <= RELATIVE)},
        )


def yolov5(seen: Seen) -> Iterator[Likelihood]:
    """(1, A, 5 + C): decoded cx, cy, w, h, objectness and a score for every class."""
    for name, rows, upright in _dense(seen):
        if not upright or rows.shape[1] < 6:
            continue
        grid, classes = grid_words(len(rows), seen.size, ANCHORS), rows.shape[1] - 5
        decoded, why = _decoded(rows, seen)
        yield weigh(
            "yolov5",
            [
                Clue(True, 0.35, f"one head {seen.looks[name].shape} as (1, A, 5 + C)"),
                Clue(unit(rows[:, 4:]), 0.15, "columns 4 and on are within 0..1"),
                Clue(not unit(rows[:, 4:]), -0.2),
                Clue(decoded, 0.15, why),
                Clue(not decoded, -0.3),
                *_class_clues(seen, classes),
                Clue(grid is not None and grid[0] == 3, 0.2, grid[1] if grid else ""),
            ],
            outputs={"predictions": name},
            classes=classes,
            table={"normalized": bool(rows[:, :4].max(initial=0.0) <= RELATIVE)},
        )


def yolox(seen: Seen) -> Iterator[Likelihood]:
    """(1, A, 5 + C): offsets in cells and logarithms of sizes, still to be decoded."""
    for name, rows, upright in _dense(seen):
        if not upright or rows.shape[1] < 6:
            continue
        grid, classes = grid_words(len(rows), seen.size, ANCHORS), rows.shape[1] - 5
        boxes = rows[:, :4]
        small = bool(np.abs(boxes).max(initial=0.0) < SMALL)
        negative = bool((boxes[:, 2:] < 0).any() and np.ptp(boxes) > 0)  # -1 throughout is padding
        yield weigh(
            "yolox",
            [
                Clue(True, 0.3, f"one head {seen.looks[name].shape} as (1, A, 5 + C)"),
                Clue(
                    small and negative,
                    0.3,
                    "columns 0 to 3 are small, widths also negative: "
                    "offsets and logarithms, not boxes",
                ),
                Clue(not small or not negative, -0.2),
                Clue(unit(rows[:, 4:]), 0.1, "columns 4 and on are within 0..1"),
                *_class_clues(seen, classes),
                Clue(grid is not None and grid[0] == 1, 0.2, grid[1] if grid else ""),
                Clue(grid is not None and grid[0] == 3, -0.1),
            ],
            outputs={"predictions": name},
            classes=classes,
        )


def only(seen: Seen) -> str | None:
    """The one head that counts: others are maps of more dimensions, as YOLOv5 exports have them."""
    found = seen.of_rank(3) or seen.of_rank(2)
    others = [one for one in seen.heads if one not in found and len(seen.looks[one].shape) < 4]
    if len(found) != 1 or others:
        return None
    shape = seen.looks[found[0]].shape
    return found[0] if len(shape) == 2 or shape[0] == 1 else None


def _dense(seen: Seen) -> Iterator[tuple[str, Floats, bool]]:
    """The head as (A, columns), and whether the file has it so: anchors are more than columns."""
    name = only(seen)
    if name is None or seen.values[name].ndim != 3 or min(seen.values[name].shape) == 0:
        return
    values = seen.values[name][0]
    upright = values.shape[0] >= values.shape[1]
    rows = values if upright else values.T
    if rows.shape[1] >= 5:
        yield name, rows, upright


def _class_clues(seen: Seen, classes: int) -> Iterator[Clue]:
    if seen.classes is not None:
        fits = classes == seen.classes
        yield Clue(fits, 0.15, f"it has room for the {classes} classes of the suite")
        yield Clue(not fits, -0.15)


def _decoded(rows: Floats, seen: Seen) -> tuple[bool, str]:
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
