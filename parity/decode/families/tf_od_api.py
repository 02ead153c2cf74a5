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

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode.contract import Family, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Floats, Proposals

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.inside import TfOdApi

_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "scores": (), "classes": ()}


def _settings(settings: Decode) -> TfOdApi:
    own: TfOdApi = settings.own  # type: ignore[assignment]  # the suite is validated
    return own


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``boxes`` (1, N, 4), ``scores`` (1, N), ``classes`` (1, N) and ``count`` (1,)."""
    return (
        detected.detections_role("boxes", "(1, N, 4)", (4,), ("detection_boxes",)),
        detected.detections_role("scores", "(1, N)", (), ("detection_scores",)),
        detected.detections_role("classes", "(1, N)", (), ("detection_classes",)),
        detected.count_role(("num_detections",)),
    )


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """The detections of one image, without the padding."""
    how = _settings(settings)
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
        detected.classes_of(rows["classes"], how.first_class, classes),
    )


def trim(heads: Mapping[str, Array], settings: Decode) -> dict[str, Array]:
    """The heads without the rows that ``num_detections`` does not count."""
    return detected.without_padding(heads, _LASTS)


FAMILY = Family(
    roles, decode, trim=trim, crossed="are they x1, y1, x2, y2? Then this is another family"
)
