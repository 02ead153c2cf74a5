"""From heads to detections, as the suite declares it: family, threshold, NMS."""

from __future__ import annotations

import difflib
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from parity.suite.families import (
    NMS_FREE,
    NMS_INSIDE,
    TABLES,
    BoxesScores,
    CenterNet,
    Detr,
    RtDetr,
    Ssd,
    YoloV5,
    YoloV8,
    Yolox,
    field_of,
    needs_table,
)
from parity.suite.fields import Table
from parity.suite.inside import (
    Detected,
    EfficientDet,
    TflitePostprocess,
    TfOdApi,
    Torchvision,
    YoloEnd2End,
)


class Decode(Table):
    """From heads to detections: family, threshold, NMS.

    ``score_floor``: the model itself never emits a score below it (baked in), so nothing below can
    be judged; detections that a program wrote must say it. ``nms`` is "class", unless the family
    has its NMS inside the model or needs none: "none" then. ``max_detections`` is 100, unless the
    model suppresses by itself (None, as many as it gives) or the family needs no NMS (what its
    source yields, see ``NMS_FREE``). ``clip``: boxes are cut at the edges of the original image,
    before NMS as torchvision does, or after it as YOLO predictors do; None for not.
    """

    family: str | None = None
    function: str | None = None
    score_threshold: float = Field(ge=0, le=1)
    score_floor: float | None = Field(default=None, ge=0, le=1)
    nms_iou: float = Field(default=0.45, ge=0, le=1)
    nms: Literal["class", "agnostic", "none"] = "class"
    max_detections: int | None = Field(default=100, ge=1)
    clip: Literal["before-nms", "after-nms"] | None = None
    ssd: Ssd | None = None
    boxes_scores: BoxesScores | None = Field(default=None, alias="boxes-scores")
    yolov5: YoloV5 | None = None
    yolov8: YoloV8 | None = None
    yolox: Yolox | None = None
    detr: Detr | None = None
    rt_detr: RtDetr | None = Field(default=None, alias="rt-detr")
    centernet: CenterNet | None = None
    efficientdet: EfficientDet | None = None
    tf_od_api: TfOdApi | None = Field(default=None, alias="tf-od-api")
    tflite_postprocess: TflitePostprocess | None = Field(default=None, alias="tflite-postprocess")
    torchvision: Torchvision | None = None
    yolo_end2end: YoloEnd2End | None = Field(default=None, alias="yolo-end2end")
    detections: Detected | None = None

    @field_validator("family")
    @classmethod
    def _known_family(cls, value: str | None) -> str | None:
        if value is not None and value not in TABLES:
            raise ValueError(_unknown_family(value))
        return value

    @model_validator(mode="before")
    @classmethod
    def _nms_of_family(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("family") in tuple(NMS_INSIDE):
            return {"nms": "none", "max_detections": None, **data}
        if isinstance(data, dict) and data.get("family") in tuple(NMS_FREE):
            return {**NMS_FREE[data["family"]], **data}
        return data

    @model_validator(mode="after")
    def _one_way_to_decode(self) -> Self:
        if (self.family is None) == (self.function is None):
            raise ValueError("family: expected either family or function, found both or neither")
        for name in TABLES:
            table = getattr(self, field_of(name))
            if name == self.family and table is None and needs_table(name):
                raise ValueError(f"{name}: expected a table [decode.{name}], found nothing")
            if name != self.family and table is not None:
                raise ValueError(f"{name}: expected only with family = {name!r}, found without")
        if self.family in NMS_INSIDE and self.nms != "none":
            raise ValueError(
                f"nms: expected 'none', as a {self.family} network suppresses by itself, "
                f"found {self.nms!r}"
            )
        if self.family == "detections" and self.score_floor is None:
            raise ValueError(
                "score_floor: expected the score down to which the program wrote its detections, "
                "as family = 'detections', found nothing"
            )
        if self.score_floor is not None and self.score_floor > self.score_threshold:
            raise ValueError(
                f"score_floor: expected at most score_threshold = {self.score_threshold}, "
                f"found {self.score_floor}"
            )
        return self

    @property
    def own(self) -> Table | None:
        """The table of the family, its defaults where the suite has none; None for a function."""
        if self.family is None:
            return None
        table: Table | None = getattr(self, field_of(self.family))
        return TABLES[self.family]() if table is None else table

    @property
    def nms_label(self) -> str:
        """The settings of NMS in words."""
        most = "" if self.max_detections is None else f", at most {self.max_detections}"
        if self.family in NMS_INSIDE:
            return f"inside the model{most}"
        if self.nms == "none":
            return f"none{most}"
        return f"{self.nms} at IoU {self.nms_iou:g}{most}"


def _unknown_family(found: str) -> str:
    near = difflib.get_close_matches(found, TABLES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"expected one of {', '.join(sorted(TABLES))}, found {found!r}{hint}"
