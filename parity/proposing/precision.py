"""In which precision a file holds its network: told from the types of its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from parity.formats import opened
from parity.formats.onnx.model import OnnxModel
from parity.formats.shapes import elements
from parity.formats.tflite.model import TfliteModel

WEIGHTS = ("float32", "uint8", "int8", "float16", "float64", "bfloat16")  # indices are none
MOST = 0.5  # of the numbers


def precision(path: Path, kind: str) -> tuple[str, str]:
    """A tolerance's name, "float32", "float16" or "int8", and what was seen ("" for nothing)."""
    try:
        with opened(str(path)) as file:
            if isinstance(file, OnnxModel):
                return _told(file.numbers(), "")
            if isinstance(file, TfliteModel):
                return _tflite(file)
    except (OSError, ValueError):
        pass
    return "float32", ""


def _told(counts: Mapping[str, int], more: str) -> tuple[str, str]:
    total = sum(counts.get(dtype, 0) for dtype in WEIGHTS)
    if not total:
        return "float32", ""
    whole = counts.get("int8", 0) + counts.get("uint8", 0)
    half = counts.get("float16", 0) + counts.get("bfloat16", 0)
    if whole > MOST * total:
        return "int8", f"{_share(whole, total)} of the weights are 8-bit integers{more}"
    if half > MOST * total:
        return "float16", f"{_share(half, total)} of the weights are float16"
    return "float32", "the weights are float32"


def _share(part: int, total: int) -> str:
    """Per cent, never rounded up to all."""
    return f"{part * 1000 // total / 10:g} %"


def _tflite(file: TfliteModel) -> tuple[str, str]:
    main = file.parts()[0]
    counts: Counter[str] = Counter()
    for one in main.tensors:
        if one.constant:
            counts[one.tensor.dtype] += elements(one.tensor.shape or ())
    grids = any(one.scales and not one.constant for one in main.tensors)
    return _told(counts, "" if grids else ", its activations float32")
