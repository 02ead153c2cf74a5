"""``parity.toml`` as typed, frozen data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from parity import runtimes
from parity.decode.settings import Decode
from parity.fields import Binding, Globs, Names, Table
from parity.suite.isolating import MemoryLimit, Python, Requires, Timeout
from parity.suite.matrix import RowTable
from parity.suite.recipe import Recipe

LIMIT = Field(default=None)


class DetectorTable(Table):
    """``[detector]``: the name, the reference runtime, the images, the classes.

    ``images`` are patterns relative to the file. ``classes`` is a list or a text file, one a line.
    ``labels``: COCO annotations of the images; with them the mean average precision is reported.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    reference: str
    images: Globs
    classes: Names
    labels: str | None = Field(default=None, min_length=1)


class ToleranceTable(Table):
    """``[tolerance.NAME]``: a built-in tolerance with some limits replaced."""

    base: str
    match_iou: float | None = LIMIT
    min_box_iou: float | None = LIMIT
    max_corner_px: float | None = LIMIT
    max_score_diff: float | None = LIMIT
    band: float | None = LIMIT
    min_within: float | None = LIMIT
    max_lost: float | None = LIMIT
    max_extra: float | None = LIMIT
    max_class_flips: float | None = LIMIT
    max_excused: float | None = LIMIT

    def limits(self) -> dict[str, float]:
        """The limits that the table replaces."""
        return self.model_dump(exclude={"base"}, exclude_none=True)


class Export(Table):
    """``export = { ... }`` of a runtime: how its artifact is made from another runtime's.

    ``source`` names that runtime (``from`` in the file; the reference unless given).
    ``representative``: "module:function" that yields RGB images, or image patterns, for int8.
    ``function``: "module:function" that writes the artifact itself (method "function").
    """

    method: Literal[
        "savedmodel",
        "tf2onnx",
        "tflite",
        "tflite-float16",
        "tflite-int8",
        "torchscript",
        "pt2",
        "torch-onnx",
        "onnxruntime-int8",
        "function",
    ]
    source: str | None = Field(default=None, alias="from")
    opset: int | None = Field(default=None, ge=7)
    representative: str | None = None
    function: str | None = None

    @field_validator("representative", "function")
    @classmethod
    def _not_empty(cls, value: str | None) -> str | None:
        if value == "":
            raise ValueError("expected 'module:function', found ''")
        return value


class RuntimeTable(Table):
    """``[runtimes.NAME]``: one way to run the detector.

    ``outputs`` binds heads by name or index. ``layout`` is needed only where the artifact does not
    say it. ``preprocess`` and ``decode`` replace single keys of the suite's for this runtime.
    ``timeout`` is in seconds per image; ``memory_limit`` bounds the memory of the runtime's
    process. Either, ``isolated``, ``requires`` or ``python`` gives it a process of its own.
    ``settings = "deliberate"``: its threshold and NMS are meant to be others than the reference's;
    it is judged against what the reference would deploy with them.
    """

    kind: str
    model: str = Field(min_length=1)
    weights: str | None = Field(default=None, min_length=1)
    tolerance: str = "float32"
    outputs: Binding = Field(default_factory=dict)
    layout: Literal["NCHW", "NHWC"] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    interpreter: Literal["litert", "tflite-runtime", "tensorflow"] | None = None
    timeout: Timeout | None = None
    memory_limit: MemoryLimit | None = None
    isolated: bool = False
    trust: bool = False
    requires: Requires = ()
    python: Python | None = None
    preprocess: dict[str, Any] = Field(default_factory=dict)
    decode: dict[str, Any] = Field(default_factory=dict)
    export: Export | None = None
    settings: Literal["deliberate"] | None = None

    @model_validator(mode="after")
    def _brings_its_own(self) -> RuntimeTable:
        asked = self.requires or self.python
        if asked and not runtimes.descriptor(self.kind).own_environment:
            raise ValueError(
                f"expected no requires and no python for kind {self.kind!r}, which runs with what "
                f"it brings along: name an interpreter or a script that finds it in model"
            )
        return self


class SuiteFile(Table):
    """The whole file."""

    detector: DetectorTable
    preprocess: Recipe
    decode: Decode
    tolerance: dict[str, ToleranceTable] = Field(default_factory=dict)
    runtimes: dict[str, RuntimeTable] = Field(min_length=1)
    matrix: tuple[RowTable, ...] = Field(default=(), strict=False)
