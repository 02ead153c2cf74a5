"""Heads of each family as its usual model gives them, with some twenty objects in each of them.

Where anchors are many, each object is found by several, as in life, so that NMS has work;
everything else lies below the floor. ``MAKERS`` has one maker for each family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.decode.heads.cells import cells_of_strides as grid
from parity.decode.settings import Decode

OBJECTS, EACH, CLASSES = 20, 15, 80
YOLO, CENTER = (640, 640), (512, 512)


@dataclass(frozen=True, eq=False)
class Example:
    """Heads of one image by role, and what is needed to decode them."""

    settings: Decode
    heads: dict[str, np.ndarray]
    classes: int
    size: tuple[int, int]
    priors: np.ndarray | None = None


def settings(family: str, **table: Any) -> Decode:
    """Threshold 0.25 and what a suite says of the family."""
    own = {family: table} if table else {}
    return Decode.model_validate({"family": family, "score_threshold": 0.25, **own})


def scene(anchors: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes cx, cy, w, h in pixels (A, 4) and scores (A, classes)."""
    random = np.random.default_rng(0)
    height, width = size
    boxes = random.uniform([0, 0, 8, 8], [width, height, 200, 200], (anchors, 4))
    scores = random.uniform(0, 0.05, (anchors, CLASSES))
    each = EACH if anchors >= 1000 else 1  # a set has each object once
    for rows in random.permutation(anchors)[: OBJECTS * each].reshape(-1, each):
        boxes[rows] = boxes[rows[0]] + random.normal(0, 2, (len(rows), 4))
        boxes[rows, 2:] = np.maximum(boxes[rows, 2:], 4)
        scores[rows, random.integers(CLASSES)] = random.uniform(0.3, 0.95, len(rows))
    return boxes, scores


