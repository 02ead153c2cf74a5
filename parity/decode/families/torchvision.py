"""torchvision's detectors: boxes, labels and scores of one image, NMS inside.

Faster R-CNN, RetinaNet, SSD and FCOS of ``torchvision.models.detection`` take a list of images and
give a list of dictionaries: ``boxes`` (N, 4) as x1, y1, x2, y2 in pixels of the tensor that was
fed (they resize by themselves and scale back), ``labels`` (N,) int64 with 0 for the background, so
that the first class is 1, and ``scores`` (N,). N depends on the image. ONNX has no dictionaries:
the exporter puts the tensors side by side, in the dictionary's order, which differs from model to
model (Faster R-CNN: boxes, labels, scores; RetinaNet: boxes, scores, labels), and names them as it
was told to. They are bound by these names; other names must be declared, as labels and scores have
the same shape.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.inside import ids_of
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Proposals,
)

_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "labels": (), "scores": ()}


class Torchvision(FamilyTable):
    """Boxes, labels and scores of torchvision. ``first_class``: as for ``tf-od-api``."""

    first_class: int = Field(default=1, ge=0)


def roles(given: Given[Torchvision], size: Size | None) -> tuple[Role, ...]:
    """``boxes`` (N, 4), ``labels`` (N,) and ``scores`` (N,)."""
    return (
        detected.detections_role("boxes", "(N, 4)", (4,), ("boxes",)),
        detected.detections_role("labels", "(N,)", (), ("labels",)),
        detected.detections_role("scores", "(N,)", (), ("scores",)),
    )


def decode(heads: Heads, given: Given[Torchvision], size: Size) -> Proposals:
    """The detections of one image."""
    rows = {name: detected.rows_of(heads[name], name, last) for name, last in _LASTS.items()}
    detected.same_length(rows)
    rows = detected.that_count(rows, "scores", "labels")
    return Proposals(
        detected.pixels_of(rows["boxes"], "xyxy", False, size),
        detected.scores_in_range(
            rows["scores"], "are the heads of scores and labels the other way round?"
        ),
        detected.classes_of(rows["labels"], given.table.first_class, given.classes),
    )


def clues(seen: Seen) -> Iterator[Likelihood]:
    """boxes (N, 4), labels int64 (N,), scores (N,), whatever N is on this image."""
    boxes = [n for n, look in seen.looks.items() if len(look.shape) == 2 and look.shape[1] == 4]
    flat = [n for n, look in seen.looks.items() if len(look.shape) == 1]
    labels = [name for name in flat if seen.looks[name].dtype[:3] in ("int", "uin")]
    scores = [name for name in flat if name not in labels]
    if (len(boxes), len(labels), len(scores)) != (1, 1, 1):
        return
    count = seen.looks[boxes[0]].shape[0]
    if any(seen.looks[name].shape != (count,) for name in flat):
        return
    found = seen.looks[scores[0]]
    yield weigh(
        "torchvision",
        [
            Clue(
                True,
                0.8,
                f"{boxes[0]!r} ({count}, 4), {labels[0]!r} ({count},) of integers and "
                f"{scores[0]!r} ({count},)",
            ),
            Clue(found.unit, 0.1, f"{scores[0]!r} is within 0..1"),
            Clue(seen.named("label") == labels[0], 0.1, "an output is called labels"),
        ],
        outputs={"boxes": boxes[0], "labels": labels[0], "scores": scores[0]},
        table={"first_class": 0} if 0.0 in ids_of(seen, labels[0], scores[0]) else {},
    )


FAMILY = Family(
    name="torchvision",
    table=Torchvision,
    heads="boxes (N, 4), labels (N,), scores (N,)",
    keys="`first_class` (1)",
    roles=roles,
    decode=decode,
    suppresses="inside",
    clues=clues,
    crossed=lambda _: "are they y1, x1, y2, x2? Then this is another family",
    scaled="in the model",
    recipe={"resize": "stretch", "color": "RGB", "range": [0, 1]},
)
