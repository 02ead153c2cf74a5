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

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode.contract import Family, Size
from parity.decode.heads import detected
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Floats, Proposals

if TYPE_CHECKING:
    from parity.suite.decoding import Decode
    from parity.suite.inside import Torchvision

_LASTS: dict[str, tuple[int, ...]] = {"boxes": (4,), "labels": (), "scores": ()}


def _settings(settings: Decode) -> Torchvision:
    own: Torchvision = settings.own  # type: ignore[assignment]  # the suite is validated
    return own


def roles(settings: Decode, classes: int, priors: Floats | None) -> tuple[Role, ...]:
    """``boxes`` (N, 4), ``labels`` (N,) and ``scores`` (N,)."""
    return (
        detected.detections_role("boxes", "(N, 4)", (4,), ("boxes",)),
        detected.detections_role("labels", "(N,)", (), ("labels",)),
        detected.detections_role("scores", "(N,)", (), ("scores",)),
    )


def decode(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size, priors: Floats | None
) -> Proposals:
    """The detections of one image."""
    rows = {name: detected.rows_of(heads[name], name, last) for name, last in _LASTS.items()}
    detected.same_length(rows)
    rows = detected.that_count(rows, "scores", "labels")
    return Proposals(
        detected.pixels_of(rows["boxes"], "xyxy", False, size),
        detected.scores_in_range(
            rows["scores"], "are the heads of scores and labels the other way round?"
        ),
        detected.classes_of(rows["labels"], _settings(settings).first_class, classes),
    )


FAMILY = Family(roles, decode, crossed="are they y1, x1, y2, x2? Then this is another family")
