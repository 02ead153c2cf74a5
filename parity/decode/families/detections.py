"""Detections that a program wrote after its own decoding and NMS.

``boxes`` (N, 4) as x1, y1, x2, y2 in pixels of the original image, edges from 0 to its width and
height; ``scores`` (N,); ``classes`` (N,), numbered from ``first_class`` in the suite's order. A
batch of one may stand before N; rows that are all 0 or all -1 are padding. The suite says down to
which score they were written.
"""

from __future__ import annotations

from pydantic import Field

from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    DecodeError,
    Floats,
    Proposals,
)

_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "scores": (), "classes": ()}
_ROUNDING = 1e-6  # a program compares in float32


class Detected(FamilyTable):
    """Detections that a program wrote. ``first_class``: as for ``tf-od-api``."""

    first_class: int = Field(default=0, ge=0)


def roles(given: Given[Detected], size: Size | None) -> tuple[Role, ...]:
    """``boxes`` (N, 4), ``scores`` (N,) and ``classes`` (N,)."""
    return (
        detected.detections_role("boxes", "(N, 4)", (4,), ("boxes",)),
        detected.detections_role("scores", "(N,)", (), ("scores",)),
        detected.detections_role("classes", "(N,)", (), ("classes",)),
    )


def decode(heads: Heads, given: Given[Detected], size: Size) -> Proposals:
    """The detections of one image, without padding."""
    own = given.table
    rows = {name: detected.rows_of(heads[name], name, last) for name, last in _LASTS.items()}
    detected.same_length(rows)
    rows = detected.without_constant(rows)
    scores = detected.scores_in_range(
        rows["scores"], "are the heads of scores and classes the other way round?"
    )
    _check_floor(scores, given.score_floor)
    return Proposals(
        rows["boxes"], scores, detected.classes_of(rows["classes"], own.first_class, given.classes)
    )


def _check_floor(scores: Floats, floor: float | None) -> None:
    """A score below what is declared to be the lowest one: then more was written than is said."""
    below = scores[scores < (floor or 0.0) - _ROUNDING]
    if len(below):
        raise DecodeError(
            f"scores: expected none below score_floor = {floor:g}, found {len(below)} of "
            f"{len(scores)}, down to {below.min():.6g}: say the score down to which the program "
            f"wrote its detections"
        )


FAMILY = Family(
    name="detections",
    table=Detected,
    heads="boxes (N, 4) in pixels of the original image, scores (N,), classes (N,)",
    keys="`first_class` (0); `score_floor` beside them",
    roles=roles,
    decode=decode,
    suppresses="inside",
    required={"score_floor": "the score down to which the program wrote its detections"},
    frame="image",
    crossed=lambda _: "are they x, y, width, height, or y1, x1, y2, x2?",
    scaled="where they are written",
)
