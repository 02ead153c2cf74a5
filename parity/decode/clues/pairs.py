"""Clues for families of two heads: boxes (1, A, 4), and scores or logits (1, A, columns)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.decode.clues.evidence import Clue, Seen, grid_words
from parity.decode.heads.candidates import Floats

QUERIES = 1000  # a transformer asks for fewer objects than this
MOSTLY = 0.8  # of the queries find nothing: far more than chance would have it
RELATIVE = 4.0  # boxes relative to the input stay below this, those in pixels do not
LEVELS = (8, 16, 32, 64, 128)  # strides of an EfficientDet
PER_CELL = 9  # its anchors: three scales of three ratios


@dataclass(frozen=True, eq=False)
class Pair:
    """The two heads of one image, told apart, and what their numbers are."""

    names: tuple[str, str]  # boxes, scores
    boxes: Floats  # (A, 4)
    scores: Floats  # (A, columns)
    unit: bool  # scores within 0..1
    sums: bool  # each row of them sums to one

    @property
    def relative(self) -> bool:
        return bool(np.abs(self.boxes).max(initial=0.0) <= RELATIVE)

    @property
    def written(self) -> str | None:
        """How the boxes can be read as boxes, None where they cannot."""
        if not len(self.boxes):
            return None
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        edge = 1.0 if self.relative else float(self.boxes.max())
        if bool((high >= low).all()) and np.ptp((low + high) / 2) > 0.3 * edge:
            return "xyxy"
        if bool((high >= 0).all()) and np.ptp(low) > 0.3 * edge:
            return "cxcywh"
        return None

    @property
    def background(self) -> int | None:
        """The column that is largest in most rows of a softmax, the first or the last."""
        columns = self.scores.shape[1]
        if not self.sums or columns < 2:
            return None
        share = np.bincount(self.scores.argmax(axis=1), minlength=columns) / len(self.scores)
        return int(columns - 1) if share[columns - 1] > max(0.5, share[0]) else 0


def query_clues(seen: Seen, pair: Pair) -> Iterator[Clue]:
    boxes = pair.boxes
    inside = bool(len(boxes)) and bool((boxes >= 0).all() and (boxes <= 1).all())
    said = seen.named("pred_boxes", "pred_logits", "logits")
    yield shape_clue(pair, 0.3)
    yield Clue(inside, 0.15, f"{pair.names[0]!r} is within 0..1")
    yield Clue(not inside, -0.4)
    yield Clue(not pair.unit, 0.2, f"{pair.names[1]!r} is not within 0..1: logits")
    yield Clue(pair.unit, -0.3)
    yield Clue(said is not None, 0.15, f"an output is called {said!r}")
    yield Clue(grid_words(len(boxes), seen.size, (1, 3)) is not None, -0.2)


def shape_clue(pair: Pair, worth: float) -> Clue:
    rows, columns = pair.scores.shape
    return Clue(
        True,
        worth,
        f"{pair.names[0]!r} (1, {rows}, 4) beside {pair.names[1]!r} (1, {rows}, {columns})",
    )


def columns_words(seen: Seen, columns: int, extra: str) -> str:
    return f"{columns} columns for the {seen.classes} classes of the suite {extra}".rstrip()


def class_clues(seen: Seen, pair: Pair) -> Iterator[Clue]:
    if seen.classes is not None:
        columns = pair.scores.shape[1]
        fits = columns in (seen.classes, seen.classes + 1)
        extra = "and a background" if columns == seen.classes + 1 else ""
        yield Clue(fits, 0.1, columns_words(seen, columns, extra))
        yield Clue(not fits, -0.1)


def room(seen: Seen, pair: Pair) -> int:
    return int(pair.scores.shape[1]) - ("background" in score_table(seen, pair))


def score_table(seen: Seen, pair: Pair) -> dict[str, Any]:
    """``activation`` and ``background`` as the numbers and the suite's classes suggest."""
    columns = pair.scores.shape[1]
    extra = seen.classes == columns - 1 if seen.classes is not None else pair.sums
    table: dict[str, Any] = {"activation": "none"}
    if not pair.unit:
        table["activation"] = "softmax" if extra else "sigmoid"
    if extra:
        table["background"] = pair.background or 0
    return table


def of_efficientdet(anchors: int, seen: Seen) -> bool:
    if seen.size is None:
        return False
    cells = sum((-(-seen.size[0] // s)) * (-(-seen.size[1] // s)) for s in LEVELS)
    return anchors == PER_CELL * cells


def pairs(seen: Seen, most: int | None = None) -> Iterator[Pair]:
    """The two heads (1, A, 4) and (1, A, columns) or (1, A), where there are exactly two such.

    Where both have four columns, names or else the values tell which is which.
    """
    rows = [name for name in seen.heads if len(seen.looks[name].shape) == 3]
    flat = [name for name in seen.heads if len(seen.looks[name].shape) == 2]
    names = _said(seen) or (rows if len(rows) == 2 else rows + flat)
    if len(names) != 2 or any(seen.heads[name].shape[0] != 1 for name in names):
        return
    fours = [name for name in names if seen.heads[name].shape[2:] == (4,)]
    if not fours:
        return
    boxes = fours[0] if len(fours) == 1 else _box_head(seen, fours)
    scores = next(name for name in names if name != boxes)
    values = seen.values[scores][0]
    values = values[:, None] if values.ndim == 1 else values
    many = most is not None and len(values) > most
    if len(values) == len(seen.values[boxes][0]) and values.size and not many:
        look = seen.looks[scores]
        yield Pair((boxes, scores), seen.values[boxes][0], values, look.unit, look.sums)


def _said(seen: Seen) -> list[str] | None:
    """The heads that a transformer's export names, among hidden states of other shapes."""
    boxes, logits = seen.named("pred_boxes"), seen.named("pred_logits", "logits")
    if boxes is None or logits is None or boxes == logits:
        return None
    return [boxes, logits]


def _box_head(seen: Seen, names: list[str]) -> str:
    said = seen.named("box", "loc", "offset")
    if said in names and said is not None:
        return said
    scores = seen.named("score", "conf", "cls", "logit", "prob")
    others = [name for name in names if name != scores and not seen.looks[name].sums]
    return others[0] if others else names[0]