def _logit(values: np.ndarray) -> np.ndarray:
    clipped = np.clip(values, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def _batch(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values[None], dtype=np.float32)


def _corners(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def _relative(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return boxes / np.array([size[1], size[0]] * 2)


def _ssd() -> Example:
    boxes, scores = scene(8732, (300, 300))
    priors = _relative(boxes, (300, 300))
    table = np.concatenate([np.full((len(scores), 1), 0.05), scores], axis=1)
    heads = {"boxes": _batch(np.zeros_like(boxes)), "scores": _batch(np.log(table + 1e-3) * 3)}
    how = settings("ssd", priors="priors.npy", activation="softmax", background=0)
    return Example(how, heads, CLASSES, (300, 300), priors)


def _boxes_scores() -> Example:
    boxes, scores = scene(8400, YOLO)
    how = settings("boxes-scores", box_format="xyxy", normalized=False)
    heads = {"boxes": _batch(_corners(boxes)), "scores": _batch(scores)}
    return Example(how, heads, CLASSES, YOLO)


def _yolov5() -> Example:
    boxes, scores = scene(25200, YOLO)
    rows = np.concatenate([boxes, np.ones((len(boxes), 1)), scores], axis=1)
    return Example(settings("yolov5"), {"predictions": _batch(rows)}, CLASSES, YOLO)


def _yolov8() -> Example:
    rows = np.concatenate(scene(8400, YOLO), axis=1)
    return Example(settings("yolov8"), {"predictions": _batch(rows.T)}, CLASSES, YOLO)


def _yolox() -> Example:
    cells, strides = grid(YOLO, (8, 16, 32))
    boxes, scores = scene(len(cells), YOLO)
    raw = np.concatenate([np.full_like(cells, 0.5), np.log(boxes[:, 2:] / strides)], axis=1)
    rows = np.concatenate([raw, np.ones((len(cells), 1)), scores], axis=1)
    return Example(settings("yolox"), {"predictions": _batch(rows)}, CLASSES, YOLO)


def _nanodet() -> Example:
    cells, _ = grid(YOLO, (8, 16, 32, 64))
    _, scores = scene(len(cells), YOLO)
    bins = np.random.default_rng(2).normal(0, 2, (len(cells), 32))
    rows = np.concatenate([scores, bins], axis=1)
    how = settings("nanodet", heads="joined", strides=(8, 16, 32, 64))
    return Example(how, {"predictions": _batch(rows)}, CLASSES, YOLO)


def _queries(family: str, queries: int) -> Example:
    boxes, scores = scene(queries, YOLO)
    logits = _logit(scores)
    if family == "detr":
        logits = np.concatenate([logits, np.zeros((queries, 1))], axis=1)
    heads = {"logits": _batch(logits), "boxes": _batch(np.clip(_relative(boxes, YOLO), 0, 1))}
    return Example(settings(family), heads, CLASSES, YOLO)


def _centernet() -> Example:
    random = np.random.default_rng(0)
    heat = random.normal(-6, 1, (CLASSES, 128, 128))
    for _ in range(OBJECTS):
        label, y, x = random.integers(0, (CLASSES, 128, 128))
        heat[label, y, x] = random.uniform(0, 3)
    heads = {
        "heatmap": _batch(heat),
        "size": _batch(random.uniform(2, 40, (2, 128, 128))),
        "offset": _batch(random.uniform(0, 1, (2, 128, 128))),
    }
    return Example(settings("centernet", activation="sigmoid"), heads, CLASSES, CENTER)


def _efficientdet() -> Example:
    boxes, scores = scene(49104, CENTER)
    heads = {"boxes": _batch(np.zeros_like(boxes)), "scores": _batch(_logit(scores))}
    return Example(settings("efficientdet", heads="joined"), heads, CLASSES, CENTER)


def _detections(family: str, rows: int) -> Example:
    """What is left after NMS."""
    boxes, scores = scene(300, YOLO)
    corners, best = _corners(boxes)[:rows], scores[:rows].max(axis=1)
    labels = scores[:rows].argmax(axis=1)
    if family == "yolo-end2end":
        table = np.concatenate([corners, best[:, None], labels[:, None]], axis=1)
        return Example(settings(family), {"detections": _batch(table)}, CLASSES, YOLO)
    if family == "torchvision":
        heads = {"boxes": corners.astype(np.float32), "scores": best.astype(np.float32)}
        return Example(settings(family), {**heads, "labels": labels + 1}, CLASSES, YOLO)
    first = 1 if family == "tf-od-api" else 0
    heads = {
        "boxes": _batch(_relative(corners, YOLO)[:, [1, 0, 3, 2]]),
        "scores": _batch(best),
        "classes": _batch(labels + first),
        "count": np.array([rows], dtype=np.float32),
    }
    return Example(settings(family), heads, CLASSES, YOLO)


MAKERS: dict[str, Callable[[], Example]] = {
    "ssd": _ssd,
    "boxes-scores": _boxes_scores,
    "yolov5": _yolov5,
    "yolov8": _yolov8,
    "yolox": _yolox,
    "nanodet": _nanodet,
    "detr": lambda: _queries("detr", 100),
    "rt-detr": lambda: _queries("rt-detr", 300),
    "centernet": _centernet,
    "efficientdet": _efficientdet,
    "tf-od-api": lambda: _detections("tf-od-api", 100),
    "tflite-postprocess": lambda: _detections("tflite-postprocess", 100),
    "torchvision": lambda: _detections("torchvision", 100),
    "yolo-end2end": lambda: _detections("yolo-end2end", 300),
}


def crowd(count: int, classes: int) -> Example:
    """A YOLOv8 of which every anchor is a proposal, twenty of them around each object."""
    random = np.random.default_rng(1)
    centres = random.uniform([20, 20, 20, 20], [620, 620, 120, 120], (count // 20, 4))
    boxes = np.repeat(centres, 20, axis=0) + random.normal(0, 3, (count, 4))
    boxes[:, 2:] = np.maximum(boxes[:, 2:], 4)
    scores = np.zeros((count, classes))
    labels = np.repeat(random.integers(0, classes, count // 20), 20)
    scores[np.arange(count), labels] = random.uniform(0.3, 0.99, count)
    head = _batch(np.concatenate([boxes, scores], axis=1).T)
    return Example(settings("yolov8"), {"predictions": head}, classes, YOLO)
