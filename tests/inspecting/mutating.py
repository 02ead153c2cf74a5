"""Seeded mutations of model files: of their bytes, and of what their formats are made of."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from spoiled_archives import Change, archive, pickled
from spoiled_bytes import spoiled
from spoiled_formats import flatbuffer, hdf5, protobuf

SEEDS = (
    "net.onnx", "qdq_int8.onnx", "float.tflite", "full.tflite", "net.h5", "net.weights.h5",
    "net.keras", "program.pt2", "net.pth", "legacy.pth", "whole.pth", "script.pt",
    "net.safetensors", "frozen.pb", "saved/saved_model.pb", "saved/variables/variables.index",
)  # fmt: skip
_STRUCTURED: dict[str, Change] = {
    "net.onnx": protobuf, "qdq_int8.onnx": protobuf, "saved/saved_model.pb": protobuf,
    "frozen.pb": protobuf, "float.tflite": flatbuffer, "full.tflite": flatbuffer,
    "net.h5": hdf5, "net.weights.h5": hdf5, "net.keras": archive, "program.pt2": archive,
    "net.pth": archive, "whole.pth": archive, "script.pt": archive, "legacy.pth": pickled,
}  # fmt: skip


class Sample(NamedTuple):
    """One mutated file, and the name of the one that it was made from."""

    path: Path
    source: str

    @property
    def looked_at(self) -> Path:
        """What a runtime is given: the file, or the folder of its SavedModel."""
        depth = len(Path(self.source).parts) - 1
        return self.path.parents[depth - 1] if depth else self.path


def mutated(name: str, data: bytes, rng: random.Random, canary: str) -> bytes:
    """Most have one thing done to what their format is made of, the others to bytes."""
    change = _STRUCTURED.get(name)
    if change is None or rng.random() < 0.3:
        return spoiled(data, rng)
    try:
        found = change(data, rng, canary)
    except Exception:  # what the edit has made cannot be written in this format
        return spoiled(data, rng)
    return spoiled(found, rng) if rng.random() < 0.1 else found


def samples(models: Path, folder: Path, count: int, seed: int, canary: str) -> Iterator[Sample]:
    """So many mutations of all kinds in turn, each in a folder of its own."""
    rng = random.Random(seed)
    for index in range(count):
        source = SEEDS[index % len(SEEDS)]
        sample = Sample(folder / f"{index:05d}" / source, source)
        if sample.looked_at != sample.path:
            shutil.copytree(models / sample.looked_at.name, sample.looked_at)
        sample.path.parent.mkdir(parents=True, exist_ok=True)
        sample.path.write_bytes(mutated(source, (models / source).read_bytes(), rng, canary))
        yield sample
