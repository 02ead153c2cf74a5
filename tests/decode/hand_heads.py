"""Heads of every family, made by hand as their sources describe them, with a seed."""

from __future__ import annotations

import numpy as np

SIZE = (320, 320)
CLASSES = 7
CELLS = 40 * 40 + 20 * 20 + 10 * 10  # of strides 8, 16, 32

Heads = dict[str, np.ndarray]


def _random() -> np.random.Generator:
    return np.random.default_rng(7)


def centres() -> np.ndarray:
    """The centre (A, 2) and the stride (A, 1) of every cell, in pixels."""
    found = []
    for stride in (8, 16, 32):
        line = (np.arange(320 // stride) + 0.5) * stride
        y, x = np.meshgrid(line, line, indexing="ij")
        found.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride)], axis=1))
    return np.concatenate(found)


def scores(rows: int, columns: int) -> np.ndarray:
    """Few are sure of anything."""
    return _random().beta(0.3, 6, (rows, columns)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    powers = np.exp(logits)
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def cxcywh(each: int = 1) -> np.ndarray:
    """Decoded boxes in pixels, (each * A, 4)."""
    random, cells = _random(), np.tile(centres(), (each, 1))
    places = cells[:, :2] + random.normal(0, 0.3, (len(cells), 2)) * cells[:, 2:]
    sizes = np.exp(random.normal(0.5, 0.6, (len(cells), 2))) * cells[:, 2:]
    return np.concatenate([places, sizes], axis=1).astype(np.float32)


def xyxy(boxes: np.ndarray) -> np.ndarray:
    """The corners of cx, cy, w, h."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def detections(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes xyxy in 0..1, falling scores, classes from 0 on; the rest of 100 rows are zeros."""
    random = _random()
    low = random.uniform(0, 0.6, (count, 2))
    boxes = np.zeros((100, 4), np.float32)
    boxes[:count] = np.concatenate([low, low + random.uniform(0.05, 0.4, (count, 2))], axis=1)
    found, classes = np.zeros(100, np.float32), np.zeros(100, np.float32)
    found[:count] = np.sort(random.uniform(0.1, 0.9, count))[::-1]
    classes[:count] = random.integers(0, CLASSES, count)
    classes[0] = 0
    return boxes, found, classes


def yolov5() -> Heads:
    """(1, A, 5 + C), three anchors a cell."""
    return {"output0": np.concatenate([cxcywh(3), scores(3 * CELLS, 1 + CLASSES)], axis=1)[None]}


def yolov8() -> Heads:
    """(1, 4 + C, A)."""
    return {"output0": np.concatenate([cxcywh(), scores(CELLS, CLASSES)], axis=1).T[None]}


def yolov8_transposed() -> Heads:
    """(1, A, 4 + C)."""
    return {"output0": yolov8()["output0"].transpose(0, 2, 1)}


def yolov8_normalized() -> Heads:
    """As TFLite exports have it."""
    head = yolov8()["output0"].copy()
    head[:, :4] /= 320
    return {"Identity": head}


def yolox() -> Heads:
    """Offsets in cells and logarithms."""
    random = _random()
    boxes = np.concatenate(
        [random.normal(0.5, 0.4, (CELLS, 2)), random.normal(0.3, 0.8, (CELLS, 2))], axis=1
    )
    return {"output": np.concatenate([boxes, scores(CELLS, 1 + CLASSES)], axis=1)[None]}


def yolo_end2end() -> Heads:
    """(1, 300, 6)."""
    boxes, found, classes = detections(40)
    rows = np.concatenate([boxes * 320, found[:, None], classes[:, None]], axis=1)
    return {"output0": np.concatenate([rows, np.zeros((200, 6), np.float32)])[None]}


def yolov7_with_nms() -> Heads:
    """(N, 7): image, corners, class, score, as many rows as there are detections."""
    boxes, found, classes = detections(9)
    index = np.zeros((9, 1), np.float32)
    columns = [index, boxes[:9] * 320, classes[:9, None], found[:9, None]]
    return {"output": np.concatenate(columns, axis=1)}


def efficientdet_with_nms() -> Heads:
    """(1, 100, 7): image, corners with y first, score, class from 1 on."""
    boxes, found, classes = detections(40)
    index = np.zeros((len(boxes), 1), np.float32)
    columns = [index, boxes[:, [1, 0, 3, 2]] * 320, found[:, None], classes[:, None] + 1]
    return {"detections": np.concatenate(columns, axis=1)[None]}


def tf_od_api() -> Heads:
    """The dictionary, with its raw heads beside."""
    boxes, found, classes = detections(12)
    return {
        "detection_anchor_indices": np.arange(100, dtype=np.float32)[None],
        "detection_boxes": boxes[None, :, [1, 0, 3, 2]],
        "detection_classes": classes[None] + 1,
        "detection_multiclass_scores": scores(100, CLASSES + 1)[None],
        "detection_scores": found[None],
        "num_detections": np.array([100.0], np.float32),
        "raw_detection_boxes": np.tile(boxes, (10, 1))[None],
        "raw_detection_scores": scores(1000, CLASSES + 1)[None],
    }


def tflite_postprocess() -> Heads:
    """The four outputs of the op, their names as converters leave them."""
    boxes, found, classes = detections(10)
    name = "TFLite_Detection_PostProcess"
    return {
        name: boxes[None],
        f"{name}:1": classes[None],
        f"{name}:2": found[None],
        f"{name}:3": np.array([10.0], np.float32),
    }


def tflite_postprocess_renamed() -> Heads:
    """The same in another order, under names that say nothing."""
    boxes, classes, found, count = tflite_postprocess().values()
    return {"call:1": boxes, "call:3": classes, "call:0": count, "call:2": found}


def torchvision() -> Heads:
    """Boxes in pixels, labels from 1 on, scores; as many rows as there are detections."""
    boxes, found, classes = detections(9)
    labels = classes[:9].astype(np.int64) + 1
    return {"boxes": boxes[:9] * 600, "labels": labels, "scores": found[:9]}


def torchvision_empty() -> Heads:
    """Nothing was found."""
    return {name: head[:0] for name, head in torchvision().items()}


def detr() -> Heads:
    """Logits with "no object" at the end, boxes in 0..1."""
    random = _random()
    logits = random.normal(-2, 1, (1, 100, CLASSES + 1)).astype(np.float32)
    logits[..., -1] += 6
    boxes = random.uniform(0.05, 0.9, (1, 100, 4)).astype(np.float32)
    return {"logits": logits, "pred_boxes": boxes}


def rt_detr() -> Heads:
    """Logits of each class for itself, 300 queries."""
    random = _random()
    return {
        "logits": random.normal(-4, 1.5, (1, 300, CLASSES)).astype(np.float32),
        "pred_boxes": random.uniform(0.05, 0.9, (1, 300, 4)).astype(np.float32),
    }


def centernet() -> Heads:
    """Three maps of one cell for every 4 pixels."""
    random = _random()
    return {
        "hm": random.beta(0.2, 9, (1, CLASSES, 80, 80)).astype(np.float32),
        "wh": random.uniform(1, 20, (1, 2, 80, 80)).astype(np.float32),
        "reg": random.uniform(0, 1, (1, 2, 80, 80)).astype(np.float32),
    }


def centernet_tensorflow() -> Heads:
    """Channels last, names that say nothing."""
    renamed = zip(("a", "b", "c"), centernet().values(), strict=True)
    return {name: head.transpose(0, 2, 3, 1) for name, head in renamed}


def efficientdet() -> Heads:
    """Five levels of logits and of offsets."""
    random, heads = _random(), {}
    for level, side in enumerate((40, 20, 10, 5, 3)):
        heads[f"class_{level}"] = random.normal(-4, 1, (1, side, side, 9 * CLASSES))
        heads[f"box_{level}"] = random.normal(0, 1, (1, side, side, 36))
    return {name: head.astype(np.float32) for name, head in heads.items()}


def efficientdet_joined() -> Heads:
    """The same, all levels in one pair of heads."""
    heads = efficientdet()
    return {
        "classification": np.concatenate(
            [h.reshape(1, -1, CLASSES) for n, h in heads.items() if n.startswith("class")], axis=1
        ),
        "regression": np.concatenate(
            [h.reshape(1, -1, 4) for n, h in heads.items() if n.startswith("box")], axis=1
        ),
    }


def ssd() -> Heads:
    """Offsets, and scores after a softmax with a background."""
    random = _random()
    logits = random.normal(0, 1, (1, 4420, CLASSES + 1))
    logits[..., 0] += 7
    return {
        "scores": softmax(logits),
        "boxes": random.normal(0, 1.2, (1, 4420, 4)).astype(np.float32),
    }


def ssd_logits() -> Heads:
    """The same before the softmax."""
    return {"a": _random().normal(0, 3, (1, 4420, CLASSES + 1)), "b": ssd()["boxes"]}


def boxes_scores() -> Heads:
    """Corners relative to the input."""
    return {"scores": scores(CELLS, CLASSES)[None], "boxes": xyxy(cxcywh() / 320)[None]}


def boxes_scores_pixels() -> Heads:
    """Centres and sizes in pixels, one class."""
    return {"a": scores(CELLS, 1)[None], "b": cxcywh()[None]}


def nanodet() -> Heads:
    """A pair for each stride: scores, and logits of eight bins for each distance."""
    random, found = _random(), {}
    for stride in (8, 16, 32):
        cells = (320 // stride) ** 2
        found[f"cls_pred_stride_{stride}"] = scores(cells, CLASSES)[None]
        found[f"dis_pred_stride_{stride}"] = random.normal(0, 2, (1, cells, 32)).astype(np.float32)
    return found


def nanodet_plus() -> Heads:
    """The same in one head."""
    heads = list(nanodet().values())
    parts = [np.concatenate(heads[at : at + 2], axis=2) for at in (0, 2, 4)]
    return {"output": np.concatenate(parts, axis=1)}


HEADS = {
    "boxes-scores": (boxes_scores, boxes_scores_pixels),
    "centernet": (centernet, centernet_tensorflow),
    "detr": (detr,),
    "efficientdet": (efficientdet, efficientdet_joined),
    "nanodet": (nanodet, nanodet_plus),
    "rt-detr": (rt_detr,),
    "ssd": (ssd, ssd_logits),
    "tf-od-api": (tf_od_api,),
    "tflite-postprocess": (tflite_postprocess, tflite_postprocess_renamed),
    "torchvision": (torchvision, torchvision_empty),
    "yolo-end2end": (yolo_end2end, yolov7_with_nms, efficientdet_with_nms),
    "yolov5": (yolov5,),
    "yolov8": (yolov8, yolov8_transposed, yolov8_normalized),
    "yolox": (yolox,),
}
