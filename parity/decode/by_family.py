"""The families of detectors that can be decoded, by the name that a suite says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from parity.decode.contract import Family, Size
from parity.decode.families import (
    boxes_scores,
    centernet,
    detections,
    detr,
    efficientdet,
    rt_detr,
    ssd,
    tf_od_api,
    tflite_postprocess,
    torchvision,
    yolo_end2end,
    yolov5,
    yolov8,
    yolox,
)
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Candidates, DecodeError, Floats, Proposals

if TYPE_CHECKING:
    from parity.suite.decoding import Decode

FAMILIES: dict[str, Family] = {
    "ssd": ssd.FAMILY,
    "boxes-scores": boxes_scores.FAMILY,
    "yolov5": yolov5.FAMILY,
    "yolov8": yolov8.FAMILY,
    "yolox": yolox.FAMILY,
    "detr": detr.FAMILY,
    "rt-detr": rt_detr.FAMILY,
    "centernet": centernet.FAMILY,
    "efficientdet": efficientdet.FAMILY,
    "tf-od-api": tf_od_api.FAMILY,
    "tflite-postprocess": tflite_postprocess.FAMILY,
    "torchvision": torchvision.FAMILY,
    "yolo-end2end": yolo_end2end.FAMILY,
    "detections": detections.FAMILY,
}


def roles(
    settings: Decode, classes: int, priors: Floats | None = None, size: Size | None = None
) -> tuple[Role, ...]:
    """The heads that the family of ``settings`` needs, for ``bind``.

    ``size``: (height, width) of the input, where it is known before an image is.
    """
    family = _family(settings)
    if family.sized is not None and size is not None:
        return family.sized(settings, classes, priors, size)
    return family.roles(settings, classes, priors)


def trimmed(heads: Mapping[str, Array], settings: Decode) -> dict[str, Array]:
    """Heads by role without rows that mean nothing: what lies behind a count may be anything."""
    trim = _family(settings).trim
    return dict(heads) if trim is None else trim(heads, settings)


def decode(
    heads: Mapping[str, Array],
    settings: Decode,
    classes: int,
    size: tuple[int, int],
    priors: Floats | None = None,
) -> Candidates | Proposals:
    """Heads by role, of one image and as real numbers, as candidates or proposals.

    ``classes`` counts without the background; ``size`` is (height, width) of the network's input,
    or of the image where ``in_image`` says so. Raises ``DecodeError`` where shapes do not fit one
    another, the priors or the classes, and where scores lie outside 0..1. NaN and infinity pass
    through.
    """
    family = _family(settings)
    for role in family.roles(settings, classes, priors):
        if role.name not in heads:
            found = ", ".join(heads) or "none"
            raise DecodeError(f"expected a head {role.name!r}, found {found}")
    return family.decode(heads, settings, classes, size, priors)


def arranged(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: tuple[int, int]
) -> dict[str, Array]:
    """Heads by role in the one layout in which those of two runtimes can be compared.

    Raises ``DecodeError`` as ``decode`` does where the layout is not clear.
    """
    arrange = _family(settings).arrange if settings.family is not None else None
    return dict(heads) if arrange is None else arrange(heads, settings, classes, size)


def in_image(settings: Decode) -> bool:
    """Whether decoded boxes are in pixels of the original image, not of the network's input."""
    return settings.family is not None and _family(settings).frame == "image"


def _family(settings: Decode) -> Family:
    if settings.family is None:
        raise ValueError(f"expected a family, found the function {settings.function}")
    return FAMILIES[settings.family]
