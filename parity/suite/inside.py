"""What families with NMS inside the network need to be told, and the anchors of EfficientDet."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from parity.suite.fields import Table


class TfOdApi(Table):
    """The dictionary of TensorFlow's Object Detection API.

    ``first_class``: the id that stands for the first class of the suite. ``normalized``: boxes
    relative to the input, else in its pixels (as EfficientDet models of TensorFlow Hub).
    """

    first_class: int = Field(default=1, ge=0)
    normalized: bool = True


class TflitePostprocess(Table):
    """The op TFLite_Detection_PostProcess.

    ``first_class``: as for ``tf-od-api``. ``classes_per_detection``: the op's option
    ``max_classes_per_detection``: so many rows stand for each detection that its count counts.
    """

    first_class: int = Field(default=0, ge=0)
    classes_per_detection: int = Field(default=1, ge=1)


Column = Literal["image", "x1", "y1", "x2", "y2", "w", "h", "score", "class"]
_BOXES = ({"x1", "y1", "x2", "y2"}, {"x1", "y1", "w", "h"})


class YoloEnd2End(Table):
    """Rows of one detection each. ``first_class``, ``normalized``: as ``tf-od-api``.

    ``columns``: what the numbers of a row are, in their order; "w" and "h" may stand for "x2" and
    "y2", and "image" is the index of the image in its batch. ``further``: how many stand behind
    these and are not read, as for ``yolov5``.
    """

    first_class: int = Field(default=0, ge=0)
    normalized: bool = False
    further: int = Field(default=0, ge=0)
    columns: tuple[Column, ...] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _whole_rows(self) -> Self:
        box = set(self.order) - {"image", "score", "class"}
        whole = box in _BOXES and {"score", "class"} <= set(self.order)
        if not whole or len(set(self.order)) != len(self.order):
            raise ValueError(
                "columns: expected x1, y1, x2, y2 (or w, h for these two), score, class and, if "
                f"need be, image, each once, found {', '.join(self.order)}"
            )
        return self

    @property
    def order(self) -> tuple[Column, ...]:
        """The columns as they stand."""
        return self.columns or ("x1", "y1", "x2", "y2", "score", "class")


class Torchvision(Table):
    """Boxes, labels and scores of torchvision. ``first_class``: as for ``tf-od-api``."""

    first_class: int = Field(default=1, ge=0)


class Detected(Table):
    """Detections that a program wrote. ``first_class``: as for ``tf-od-api``."""

    first_class: int = Field(default=0, ge=0)


def _ratios(value: Any) -> tuple[tuple[float, float], ...]:
    """Each ratio as the factors of width and height."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"expected a list of ratios, found {value!r}")
    return tuple(_factors(one) for one in value)


def _factors(value: Any) -> tuple[float, float]:
    pair = value if isinstance(value, list | tuple) else [value]
    good = all(isinstance(one, int | float) and not isinstance(one, bool) for one in pair)
    if not good or len(pair) not in (1, 2) or min(pair) <= 0:
        raise ValueError(
            f"expected width / height, or factors [width, height], above 0, found {value!r}"
        )
    if len(pair) == 2:
        return float(pair[0]), float(pair[1])
    return float(pair[0]) ** 0.5, float(pair[0]) ** -0.5


class EfficientDet(Table):
    """EfficientDet's raw heads (Tan, Pang and Le, "EfficientDet", CVPR 2020).

    Anchors by rule: for every level from ``min_level`` to ``max_level``, every cell (rows first),
    every octave of ``scales`` and every ratio, a box of ``anchor_scale`` strides. ``ratios`` are
    width / height, or factors [width, height]. ``heads``: "levels" (a pair of heads for each
    level) or "joined" (one pair). ``layout``: of the heads of the levels. ``activation``: what is
    still to be applied to the scores. ``box_format``: order of the four offsets.
    """

    heads: Literal["levels", "joined"] = "levels"
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    min_level: int = Field(default=3, ge=1)
    max_level: int = Field(default=7, ge=1, le=12)
    scales: int = Field(default=3, ge=1)
    ratios: Annotated[tuple[tuple[float, float], ...], BeforeValidator(_ratios)] = (
        (1.0, 1.0),
        (2.0**0.5, 0.5**0.5),
        (0.5**0.5, 2.0**0.5),
    )
    anchor_scale: float = Field(default=4.0, gt=0)
    activation: Literal["none", "sigmoid"] = "sigmoid"
    box_format: Literal["cxcywh", "cycxhw"] = "cycxhw"

    @model_validator(mode="after")
    def _levels(self) -> Self:
        if self.max_level < self.min_level:
            raise ValueError(
                f"max_level: expected at least min_level = {self.min_level}, found {self.max_level}"
            )
        return self

    @property
    def levels(self) -> range:
        """The levels of the pyramid; the stride of level l is about 2 ** l."""
        return range(self.min_level, self.max_level + 1)
