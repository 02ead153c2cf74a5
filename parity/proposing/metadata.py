"""What a model file says of itself beside its network: class names, input size."""

from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.formats import opened
from parity.formats.archive.zip_file import Archive
from parity.formats.onnx.model import OnnxModel

LARGEST = 1 << 20  # bytes of a text inside an archive; labels are far smaller
MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Metadata:
    """``names`` of the classes and ``size`` (height, width), None where the file does not say."""

    names: tuple[str, ...] | None = None
    size: tuple[int, int] | None = None


def read(path: Path, kind: str) -> Metadata:
    """The metadata of a file whose content is of ``kind``; what cannot be read is not there.

    Read are ONNX's ``metadata_props``, and texts in the archives that TFLite and TorchScript files
    are or carry: ``names`` and ``imgsz`` as ultralytics writes them, or a list of labels.
    """
    readers = {"onnx": _onnx, "tflite": _archive, "torchscript": _archive, "savedmodel": _folder}
    try:
        said = readers[kind](path) if kind in readers else {}
    except (OSError, ValueError, zipfile.BadZipFile, KeyError, SyntaxError):
        return Metadata()
    return Metadata(_names(said.get("names")), _size(said.get("imgsz")))


def _onnx(path: Path) -> dict[str, Any]:
    with opened(str(path)) as file:
        return dict(file.metadata()) if isinstance(file, OnnxModel) else {}


def _archive(path: Path) -> dict[str, Any]:
    """A TFLite file with associated files ends with a zip archive that holds them."""
    said: dict[str, Any] = {}
    archive = Archive(str(path))
    with archive.zip:
        for name, text in archive.texts(LARGEST):
            data = _parsed(text)
            if isinstance(data, Mapping):
                said |= data
            elif name.endswith(".txt") and "label" in name.lower():
                said.setdefault("names", [line for line in text.splitlines() if line.strip()])
    return said


def _folder(path: Path) -> dict[str, Any]:
    """The lines that matter of the ``metadata.yaml`` that ultralytics puts into a SavedModel."""
    file = path / "metadata.yaml"
    if not file.is_file() or file.stat().st_size > LARGEST:
        return {}
    names: dict[int, str] = {}
    sizes: list[int] = []
    key = ""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line and not line[0].isspace() and not line.startswith("-"):
            key = line.partition(":")[0]
        elif key == "names" and ":" in line:
            number, _, name = line.partition(":")
            names[int(number)] = name.strip().strip("'\"")
        elif key == "imgsz" and line.lstrip().startswith("-"):
            sizes.append(int(line.strip(" -")))
    return {"names": names, "imgsz": sizes}


def _parsed(text: str) -> Any:
    """JSON, or a Python literal; None for any other text."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _names(said: Any) -> tuple[str, ...] | None:
    """A list of names, or names by number from 0 on without a gap; each once."""
    value = _parsed(said) if isinstance(said, str) else said
    if isinstance(value, Mapping):
        by_number = {int(key): str(name) for key, name in value.items() if str(key).isdigit()}
        if sorted(by_number) != list(range(len(value))):
            return None
        value = [by_number[number] for number in range(len(value))]
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_CLASSES:
        return None
    names = tuple(str(name).strip() for name in value)
    return names if all(names) and len(set(names)) == len(names) else None


def _size(said: Any) -> tuple[int, int] | None:
    value = _parsed(said) if isinstance(said, str) else said
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    good = isinstance(value, list | tuple) and len(value) == 2
    if not good or any(type(edge) is not int or edge < 1 for edge in value):
        return None
    return value[0], value[1]
