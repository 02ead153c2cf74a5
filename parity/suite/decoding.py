"""What a family of detectors needs to be told before its heads can be decoded."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from parity.suite.fields import Numbers, Size, Table

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


class Decode(Table):
    """From heads to detections: family, threshold, NMS.

    ``score_floor``: the model itself never emits a score below it (baked in), so nothing below can
    be judged.
    """

    family: Literal["ssd", "boxes-scores"] | None = None
    function: str | None = None
    score_threshold: float = Field(ge=0, le=1)
    score_floor: float | None = Field(default=None, ge=0, le=1)
    nms_iou: float = Field(default=0.45, ge=0, le=1)
    nms: Literal["class", "agnostic", "none"] = "class"
    max_detections: int = Field(default=100, ge=1)
    ssd: Ssd | None = None
    boxes_scores: BoxesScores | None = Field(default=None, alias="boxes-scores")

    @model_validator(mode="after")
    def _one_way_to_decode(self) -> Self:
        if (self.family is None) == (self.function is None):
            raise ValueError("family: expected either family or function, found both or neither")
        tables = {"ssd": self.ssd, "boxes-scores": self.boxes_scores}
        for name, table in tables.items():
            if name == self.family and table is None:
                raise ValueError(f"{name}: expected a table [decode.{name}], found nothing")
            if name != self.family and table is not None:
                raise ValueError(f"{name}: expected only with family = {name!r}, found without")
        if self.score_floor is not None and self.score_floor > self.score_threshold:
            raise ValueError(
                f"score_floor: expected at most score_threshold = {self.score_threshold}, "
                f"found {self.score_floor}"
            )
        return self

    @property
    def nms_label(self) -> str:
        """The settings of NMS in words; sides whose labels differ are never excused by a tie."""
        if self.nms == "none":
            return f"none, at most {self.max_detections}"
        return f"{self.nms} at IoU {self.nms_iou:g}, at most {self.max_detections}"
