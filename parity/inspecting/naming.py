"""Where a file's name says something else than its content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_KINDS = {
    ".onnx": ("onnx",),
    ".ort": ("onnx",),
    ".tflite": ("tflite",),
    ".lite": ("tflite",),
    ".keras": ("keras",),
    ".h5": ("hdf5",),
    ".hdf5": ("hdf5",),
    ".pt": ("torchscript", "state-dict", "pickle"),
    ".pth": ("torchscript", "state-dict", "pickle"),
    ".ckpt": ("state-dict", "pickle"),
    ".pt2": ("pt2",),
    ".safetensors": ("safetensors",),
    ".pb": ("frozen-graph",),
}
_USUAL = {
    "onnx": ".onnx", "tflite": ".tflite", "keras": ".keras", "hdf5": ".h5", "torchscript": ".pt",
    "state-dict": ".pth", "pickle": ".pth", "pt2": ".pt2", "safetensors": ".safetensors",
    "frozen-graph": ".pb",
}  # fmt: skip
_PRECISIONS = {
    "int8": ("int8", "uint8", "i8", "w8a8", "quint8", "qint8"),
    "float16": ("float16", "fp16", "f16", "half"),
    "float32": ("float32", "fp32", "f32"),
    "dynamic range": ("dynamic", "drq", "dynrange"),
    "int16x8": ("int16x8", "w8a16"),
}
_HOLDS = {  # the styles that a name may stand for
    "int8": ("full int8", "QDQ", "QOperator", "dynamic"),
    "float16": ("float16",),
    "float32": ("none",),
    "dynamic range": ("dynamic range", "dynamic"),
    "int16x8": ("int16x8",),
}


def misnamed(path: Path, kind: str, phrase: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each thing that the name says and the content does not."""
    suffix = path.suffix.lower()
    if kind in _USUAL and suffix in _KINDS and kind not in _KINDS[suffix]:
        yield f"named {suffix}, is {phrase}: rename it to {path.stem}{_USUAL[kind]}"
    claimed = _claimed(path.stem)
    style = facts.get("quantization", {}).get("style")
    if claimed is None or style is None or style in _HOLDS[claimed]:
        return
    counts = facts["quantization"].get("tensors") or facts.get("weights", {})
    half = style == "none" and claimed == "float16" and "float16" in counts
    if not half:
        yield f"named {claimed}, holds {_counted(counts)}"


def _claimed(stem: str) -> str | None:
    words = re.split(r"[^a-z0-9]+", stem.lower())
    found = [name for name, forms in _PRECISIONS.items() if set(forms) & set(words)]
    return found[0] if len(found) == 1 else None


def _counted(counts: Mapping[str, int]) -> str:
    parts = [f"{count} {dtype}" for dtype, count in list(counts.items())[:4]]
    if not parts:
        return "no tensor"
    parts[0] = parts[0] + (" tensors" if counts[next(iter(counts))] != 1 else " tensor")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
