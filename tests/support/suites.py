"""Small suites: a ``parity.toml``, its pictures, and the files that its runtimes open.

::

    suite = small_suite(
        tmp_path,
        {"native": fake("networks:same"), "onnx": runtime("onnxruntime", "net.onnx")},
        decode=boxes_scores(normalized=True),
        images=flat(10, 90),
        files={"networks.py": NETWORKS},
    )

The first runtime is the reference unless another is named. A table is a dictionary, or lines of
TOML where the text itself is what a test is about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

Table = Mapping[str, Any] | str
Picture = np.ndarray | bytes

SIZE = (8, 8)  # height, width


def flat(
    *values: int | Sequence[int], size: tuple[int, int] = (16, 16), names: str = "images/{}.png"
) -> dict[str, np.ndarray]:
    """Pictures of one grey or colour (R, G, B) each, of ``size`` (height, width)."""
    return {
        names.format(number): np.broadcast_to(np.uint8(value), (*size, 3))
        for number, value in enumerate(values)
    }


def noise(*size: int, seed: int = 0) -> np.ndarray:
    """A picture (height, width, 3) of which no two pixels are alike."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)


def boxes_scores(
    box_format: str = "xyxy", *, normalized: bool = False, threshold: float = 0.5, **keys: Any
) -> dict[str, Any]:
    """``[decode]`` of a head of boxes and one of scores; ``keys`` are further ones, as nms_iou."""
    own = {"box_format": box_format, "normalized": normalized}
    return {
        "family": "boxes-scores",
        "score_threshold": threshold,
        **keys,
        "boxes-scores": own,
    }


def runtime(kind: str, model: str, **keys: Any) -> dict[str, Any]:
    """The table of one runtime."""
    return {"kind": kind, "model": model, **keys}


def fake(function: str, shape: Sequence[int] = (1, *SIZE, 3), **keys: Any) -> dict[str, Any]:
    """A runtime that is a Python function ``module:name`` of its feeds, an image of ``shape``."""
    options = {"inputs": {"image": list(shape)}}
    return runtime("fake", function, **keys, options=options)


def table(name: str, keys: Table) -> str:
    """``[runtimes.name]`` as text."""
    return _table(f"runtimes.{_key(name)}", keys)


def small_suite(
    folder: Path,
    runtimes: Mapping[str, Table],
    *,
    reference: str = "",
    name: str = "tiny",
    classes: Sequence[str] | str = ("bolt", "nut"),
    images: Mapping[str, Picture] | Sequence[str] | None = None,
    detector: Table = "",
    size: tuple[int, int] | None = SIZE,
    preprocess: Table = "",
    decode: Table | None = None,
    files: Mapping[str, str | bytes] | None = None,
    more: str = "",
) -> Path:
    """Write a suite into a folder, which need not be there yet; returns the folder.

    ``images`` are pictures by name (bytes where nobody looks into them), or patterns of pictures
    that are there already. ``detector`` and ``preprocess`` are keys beside those that have an
    argument, ``files`` texts and bytes by name, ``more`` TOML behind everything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = flat(40, 200) if images is None else images
    if isinstance(pictures, Mapping):
        write_pictures(folder, pictures)
        pictures = patterns(pictures)
    for path, content in (files or {}).items():
        _write(folder / path, content)
    about = {
        "name": name,
        "reference": reference or next(iter(runtimes)),
        "images": list(pictures),
        "classes": classes if isinstance(classes, str) else list(classes),
    }
    fit = {} if size is None else {"size": list(size)}
    tables = [
        _table("detector", about, detector),
        _table("preprocess", fit, preprocess),
        _table("decode", boxes_scores() if decode is None else decode),
        *(table(key, one) for key, one in runtimes.items()),
    ]
    _write(folder / "parity.toml", "".join(tables) + more)
    return folder


def edit(folder: Path, old: str, new: str) -> Path:
    """Replace a text of the suite's ``parity.toml``, once; it must be there."""
    file = folder / "parity.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {text}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def write_pictures(folder: Path, pictures: Mapping[str, Picture]) -> None:
    """Save pictures by name; bytes are written as they are."""
    for name, picture in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            Image.fromarray(picture).save(path)


def patterns(names: Mapping[str, Picture]) -> list[str]:
    """The patterns that match these names: one for each folder and suffix."""
    paths = [PurePosixPath(name) for name in names]
    return list(dict.fromkeys(str(path.with_name(f"*{path.suffix}")) for path in paths))


def toml(keys: Mapping[str, Any]) -> str:
    """Keys and their values as lines of TOML."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in keys.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else _value(name)


def _table(name: str, *parts: Table) -> str:
    texts = [part if isinstance(part, str) else toml(part) for part in parts]
    lines = [text.strip("\n") for text in texts if text]
    return "\n".join([f"\n[{name}]", *lines]) + "\n"


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_bytes(content)
