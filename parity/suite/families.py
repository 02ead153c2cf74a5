"""What each family of detectors needs to be told: one table of ``[decode.FAMILY]`` each."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from parity.suite.fields import Numbers, Size, Table
from parity.suite.inside import (
    Detected,
    EfficientDet,
    TflitePostprocess,
    TfOdApi,
    Torchvision,
    YoloEnd2End,
)

Activation = Literal["none", "softmax", "sigmoid"]


class PriorGrid(Table):
    """Priors by rule: for every cell of every map (rows first), every size, every ratio.

    ``maps``: (height, width) of each feature map. ``sizes``: for each map, side lengths in pixels
    of the network's input. ``ratios``: width / height; a prior is (s * sqrt(r), s / sqrt(r)).
    ``clip``: priors (cx, cy, w, h), relative to the input, are clipped to [0, 1].
    """

    maps: tuple[Size, ...] = Field(min_length=1, strict=False)
    sizes: tuple[Numbers, ...] = Field(min_length=1, strict=False)
    ratios: Numbers = (1.0,)
    clip: bool = False

    @model_validator(mode="after")
    def _one_list_of_sizes_per_map(self) -> Self:
        if len(self.maps) != len(self.sizes):
            raise ValueError(
                f"sizes: expected one list for each of {len(self.maps)} maps, "
                f"found {len(self.sizes)}"
            )
        return self


def _priors(value: Any) -> Any:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, dict):
        return PriorGrid(**value)
    if isinstance(value, PriorGrid):
        return value
    raise ValueError(f"expected a .npy file or {{ maps, sizes, ratios }}, found {value!r}")


class Ssd(Table):
    """SSD offsets against priors (Liu et al., "SSD: Single Shot MultiBox Detector", 2016).

    ``priors``: a .npy file (A, 4) of cx, cy, w, h relative to the input, or a rule. ``variances``:
    (centre, size) or four. ``activation``: what is still to be applied to the scores.
    ``background``: column of the background class, absent where there is none.
    ``box_format``: order of the four offsets.
    """

    priors: Annotated[Any, BeforeValidator(_priors)]
    variances: Numbers = (0.1, 0.2)
    activation: Activation = "none"
    background: int | None = Field(default=None, ge=0)
    box_format: Literal["cxcywh", "cycxhw"] = "cxcywh"

    @model_validator(mode="after")
    def _variances(self) -> Self:
        if len(self.variances) not in (2, 4):
            raise ValueError(f"variances: expected 2 or 4 numbers, found {len(self.variances)}")
        return self


class BoxesScores(Table):
    """Boxes that are already decoded, beside scores per class.

    ``box_format`` and ``normalized`` (relative to the input, else in its pixels) say how the
    boxes are written; ``activation`` and ``background`` as for ``ssd``.
    """

    box_format: Literal["xyxy", "yxyx", "cxcywh"]
    normalized: bool
    activation: Activation = "none"
    background: int | None = Field(default=None, ge=0)


class YoloV5(Table):
    """YOLOv5: one head of boxes, objectness and classes, decoded by the network.

    ``normalized``: boxes relative to the input, as in TFLite exports. ``activation``: what is still
    to be applied to objectness and classes. ``multi_label``: every class of a box is a proposal,
    else its best one. ``further``: how many columns stand behind the classes and are not read, as
    mask coefficients, key points or an angle; the report lists them as not judged.
    """

    normalized: bool = False
    further: int = Field(default=0, ge=0)
    activation: Literal["none", "sigmoid"] = "none"
    multi_label: bool = False


class YoloV8(YoloV5):
    """YOLOv8, v9 and v11: one head of boxes and classes, decoded by the network.

    ``layout``: "channels-first" for (1, 4 + C, A), "anchors-first" for (1, A, 4 + C); needed only
    where the shape fits both. The rest as for ``yolov5``.
    """

    layout: Literal["channels-first", "anchors-first"] | None = None


class Yolox(Table):
    """YOLOX: one head whose grids and strides are still to be decoded.

    ``strides``: of the feature maps, in the order of the head's rows. The rest as for ``yolov5``.
    """

    strides: tuple[int, ...] = Field(default=(8, 16, 32), min_length=1, strict=False)
    activation: Literal["none", "sigmoid"] = "none"
    multi_label: bool = False

    @field_validator("strides")
    @classmethod
    def _above_0(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if min(value) < 1:
            raise ValueError(f"expected strides of at least 1, found {list(value)}")
        return value


class Detr(Table):
    """DETR: logits with a last column for "no object".

    ``activation``: what is still to be applied to them.
    """

    activation: Literal["softmax", "none"] = "softmax"


class RtDetr(Table):
    """RT-DETR: logits of each class for itself. ``activation``: what is still to be applied."""

    activation: Literal["sigmoid", "none"] = "sigmoid"


class CenterNet(Table):
    """CenterNet: heatmap, size and offset.

    ``stride``: pixels of the input for each cell. ``activation``: what is still to be applied to
    the heatmap. ``order``: of the two channels of size and offset, "xy" (w, h and x, y) or "yx".
    ``layout``: of all three heads; needed only where a shape fits both.
    """

    stride: int = Field(default=4, ge=1)
    activation: Literal["none", "sigmoid"] = "none"
    order: Literal["xy", "yx"] = "xy"
    layout: Literal["NCHW", "NHWC"] | None = None


TABLES: dict[str, type[Table]] = {
    "ssd": Ssd,
    "boxes-scores": BoxesScores,
    "yolov5": YoloV5,
    "yolov8": YoloV8,
    "yolox": Yolox,
    "detr": Detr,
    "rt-detr": RtDetr,
    "centernet": CenterNet,
    "efficientdet": EfficientDet,
    "tf-od-api": TfOdApi,
    "tflite-postprocess": TflitePostprocess,
    "torchvision": Torchvision,
    "yolo-end2end": YoloEnd2End,
    "detections": Detected,
}
"""The table of every family, by the name that a suite says."""

NMS_FREE: dict[str, dict[str, Any]] = {
    "detr": {"nms": "none", "max_detections": None},  # one for each query
    "rt-detr": {"nms": "none", "max_detections": 300},
    "centernet": {"nms": "none", "max_detections": 100},
}
"""Families that need no NMS, with what holds unless the suite says otherwise."""

NMS_INSIDE = frozenset(
    {"tf-od-api", "tflite-postprocess", "torchvision", "yolo-end2end", "detections"}
)
"""Families whose networks suppress by themselves: their heads are detections."""


def field_of(family: str) -> str:
    """The field of ``Decode`` that holds a family's table."""
    return family.replace("-", "_")


def needs_table(family: str) -> bool:
    """Whether a family has a key without a default, so that its table must be there."""
    return any(field.is_required() for field in TABLES[family].model_fields.values())
