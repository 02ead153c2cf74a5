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

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode.contract import Family, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Floats, Proposals

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.inside import TflitePostprocess

OP = "TFLite_Detection_PostProcess"
_ELSEWHERE = (
    " The op itself never gives pixels: read these four heads as family = 'tf-od-api', with "
    "normalized = false and first_class"
)
_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "classes": (), "scores": ()}


def _settings(settings: Decode) -> TflitePostprocess:
    own: TflitePostprocess = settings.own  # type: ignore[assignment]  # the suite is validated
    return own


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``boxes`` (1, N, 4), ``classes`` (1, N), ``scores`` (1, N) and ``count`` (1,)."""
    boxes = (f"{OP}:0", OP, "detection_boxes")
    return (
        detected.detections_role("boxes", "(1, N, 4)", (4,), boxes),
        detected.detections_role("classes", "(1, N)", (), (f"{OP}:1", "detection_classes")),
        detected.detections_role("scores", "(1, N)", (), (f"{OP}:2", "detection_scores")),
        detected.count_role((f"{OP}:3", "num_detections")),
    )


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """The detections of one image, without the padding."""
    how = _settings(settings)
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
        detected.classes_of(rows["classes"], how.first_class, classes),
    )


def trim(heads: Mapping[str, Array], settings: Decode) -> dict[str, Array]:
    """The heads without the rows that the op does not count."""
    return detected.without_padding(heads, _LASTS, _settings(settings).classes_per_detection)


FAMILY = Family(
    roles, decode, trim=trim, crossed="are they x1, y1, x2, y2? Then this is another family"
)
