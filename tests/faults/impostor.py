"""Candidates that run the healthy file and then do something wrong; copied into planted suites."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

FOLDER = Path(__file__).parent


@cache
def _session():
    return onnxruntime.InferenceSession(str(FOLDER / "healthy.onnx"))


def healthy(feeds):
    """Nothing wrong."""
    names = [one.name for one in _session().get_outputs()]
    return dict(zip(names, _session().run(names, feeds), strict=True))


_BEFORE = {}


def previous(feeds):
    """A buffer is read one image too late."""
    heads = healthy(feeds)
    answer = _BEFORE.get("heads", heads)
    _BEFORE["heads"] = heads
    return answer


_DICE = np.random.default_rng(0)


def dice(feeds):
    """Another answer every time."""
    heads = healthy(feeds)
    return heads | {"boxes": heads["boxes"] + _DICE.normal(0, 3, (1, 1, 4)).astype(np.float32)}


def suppressing(feeds):
    """NMS at IoU 0.5 inside the network: what it removes has score 0."""
    heads = healthy(feeds)
    scores = heads["scores"].copy()
    cx, cy, w, h = heads["boxes"][0].T
    boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1)
    for column in scores[0].T:
        for row in np.argsort(-column):
            if column[row] > 0.05:
                column[(_iou(boxes[row], boxes) > 0.5) & (column < column[row])] = 0
    return heads | {"scores": scores}


def _iou(box, boxes):
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = [np.prod(one[..., 2:] - one[..., :2], axis=-1) for one in (box, boxes)]
    return shared / (areas[0] + areas[1] - shared)


def constant_scores(feeds):
    """A head that is one number everywhere."""
    heads = healthy(feeds)
    return heads | {"scores": np.full_like(heads["scores"], 0.125)}


def broadcasting(feeds):
    """Heads of one row, which numpy would stretch over all of the reference's."""
    heads = healthy(feeds)
    return {name: array[:, :1] for name, array in heads.items()}


def one_more_output(feeds):
    """An output that nobody asked for."""
    return healthy(feeds) | {"masks": np.zeros((1, 3), np.float32)}


def renamed(feeds):
    """The same heads under other names."""
    return {f"{name}:0": array for name, array in healthy(feeds).items()}


def renamed_and_wrong(feeds):
    """Other names and other scores."""
    heads = healthy(feeds)
    return {"StatefulPartitionedCall:1": heads["boxes"] + 9, "Identity": heads["scores"]}


def corner_by_pillow(pixels):
    """A preprocessing of its own: another library's kernel, at the proportions of the suite."""
    size = 320
    ratio = size / max(pixels.shape[:2])
    height, width = (round(edge * ratio) for edge in pixels.shape[:2])
    small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[:height, :width] = small
    return canvas.astype(np.float32) / 255


def decode(heads, size):
    """A decoder of its own that gives what the suite's would."""
    cx, cy, w, h = heads["boxes"][0].astype(np.float64).T
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], axis=1), heads["scores"][0]
