"""A suite of two images whose reference is a function, beside what another program may write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity.harness import check
from parity.record import ImageRecord, RuntimeRecord, SuiteRecord
from tests.support.suites import boxes_scores, fake, small_suite

IMAGES = ("images/a.png", "images/b.png")
SIZES = {"images/a.png": (48, 64), "images/b.png": (30, 40)}  # height, width
GREYS = {"images/a.png": 40, "images/b.png": 200}
PICTURES = {name: np.full((*size, 3), GREYS[name], dtype=np.uint8) for name, size in SIZES.items()}
INPUT = 32

NETWORK = """
import numpy as np

BOXES = np.array([[[4, 4, 14, 12], [16, 10, 28, 26], [0, 0, 2, 2]]], dtype=np.float32)
DARK = np.array([[[0.9, 0.0], [0.0, 0.8], [0.1, 0.1]]], dtype=np.float32)
LIGHT = np.array([[[0.7, 0.0], [0.0, 0.3], [0.1, 0.1]]], dtype=np.float32)


def network(feeds):
    return {"boxes": BOXES, "scores": DARK if feeds["image"].mean() < 100 else LIGHT}
"""
BOXES = np.array([[4, 4, 14, 12], [16, 10, 28, 26], [0, 0, 2, 2]], dtype=np.float32)
SCORES = {
    "images/a.png": np.array([[0.9, 0.0], [0.0, 0.8], [0.1, 0.1]], dtype=np.float32),
    "images/b.png": np.array([[0.7, 0.0], [0.0, 0.3], [0.1, 0.1]], dtype=np.float32),
}

LABELS = {
    "images": [{"id": 11, "file_name": IMAGES[0]}, {"id": 12, "file_name": IMAGES[1]}],
    "categories": [{"id": 3, "name": "nut"}, {"id": 7, "name": "bolt"}],
    "annotations": [],
}


def write_suite(
    folder: Path,
    runtimes: str,
    *,
    reference: str = "native",
    preprocess: str = "",
    labels: bool = False,
    pictures: Mapping[str, np.ndarray] = PICTURES,
) -> Path:
    """The suite's folder; ``runtimes`` are tables to add to it."""
    sources = {"network.py": NETWORK}
    if labels:
        sources["labels.json"] = json.dumps(LABELS)
    return small_suite(
        folder,
        {"native": fake("network:network", (1, INPUT, INPUT, 3))},
        reference=reference,
        name="parts",
        images=pictures,
        detector='labels = "labels.json"' if labels else "",
        size=(INPUT, INPUT),
        preprocess=preprocess,
        decode=boxes_scores(nms_iou=0.45, nms="class"),
        files=sources,
        more=runtimes,
    )


def heads(image: str) -> dict[str, np.ndarray]:
    """What the network gives for an image, as a program may write it."""
    return {"boxes": BOXES[None], "scores": SCORES[image][None]}


def detections(image: str) -> dict[str, np.ndarray]:
    """What is found down to 0.2, with boxes in pixels of an image that was stretched."""
    height, width = SIZES[image]
    rows = np.flatnonzero(SCORES[image].max(axis=1) >= 0.2)
    return {
        "boxes": BOXES[rows] * np.float32([width, height] * 2) / np.float32(INPUT),
        "scores": SCORES[image][rows].max(axis=1),
        "classes": SCORES[image][rows].argmax(axis=1),
    }


def as_archives(folder: Path, dump: dict[str, dict[str, Any]]) -> Path:
    """A folder with an .npz for each image."""
    for image, arrays in dump.items():
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        np.savez(folder / f"{image}.npz", **arrays)
    return folder


def as_arrays(folder: Path, dump: dict[str, dict[str, Any]]) -> Path:
    """A folder with a folder for each image, and in it a .npy for each head."""
    for image, arrays in dump.items():
        (folder / image).mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():
            np.save(folder / image / f"{name}.npy", array)
    return folder


def as_one_archive(path: Path, dump: dict[str, dict[str, Any]]) -> Path:
    """One .npz with the keys IMAGE_ID/NAME."""
    np.savez(
        path,
        **{f"{image}/{name}": one for image, each in dump.items() for name, one in each.items()},
    )
    return path


def judged(folder: Path, *runtimes: str, reference: str = "auto") -> SuiteRecord:
    """The suite's record."""
    return check(folder, runtimes or None, reference=reference)


def runtime(record: SuiteRecord, name: str) -> RuntimeRecord:
    """One runtime of a record."""
    (found,) = (one for one in record.runtimes if one.name == name)
    return found


def image(record: SuiteRecord, name: str, number: int = 0) -> ImageRecord:
    """One image of a runtime."""
    return runtime(record, name).images[number]


def reasons(record: SuiteRecord, name: str) -> list[str]:
    """Why images have no verdict; "" for those that have one."""
    return [
        one.failure.message if one.failure is not None else ""
        for one in runtime(record, name).images
    ]
