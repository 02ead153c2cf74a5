"""SSD: offsets against priors, and scores.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2: an offset (x, y) is
relative to the prior's size, an offset (w, h) is a logarithm of the ratio of sizes; both are
divided by variances when trained and multiplied when decoded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from parity.boxes import to_xyxy
from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.pairs import (
    class_clues,
    of_efficientdet,
    pairs,
    room,
    score_table,
    shape_clue,
)
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size, Suggested
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Activation,
    Candidates,
    Floats,
    Ints,
    Undecoded,
    encoded_boxes_of,
    scores_of,
)
from parity.decode.heads.priors import Source, load_priors
from parity.decode.heads.roles import boxes_role, scores_role
from parity.decode.heads.units import check_raw
from parity.fields import Numbers

_PRIORS = "priors.npy"
_DECODED = "say family = 'boxes-scores'"


class Ssd(FamilyTable):
    """SSD offsets against priors (Liu et al., "SSD: Single Shot MultiBox Detector", 2016).

    ``priors``: a .npy file (A, 4) of cx, cy, w, h relative to the input, or a rule. ``variances``:
    (centre, size) or four. ``activation``: what is still to be applied to the scores.
    ``background``: column of the background class, absent where there is none.
    ``box_format``: order of the four offsets.
    """

    priors: Source
    variances: Numbers = (0.1, 0.2)
    activation: Activation = "none"
    background: int | None = Field(default=None, ge=0)
    box_format: Literal["cxcywh", "cycxhw"] = "cxcywh"

    @model_validator(mode="after")
    def _variances(self) -> Self:
        if len(self.variances) not in (2, 4):
            raise ValueError(f"variances: expected 2 or 4 numbers, found {len(self.variances)}")
        return self


def _priors(given: Given[Ssd]) -> Floats:
    if given.loaded is None:
        raise ValueError("expected the priors of an ssd, found nothing")
    priors: Floats = given.loaded
    return priors


def roles(given: Given[Ssd], size: Size | None) -> tuple[Role, ...]:
    """``boxes`` (1, A, 4) and ``scores`` (1, A, columns), with as many rows as priors."""
    anchors = len(_priors(given))
    return boxes_role(anchors), scores_role(given.classes, given.table.background, anchors)


def decode(heads: Heads, given: Given[Ssd], size: Size) -> Candidates:
    """The candidates of one image, decoded when they are asked for."""
    ssd, anchors = given.table, _priors(given)
    offsets = encoded_boxes_of(heads["boxes"], len(anchors))
    check_raw(offsets, anchors[:, :2], "boxes", "offsets against priors", _DECODED)
    scores = scores_of(heads["scores"], len(anchors), given.classes, ssd.background, ssd.activation)

    def boxes(rows: Ints) -> Floats:
        chosen = np.asarray(offsets[rows], dtype=np.float64)
        return to_xyxy(_decoded(chosen, anchors[rows], ssd), "cxcywh", size)

    return Candidates(Undecoded(len(anchors), boxes), scores)


def _decoded(offsets: Floats, priors: Floats, ssd: Ssd) -> Floats:
    """Boxes as cx, cy, w, h relative to the input. Four variances are ordered as the offsets."""
    one = ssd.variances
    variances = np.array(one if len(one) == 4 else (one[0], one[0], one[1], one[1]))
    with np.errstate(all="ignore"):  # a wild offset gives an infinite box, judged with its score
        scaled = offsets * variances
        if ssd.box_format == "cycxhw":
            scaled = scaled[:, [1, 0, 3, 2]]
        centres = priors[:, :2] + scaled[:, :2] * priors[:, 2:]
        sizes = priors[:, 2:] * np.exp(scaled[:, 2:])
    return np.concatenate([centres, sizes], axis=1)


def files(table: Ssd) -> tuple[str, ...]:
    """The file of priors."""
    return (table.priors,) if isinstance(table.priors, str) else ()


def load(table: Ssd, folder: Path, size: Size | None, stride: int | None) -> Floats:
    """The priors (A, 4): cx, cy, w, h relative to the input."""
    if size is None:
        raise ValueError("preprocess.size: expected [height, width] for SSD priors, found nothing")
    if stride is not None:
        raise ValueError(
            f"preprocess.stride: expected none for SSD priors, which are those of one size, "
            f"found {stride}"
        )
    return load_priors(table.priors, folder, size)


def clues(seen: Seen) -> Iterator[Likelihood]:
    """Offsets against priors, and scores."""
    for pair in pairs(seen):
        offsets = pair.written is None and bool((pair.boxes[:, 2:] < 0).any())
        efficient = of_efficientdet(len(pair.boxes), seen)
        yield weigh(
            "ssd",
            [
                shape_clue(pair, 0.4),
                Clue(
                    offsets,
                    0.35,
                    f"{pair.names[0]!r} holds negative sizes: offsets against priors, not boxes",
                ),
                Clue(not offsets, -0.2),
                Clue(pair.unit, 0.1, f"{pair.names[1]!r} is within 0..1"),
                Clue(pair.sums, 0.05, "its rows sum to one, as a softmax's do"),
                Clue(efficient, -0.3),
                *class_clues(seen, pair),
            ],
            outputs=dict(zip(("boxes", "scores"), pair.names, strict=True)),
            classes=room(seen, pair),
            table=score_table(seen, pair),
        )


def suggest(heads: Heads, model: Path, folder: Path) -> tuple[Suggested, ...]:
    """Priors from a file beside the model, where one has as many rows as there are boxes."""
    anchors = heads["boxes"].shape[1]
    found = model.parent / _PRIORS
    if _rows(found) == anchors:
        name = Path(os.path.relpath(found, folder)).as_posix()
        why = f"seen: a file ({anchors}, 4) beside the model; its numbers are not checked"
    else:
        name = _PRIORS
        why = (
            f"TODO: a .npy ({anchors}, 4) of cx, cy, w, h relative to the input, or maps and sizes"
        )
    variances = Suggested("variances", [0.1, 0.2], "assumed, as in the paper; not seen")
    return Suggested("priors", name, why), variances


def _rows(path: Path) -> int | None:
    """The rows of a .npy file of shape (A, 4)."""
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError, AttributeError):
        return None
    return int(shape[0]) if len(shape) == 2 and shape[1] == 4 else None


FAMILY = Family(
    name="ssd",
    table=Ssd,
    heads="offsets (1, A, 4) and scores (1, A, C) against priors",
    keys='`priors`, `variances` (0.1, 0.2), `activation` ("none"), `background`, `box_format` '
    '("cxcywh")',
    roles=roles,
    decode=decode,
    files=files,
    load=load,
    clues=clues,
    crossed=lambda _: "see priors and variances",
    recipe={"resize": "stretch", "color": "RGB", "range": [-1, 1]},
    suggest=suggest,
)
