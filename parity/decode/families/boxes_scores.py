"""Boxes that the network decoded itself, beside scores per class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from parity.boxes import to_xyxy
from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.pairs import (
    class_clues,
    pairs,
    room,
    score_table,
    shape_clue,
)
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Activation,
    Candidates,
    boxes_of,
    scores_of,
)
from parity.decode.heads.ranges import (
    check_box_unit,
)
from parity.decode.heads.roles import boxes_role, scores_role

_FEWEST = 20  # boxes that show how they are written


class BoxesScores(FamilyTable):
    """Boxes that are already decoded, beside scores per class.

    ``box_format`` and ``normalized`` (relative to the input, else in its pixels) say how the
    boxes are written; ``activation`` and ``background`` as for ``ssd``.
    """

    box_format: Literal["xyxy", "yxyx", "cxcywh"]
    normalized: bool
    activation: Activation = "none"
    background: int | None = Field(default=None, ge=0)


def roles(given: Given[BoxesScores], size: Size | None) -> tuple[Role, ...]:
    """``boxes`` (1, A, 4) and ``scores`` (1, A, columns)."""
    return boxes_role(), scores_role(given.classes, given.table.background)


def decode(heads: Heads, given: Given[BoxesScores], size: Size) -> Candidates:
    """The candidates of one image."""
    how = given.table
    boxes = boxes_of(heads["boxes"])
    check_box_unit(boxes, how.box_format, how.normalized, size, "boxes")
    scores = scores_of(heads["scores"], len(boxes), given.classes, how.background, how.activation)
    with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
        pixels = to_xyxy(boxes, how.box_format, size if how.normalized else None)
    return Candidates(pixels, scores)


def clues(seen: Seen) -> Iterator[Likelihood]:
    """Boxes that the network decoded, and scores."""
    for pair in pairs(seen):
        written = pair.written
        unit = "relative to the input" if pair.relative else "in pixels of the input"
        words = f"{pair.names[0]!r} can be read as boxes, {written} {unit}"
        yield weigh(
            "boxes-scores",
            [
                shape_clue(pair, 0.4),
                Clue(written is not None, 0.4, words),
                Clue(written is None, -0.3),
                Clue(pair.unit, 0.1, f"{pair.names[1]!r} is within 0..1"),
                Clue(not pair.unit, -0.1),
                *class_clues(seen, pair),
            ],
            outputs=dict(zip(("boxes", "scores"), pair.names, strict=True)),
            classes=room(seen, pair),
            table={
                "box_format": written or "xyxy",
                "normalized": pair.relative,
                **score_table(seen, pair),
            },
        )


def doubts(heads: Heads, table: BoxesScores) -> tuple[str, ...]:
    """Corners read as sizes, or sizes as corners; xyxy and yxyx look the same."""
    if np.shape(heads["boxes"])[-1:] != (4,):
        return ()
    boxes = np.asarray(heads["boxes"], dtype=np.float64).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1) & boxes.any(axis=1)]
    if len(boxes) < _FEWEST or np.ptp(boxes[:, :2]) == 0:
        return ()
    low, high = boxes[:, :2], boxes[:, 2:]
    ordered = (high >= low).all(axis=1)
    if table.box_format == "cxcywh" and ordered.all():
        return (
            f"box_format = 'cxcywh' is declared, but all {len(boxes)} boxes could be corners: no "
            f"width is below its x, no height below its y; is it xyxy or yxyx?",
        )
    if table.box_format != "cxcywh" and (high >= 0).all() and ordered.mean() < 0.5:
        return (
            f"box_format = '{table.box_format}' is declared, but {int((~ordered).sum())} of "
            f"{len(boxes)} boxes have their corners in the wrong order; is it cxcywh?",
        )
    return ()


def crossed(table: BoxesScores) -> str:
    """Another format."""
    others = " or ".join(one for one in ("xyxy", "yxyx", "cxcywh") if one != table.box_format)
    return f"box_format = '{table.box_format}' is declared: is it {others}?"


FAMILY = Family(
    name="boxes-scores",
    table=BoxesScores,
    heads="boxes (1, A, 4), scores (1, A, C)",
    keys="`box_format`, `normalized`, `activation`, `background`",
    roles=roles,
    decode=decode,
    clues=clues,
    doubts=doubts,
    crossed=crossed,
    recipe={"resize": "stretch", "color": "RGB", "range": [0, 1]},
)
