"""TFLite_Detection_PostProcess: the custom op at the end of TFLite's SSD models, NMS inside.

Source: tensorflow/lite/kernels/detection_postprocess.cc. The op gives, in this order, boxes
(1, N, 4) as ymin, xmin, ymax, xmax relative to the input and not clipped to it; classes (1, N),
float, 0-based without the background; scores (1, N); and how many there are, (1,), float. N is
``max_detections`` times ``max_classes_per_detection``. Regular NMS fills the rows beyond the count
with zeros, fast NMS leaves in them whatever was there. Fast NMS counts boxes, of which each has
``max_classes_per_detection`` rows: ``classes_per_detection`` says that number.

A model lists these outputs in an order of its own: classes and scores are told apart by the op
that makes them, where the artifact shows it, and by their names.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.inside import POSTPROCESS, four, ids_of
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Array,
    Proposals,
)

_ELSEWHERE = (
    " The op itself never gives pixels: read these four heads as family = 'tf-od-api', with "
    "normalized = false and first_class"
)
_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "classes": (), "scores": ()}


class TflitePostprocess(FamilyTable):
    """The op TFLite_Detection_PostProcess.

    ``first_class``: as for ``tf-od-api``. ``classes_per_detection``: the op's option
    ``max_classes_per_detection``: so many rows stand for each detection that its count counts.
    """

    first_class: int = Field(default=0, ge=0)
    classes_per_detection: int = Field(default=1, ge=1)


def roles(given: Given[TflitePostprocess], size: Size | None) -> tuple[Role, ...]:
    """``boxes`` (1, N, 4), ``classes`` (1, N), ``scores`` (1, N) and ``count`` (1,)."""
    boxes = (f"{POSTPROCESS}:0", POSTPROCESS, "detection_boxes")
    return (
        detected.detections_role("boxes", "(1, N, 4)", (4,), boxes),
        detected.detections_role(
            "classes", "(1, N)", (), (f"{POSTPROCESS}:1", "detection_classes")
        ),
        detected.detections_role("scores", "(1, N)", (), (f"{POSTPROCESS}:2", "detection_scores")),
        detected.count_role((f"{POSTPROCESS}:3", "num_detections")),
    )


def decode(heads: Heads, given: Given[TflitePostprocess], size: Size) -> Proposals:
    """The detections of one image, without the padding."""
    how = given.table
    rows = {name: detected.rows_of(heads[name], name, last) for name, last in _LASTS.items()}
    detected.same_length(rows)
    count = detected.count_of(heads["count"], len(rows["boxes"]), how.classes_per_detection)
    counted = {name: one[:count] for name, one in rows.items()}
    rows = detected.that_count(counted, "scores", "classes")
    return Proposals(
        detected.pixels_of(rows["boxes"], "yxyx", True, size, _ELSEWHERE),
        detected.scores_in_range(
            rows["scores"], "are the heads of scores and classes the other way round?"
        ),
        detected.classes_of(rows["classes"], how.first_class, given.classes),
    )


def trim(heads: Heads, given: Given[TflitePostprocess]) -> dict[str, Array]:
    """The heads without the rows that the op does not count."""
    return detected.without_padding(heads, _LASTS, given.table.classes_per_detection)


def clues(seen: Seen) -> Iterator[Likelihood]:
    """The four outputs of the op: boxes (1, N, 4), classes (1, N), scores (1, N), count (1,)."""
    found = four(seen)
    if not found:
        return
    outputs = dict(zip(("boxes", "scores", "classes", "count"), found, strict=True))
    said = [name for name in seen.heads if POSTPROCESS.lower() in name.lower()]
    ids = ids_of(seen, outputs["classes"], outputs["scores"])
    yield weigh(
        "tflite-postprocess",
        [
            Clue(True, 0.55, "four heads (1, N, 4), (1, N), (1, N) and (1,)"),
            Clue(bool(said), 0.4, f"outputs are called {POSTPROCESS}"),
            Clue(0.0 in ids, 0.1, "the classes start at 0"),
            Clue(bool(ids) and min(ids) >= 1, -0.05),
            Clue(any("detection_" in name and name not in said for name in seen.heads), -0.2),
        ],
        outputs=outputs,
        table={"first_class": 0} if 0.0 in ids else {},
    )


FAMILY = Family(
    name="tflite-postprocess",
    table=TflitePostprocess,
    heads="the four outputs of `TFLite_Detection_PostProcess`",
    keys="`first_class` (0), `classes_per_detection` (1)",
    roles=roles,
    decode=decode,
    suppresses="inside",
    trim=trim,
    clues=clues,
    alike=frozenset({"tf-od-api"}),  # four heads each: only names and classes differ
    crossed=lambda _: "are they x1, y1, x2, y2? Then this is another family",
    recipe={"resize": "stretch", "color": "RGB", "range": [-1, 1]},
)
