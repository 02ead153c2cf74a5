"""TensorFlow's Object Detection API: the dictionary of its SavedModels, NMS inside.

The exporter of TF2 (`exporter_lib_v2`) gives, for a uint8 ``input_tensor`` (1, H, W, 3):
``detection_boxes`` (1, N, 4) as ymin, xmin, ymax, xmax relative to the image, ``detection_scores``
(1, N), ``detection_classes`` (1, N), float and 1-based as in the label map, and ``num_detections``
(1,). Rows beyond ``num_detections`` are padding. The model resizes by itself, and relative boxes
need no way back. What else the dictionary holds (``raw_detection_boxes``,
``detection_anchor_indices``, masks ...) is not read. EfficientDet models of TensorFlow Hub give
the same heads with boxes in pixels: ``normalized = false``.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh
from parity.decode.clues.inside import POSTPROCESS, four, ids_of, units
from parity.decode.contract import Family, FamilyTable, Given, Heads, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import (
    Array,
    Proposals,
)

OD_API = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
ROLES = dict(zip(OD_API, ("boxes", "scores", "classes", "count"), strict=True))
_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "scores": (), "classes": ()}


class TfOdApi(FamilyTable):
    """The dictionary of TensorFlow's Object Detection API.

    ``first_class``: the id that stands for the first class of the suite. ``normalized``: boxes
    relative to the input, else in its pixels (as EfficientDet models of TensorFlow Hub).
    """

    first_class: int = Field(default=1, ge=0)
    normalized: bool = True


def roles(given: Given[TfOdApi], size: Size | None) -> tuple[Role, ...]:
    """``boxes`` (1, N, 4), ``scores`` (1, N), ``classes`` (1, N) and ``count`` (1,)."""
    return (
        detected.detections_role("boxes", "(1, N, 4)", (4,), ("detection_boxes",)),
        detected.detections_role("scores", "(1, N)", (), ("detection_scores",)),
        detected.detections_role("classes", "(1, N)", (), ("detection_classes",)),
        detected.count_role(("num_detections",)),
    )


def decode(heads: Heads, given: Given[TfOdApi], size: Size) -> Proposals:
    """The detections of one image, without the padding."""
    how = given.table
    rows = {name: detected.rows_of(heads[name], name, last) for name, last in _LASTS.items()}
    detected.same_length(rows)
    count = detected.count_of(heads["count"], len(rows["boxes"]))
    counted = {name: one[:count] for name, one in rows.items()}
    rows = detected.that_count(counted, "scores", "classes")
    other = "false" if how.normalized else "true"
    return Proposals(
        detected.pixels_of(
            rows["boxes"], "yxyx", how.normalized, size, f" say normalized = {other}"
        ),
        detected.scores_in_range(
            rows["scores"], "are the heads of scores and classes the other way round?"
        ),
        detected.classes_of(rows["classes"], how.first_class, given.classes),
    )


def trim(heads: Heads, given: Given[TfOdApi]) -> dict[str, Array]:
    """The heads without the rows that ``num_detections`` does not count."""
    return detected.without_padding(heads, _LASTS)


def clues(seen: Seen) -> Iterator[Likelihood]:
    """The Object Detection API's dictionary: boxes, scores, classes from 1 on, and how many."""
    named = [name for name in OD_API if seen.named(name) is not None]
    bound = dict(zip(OD_API, four(seen), strict=False))
    if len(named) >= 3:
        outputs = {role: str(seen.named(role)) for role in named}
    elif len(bound) == 4:
        outputs = bound
    else:
        return
    ids = ids_of(seen, outputs.get("detection_classes"), outputs.get("detection_scores"))
    low = min(ids, default=1.0)
    yield weigh(
        "tf-od-api",
        [
            Clue(len(named) >= 3, 0.8, f"the outputs are called {', '.join(named)}"),
            Clue(len(named) < 3, 0.35, "four heads (1, N, 4), (1, N), (1, N) and (1,)"),
            Clue(bool(ids) and low >= 1, 0.1, f"the smallest class on this picture is {low:g}"),
            Clue(low < 1, -0.1),
            Clue(len(named) < 3 and any(POSTPROCESS in name for name in seen.heads), -0.3),
        ],
        outputs={ROLES[role]: name for role, name in outputs.items()},
        table={"first_class": 0 if low < 1 else 1, **units(seen, outputs.get("detection_boxes"))},
    )


FAMILY = Family(
    name="tf-od-api",
    table=TfOdApi,
    heads="`detection_boxes`, `detection_scores`, ... of TensorFlow's Object Detection API",
    keys="`first_class` (1), `normalized` (true)",
    roles=roles,
    decode=decode,
    suppresses="inside",
    trim=trim,
    clues=clues,
    alike=frozenset({"tflite-postprocess"}),  # four heads each: only names and classes differ
    crossed=lambda _: "are they x1, y1, x2, y2? Then this is another family",
    recipe={"resize": "stretch", "color": "RGB", "range": [0, 255]},
)
