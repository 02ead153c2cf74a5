"""Clues for families of two heads: boxes (1, A, 4), and scores or logits (1, A, columns)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.decode.clues.evidence import Clue, Likelihood, Seen, grid_words, weigh
from parity.decode.heads.candidates import Floats

QUERIES = 1000  # a transformer asks for fewer objects than this
MOSTLY = 0.8  # of the queries find nothing: far more than chance would have it
RELATIVE = 4.0  # boxes relative to the input stay below this, those in pixels do not
LEVELS = (8, 16, 32, 64, 128)  # strides of an EfficientDet
PER_CELL = 9  # its anchors: three scales of three ratios


@dataclass(frozen=True, eq=False)
class _Pair:
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


def detr(seen: Seen) -> Iterator[Likelihood]:
    """Logits (1, Q, C + 1), the last for no object, and boxes (1, Q, 4) cxcywh in 0..1."""
    for pair in _pairs(seen, QUERIES):
        columns = pair.scores.shape[1]
        last = float((pair.scores.argmax(axis=1) == columns - 1).mean())
        yield weigh(
            "detr",
            [
                *_query_clues(seen, pair),
                Clue(last > MOSTLY, 0.15, "the last column is the largest in most rows: no object"),
                Clue(seen.classes == columns - 1, 0.2, _columns(seen, columns, "and no object")),
                Clue(seen.classes not in (None, columns - 1), -0.2),
            ],
            outputs=dict(zip(("boxes", "logits"), pair.names, strict=True)),
            classes=columns - 1,
        )


def rt_detr(seen: Seen) -> Iterator[Likelihood]:
    """Logits (1, Q, C), each its own sigmoid, and boxes (1, Q, 4) cxcywh in 0..1."""
    for pair in _pairs(seen, QUERIES):
        columns = pair.scores.shape[1]
        last = float((pair.scores.argmax(axis=1) == columns - 1).mean())
        yield weigh(
            "rt-detr",
            [
                *_query_clues(seen, pair),
                Clue(bool((pair.scores < 0).mean() > 0.95), 0.05, "nearly all logits are below 0"),
                Clue(columns > 1 and last > MOSTLY, -0.1),
                Clue(seen.classes == columns, 0.2, _columns(seen, columns, "")),
                Clue(seen.classes not in (None, columns), -0.2),
                Clue(seen.classes is None and len(pair.boxes) == 300, 0.1, "300 queries"),
            ],
            outputs=dict(zip(("boxes", "logits"), pair.names, strict=True)),
            classes=columns,
        )


def boxes_scores(seen: Seen) -> Iterator[Likelihood]:
    """Boxes that the network decoded, and scores."""
    for pair in _pairs(seen):
        written = pair.written
        unit = "relative to the input" if pair.relative else "in pixels of the input"
        words = f"{pair.names[0]!r} can be read as boxes, {written} {unit}"
        yield weigh(
            "boxes-scores",
            [
                _shapes(pair, 0.4),
                Clue(written is not None, 0.4, words),
                Clue(written is None, -0.3),
                Clue(pair.unit, 0.1, f"{pair.names[1]!r} is within 0..1"),
                Clue(not pair.unit, -0.1),
                *_class_clues(seen, pair),
            ],
            outputs=dict(zip(("boxes", "scores"), pair.names, strict=True)),
            classes=_classes(seen, pair),
            table={
                "box_format": written or "xyxy",
                "normalized": pair.relative,
                **_score_table(seen, pair),
            },
        )


def ssd(seen: Seen) -> Iterator[Likelihood]:
    """Offsets against priors, and scores."""
    for pair in _pairs(seen):
        offsets = pair.written is None and bool((pair.boxes[:, 2:] < 0).any())
        efficient = _levels(len(pair.boxes), seen)
        yield weigh(
            "ssd",
            [
                _shapes(pair, 0.4),
                Clue(
                    offsets,
                    0.35,
                    f"{pair.names[0]!r} holds negative sizes: offsets against priors, not boxes",
                ),
                Clue(not offsets, -0.2),
                Clue(pair.unit, 0.1, f"{pair.names[1]!r} is within 0..1"),
                Clue(pair.sums, 0.05, "its rows sum to one, as a softmax's do"),
                Clue(efficient, -0.3),
                *_class_clues(seen, pair),
            ],
            outputs=dict(zip(("boxes", "scores"), pair.names, strict=True)),
            classes=_classes(seen, pair),
            table=_score_table(seen, pair),
        )


def efficientdet(seen: Seen) -> Iterator[Likelihood]:
    """Logits and offsets of every level in one pair of heads."""
    for pair in _pairs(seen):
        anchors = len(pair.boxes)
        if pair.written is not None or not _levels(anchors, seen):
            continue
        strides = ", ".join(map(str, LEVELS))
        words = f"{anchors} = {PER_CELL} for each cell of strides {strides}"
        yield weigh(
            "efficientdet",
            [
                _shapes(pair, 0.4),
                Clue(True, 0.4, words),
                Clue(not pair.unit, 0.05, f"{pair.names[1]!r} is not within 0..1: logits"),
                *_class_clues(seen, pair),
            ],
            outputs=dict(zip(("boxes", "scores"), pair.names, strict=True)),
            classes=pair.scores.shape[1],
            table={"heads": "joined", "activation": "none" if pair.unit else "sigmoid"},
        )


def _query_clues(seen: Seen, pair: _Pair) -> Iterator[Clue]:
    boxes = pair.boxes
    inside = bool(len(boxes)) and bool((boxes >= 0).all() and (boxes <= 1).all())
    said = seen.named("pred_boxes", "pred_logits", "logits")
    yield _shapes(pair, 0.3)
    yield Clue(inside, 0.15, f"{pair.names[0]!r} is within 0..1")
    yield Clue(not inside, -0.4)
    yield Clue(not pair.unit, 0.2, f"{pair.names[1]!r} is not within 0..1: logits")
    yield Clue(pair.unit, -0.3)
    yield Clue(said is not None, 0.15, f"an output is called {said!r}")
    yield Clue(grid_words(len(boxes), seen.size, (1, 3)) is not None, -0.2)


def _shapes(pair: _Pair, worth: float) -> Clue:
    rows, columns = pair.scores.shape
    return Clue(
        True,
        worth,
        f"{pair.names[0]!r} (1, {rows}, 4) beside {pair.names[1]!r} (1, {rows}, {columns})",
    )


def _columns(seen: Seen, columns: int, extra: str) -> str:
    return f"{columns} columns for the {seen.classes} classes of the suite {extra}".rstrip()


def _class_clues(seen: Seen, pair: _Pair) -> Iterator[Clue]:
    if seen.classes is not None:
        columns = pair.scores.shape[1]
        fits = columns in (seen.classes, seen.classes + 1)
        extra = "and a background" if columns == seen.classes + 1 else ""
        yield Clue(fits, 0.1, _columns(seen, columns, extra))
        yield Clue(not fits, -0.1)


def _classes(seen: Seen, pair: _Pair) -> int:
    return int(pair.scores.shape[1]) - ("background" in _score_table(seen, pair))


def _score_table(seen: Seen, pair: _Pair) -> dict[str, Any]:
    """``activation`` and ``background`` as the numbers and the suite's classes suggest."""
    columns = pair.scores.shape[1]
    extra = seen.classes == columns - 1 if seen.classes is not None else pair.sums
    table: dict[str, Any] = {"activation": "none"}
    if not pair.unit:
        table["activation"] = "softmax" if extra else "sigmoid"
    if extra:
        table["background"] = pair.background or 0
    return table


def _levels(anchors: int, seen: Seen) -> bool:
    if seen.size is None:
        return False
    cells = sum((-(-seen.size[0] // s)) * (-(-seen.size[1] // s)) for s in LEVELS)
    return anchors == PER_CELL * cells


def _pairs(seen: Seen, most: int | None = None) -> Iterator[_Pair]:
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
        yield _Pair((boxes, scores), seen.values[boxes][0], values, look.unit, look.sums)


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
