"""Detectors with NMS inside the network, built with seeded random weights and exported for real.

One tiny single-shot detector throughout: a convolution of stride 8 over 64 x 96 pixels, 96 priors,
three classes. What differs is what comes after its heads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
from PIL import Image

from parity.harness import check
from parity.record import ImageRecord, RuntimeRecord
from tests.support.suites import small_suite

SIZE = (64, 96)
CLASSES = 3
MOST = 60
NMS_IOU = 0.5
LOWEST = 0.3

TORCH = dedent(
    """
    from typing import List

    import torch


    class Heads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Conv2d(3, 8, 8, 8)
            self.boxes = torch.nn.Conv2d(8, 4, 1)
            self.scores = torch.nn.Conv2d(8, 3, 1)
            self.register_buffer("priors", torch.zeros(96, 4))

        def heads(self, image):
            x = torch.relu(self.body(image))
            raw = self.boxes(x).permute(0, 2, 3, 1).reshape(96, 4)
            scores = self.scores(x).permute(0, 2, 3, 1).reshape(96, 3).sigmoid()
            centres = self.priors[:, :2] + 0.1 * raw[:, [1, 0]] * self.priors[:, 2:]
            sides = self.priors[:, 2:] * torch.exp(0.2 * raw[:, [3, 2]])
            boxes = torch.cat([centres - sides / 2, centres + sides / 2], 1)
            return boxes * torch.tensor([96.0, 64.0, 96.0, 64.0]), scores


    def suppressed(boxes, scores):
        # Greedy NMS as a fixed point: what no better box that is itself kept overlaps too much.
        score, label = scores.max(1)
        score, order = torch.topk(score, 96)
        boxes, label = boxes[order], label[order]
        low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        shared = (high - low).clamp(min=0).prod(2)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        overlap = shared / (area[:, None] + area[None, :] - shared)
        removes = ((overlap > 0.5) & (label[:, None] == label[None, :])).float().triu(1)
        kept = torch.ones_like(score)
        for _ in range(12):
            kept = ((removes * kept[:, None]).sum(0) == 0).float()
        return boxes, label, score, (kept > 0) & (score > 0.3)


    class Listed(Heads):
        # As torchvision's detectors: a list of images in, a list of dictionaries out.
        def forward(self, images: List[torch.Tensor]):
            found = []
            for image in images:
                boxes, label, score, kept = suppressed(*self.heads(image[None]))
                boxes, label, score = boxes[kept], label[kept] + 1, score[kept]
                found.append({"boxes": boxes, "labels": label, "scores": score})
            return found


    class Flat(Listed):
        # What the ONNX exporter makes of it: a tuple, in the order of RetinaNet.
        def forward(self, image):
            found = super().forward([image[0]])[0]
            return found["boxes"], found["scores"], found["labels"]


    class Turned(Flat):
        # The same with y before x.
        def forward(self, image):
            boxes, scores, labels = super().forward(image)
            return boxes[:, [1, 0, 3, 2]], scores, labels


    class Rows(Heads):
        # From end to end: 300 rows, the best first, filled up with zeros.
        def forward(self, image):
            boxes, label, score, kept = suppressed(*self.heads(image))
            rows = torch.cat([boxes, score[:, None], label[:, None].float()], 1) * kept[:, None]
            rows = rows[torch.topk(rows[:, 4], 96).indices]
            return torch.cat([rows, torch.zeros(204, 6)], 0)[None]


    class Found(Heads):
        # As YOLOv7 with its NMS: as many rows as were found, the image in front, the score last.
        def forward(self, image):
            boxes, label, score, kept = suppressed(*self.heads(image))
            index = torch.zeros_like(score)
            rows = torch.cat([index[:, None], boxes, label[:, None].float(), score[:, None]], 1)
            return rows[kept]


    class Filled(Heads):
        # As EfficientDet of google/automl: 100 rows, y before x, classes from 1 on.
        def forward(self, image):
            boxes, label, score, kept = suppressed(*self.heads(image))
            boxes, score = boxes[:, [1, 0, 3, 2]], score * kept
            rows = torch.cat([boxes, score[:, None], label[:, None] + 1.0], 1)
            rows = torch.cat([rows[torch.topk(score, 96).indices], torch.zeros(4, 6)], 0)
            return torch.cat([torch.zeros(100, 1), rows], 1)[None]
    """
)


def priors() -> np.ndarray:
    """(96, 4) cx, cy, w, h relative to the input: a grid of 8 x 12 cells, boxes of 20 pixels."""
    y, x = np.meshgrid((np.arange(8) + 0.5) / 8, (np.arange(12) + 0.5) / 12, indexing="ij")
    sides = np.broadcast_to([20 / 96, 20 / 64], (96, 2))
    return np.concatenate([np.stack([x, y], -1).reshape(96, 2), sides], 1).astype(np.float32)


def weights(bias: float = -1.8) -> dict[str, np.ndarray]:
    """Seeded; ``bias`` of the scores decides how much is found."""
    random = np.random.default_rng(25)
    return {
        "body": random.normal(0, 0.25, (8, 8, 3, 8)).astype(np.float32),
        "boxes": random.normal(0, 0.8, (8, 4)).astype(np.float32),
        "scores": random.normal(0, 0.8, (8, CLASSES)).astype(np.float32),
        "bias": np.full(CLASSES, bias, np.float32),
    }


def write_images(folder: Path, count: int = 3) -> None:
    """Boxes of random colours on a grey ground, the last dark; each image of another size."""
    (folder / "images").mkdir()
    random = np.random.default_rng(5)
    for number in range(count):
        height, width = 64 + 8 * number, 96 + 16 * number
        last = number == count - 1
        pixels = np.full((height, width, 3), 4 if last else 90, np.uint8)
        for _ in range(0 if last else 12):
            y, x = random.integers(0, height - 12), random.integers(0, width - 12)
            h, w = random.integers(10, 40, 2)
            pixels[y : y + h, x : x + w] = random.integers(0, 256, 3)
        noise = random.integers(0, 8, pixels.shape)  # no two cells score the same
        pixels = np.minimum(pixels + noise, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")


def tensorflow() -> Any:
    """TensorFlow, without its greeting."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    return tf


def raw_heads(image: Any, values: Mapping[str, np.ndarray]) -> tuple[Any, Any]:
    """Offsets (1, 96, 4) as ty, tx, th, tw, and scores (1, 96, 3), of an image in [0, 1]."""
    tf = tensorflow()
    x = tf.nn.relu(tf.nn.conv2d(image, values["body"], 8, "VALID"))
    offsets = tf.reshape(tf.matmul(x, values["boxes"]), (1, 96, 4))
    scores = tf.matmul(x, values["scores"]) + values["bias"]
    return offsets, tf.reshape(tf.sigmoid(scores), (1, 96, CLASSES))


def decoded(offsets: Any) -> Any:
    """Boxes (1, 96, 4) as ymin, xmin, ymax, xmax relative to the input."""
    tf = tensorflow()
    anchors = priors()[:, [1, 0, 3, 2]]
    centres = anchors[:, :2] + 0.1 * offsets[..., :2] * anchors[:, 2:]
    sides = anchors[:, 2:] * tf.exp(0.2 * offsets[..., 2:])
    return tf.concat([centres - sides / 2, centres + sides / 2], -1)


def save_od_api(folder: Path, bias: float = -1.8) -> Any:
    """A SavedModel with the signature of the Object Detection API; its function."""
    tf = tensorflow()
    values = weights(bias)

    class Detector(tf.Module):  # type: ignore[misc,name-defined]
        @tf.function(
            input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, name="input_tensor")],
            autograph=False,
        )
        def __call__(self, input_tensor: Any) -> dict[str, Any]:
            image = tf.ensure_shape(tf.cast(input_tensor, tf.float32) / 255.0, (1, *SIZE, 3))
            offsets, scores = raw_heads(image, values)
            boxes = decoded(offsets)
            found = tf.image.combined_non_max_suppression(
                boxes[:, :, None], scores, MOST, MOST, NMS_IOU, LOWEST, clip_boxes=False
            )
            return {
                "detection_boxes": found[0],
                "detection_scores": found[1],
                "detection_classes": found[2] + 1.0,
                "num_detections": tf.cast(found[3], tf.float32),
                "raw_detection_boxes": boxes,
                "raw_detection_scores": scores,
            }

    detector = Detector()
    tf.saved_model.save(detector, str(folder / "od_api"), signatures=detector.__call__)
    return detector.__call__


def od_api_to_onnx(function: Any, path: Path) -> None:
    """By tf2onnx, whose ONNX NonMaxSuppression stands for TensorFlow's combined one."""
    import tf2onnx

    tf = tensorflow()
    spec = [tf.TensorSpec((1, None, None, 3), tf.uint8, name="input_tensor")]
    tf2onnx.convert.from_function(function, spec, opset=18, output_path=str(path))


def save_raw(folder: Path, bias: float = -1.8) -> Any:
    """A SavedModel of the raw heads: ``boxes`` and ``scores``; its concrete function."""
    tf = tensorflow()
    values = weights(bias)

    class Raw(tf.Module):  # type: ignore[misc,name-defined]
        @tf.function(
            input_signature=[tf.TensorSpec((1, *SIZE, 3), tf.float32, name="image")],
            autograph=False,
        )
        def __call__(self, image: Any) -> dict[str, Any]:
            offsets, scores = raw_heads(image, values)
            return {"boxes": offsets, "scores": scores}

    module = Raw()
    tf.saved_model.save(module, str(folder / "raw"), signatures=module.__call__)
    np.save(folder / "priors.npy", priors())
    return module.__call__.get_concrete_function(), module


def save_tflite(
    folder: Path, raw: Any, order: tuple[int, ...] = (3, 2, 1, 0), **options: Any
) -> None:
    """``postprocess.tflite``: the same heads, TFLite_Detection_PostProcess behind them.

    ``order``: the op's outputs (boxes, classes, scores, count) as the model lists them.
    """
    tf = tensorflow()
    function, module = raw
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    (folder / "postprocess.tflite").write_bytes(
        postprocessed(converter.convert(), order, **options)
    )


def postprocessed(file: bytes, order: tuple[int, ...], **options: Any) -> bytes:
    """A flatbuffer of offsets and scores with the op appended to it."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import flexbuffers

    model = schema.ModelT.InitFromPackedBuf(file, 0)
    graph = model.subgraphs[0]
    heads = {tuple(graph.tensors[one].shape): one for one in graph.outputs}

    def tensor(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> int:
        new = schema.TensorT()
        new.name, new.shape, new.type = name.encode(), list(shape), schema.TensorType.FLOAT32
        new.quantization = schema.QuantizationParametersT()
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            new.buffer = len(model.buffers) - 1
        graph.tensors.append(new)
        return len(graph.tensors) - 1

    settings = {
        "max_detections": MOST,
        "max_classes_per_detection": 1,
        "detections_per_class": MOST,
        "use_regular_nms": True,
        "nms_score_threshold": LOWEST,
        "nms_iou_threshold": NMS_IOU,
        "num_classes": CLASSES,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
        **options,
    }
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in settings.items():
            builder.Key(key)
            builder.Add(value)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"TFLite_Detection_PostProcess", 1
    model.operatorCodes.append(code)
    op = schema.OperatorT()
    op.opcodeIndex = len(model.operatorCodes) - 1
    op.inputs = [
        heads[1, 96, 4],
        heads[1, 96, CLASSES],
        tensor("anchors", (96, 4), priors()[:, [1, 0, 3, 2]]),
    ]
    rows = MOST * settings["max_classes_per_detection"]
    shapes = ((1, rows, 4), (1, rows), (1, rows), (1,))
    op.outputs = [tensor(f"out_{at}", shape) for at, shape in enumerate(shapes)]
    op.customOptions = np.frombuffer(bytes(builder.Finish()), np.uint8)
    graph.operators.append(op)
    graph.outputs = [op.outputs[at] for at in order]
    model.signatureDefs = []
    out = flatbuffers.Builder(1 << 16)
    out.Finish(model.Pack(out), b"TFL3")
    return bytes(out.Output())


def save_torch(folder: Path, bias: float = -1.8) -> None:
    """``net.py`` with every module, and the state dict that all of them share."""
    import torch

    (folder / "net.py").write_text(TORCH)
    values = weights(bias)
    state = {
        "body.weight": values["body"].transpose(3, 2, 0, 1),
        "body.bias": np.zeros(8, np.float32),
        "boxes.weight": values["boxes"].T[:, :, None, None],
        "boxes.bias": np.zeros(4, np.float32),
        "scores.weight": values["scores"].T[:, :, None, None],
        "scores.bias": values["bias"],
        "priors": priors(),
    }
    torch.save({name: torch.tensor(value) for name, value in state.items()}, folder / "net.pth")


def torch_to_onnx(folder: Path, name: str, outputs: list[str]) -> None:
    """``NAME.onnx`` of one module of ``net.py``."""
    import warnings

    import torch

    from parity.runtimes.shared.resolve import resolve

    module = resolve(f"net:{name}", str(folder))()
    module.load_state_dict(torch.load(folder / "net.pth", weights_only=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter: it is many times faster
        torch.onnx.export(
            module.eval(),
            (torch.rand(1, 3, *SIZE),),
            str(folder / f"{name}.onnx"),
            input_names=["image"],
            output_names=outputs,
            dynamo=False,
        )


def write_suite(
    folder: Path, reference: str, decode: str, runtimes: str, more: str = "", classes: int = 3
) -> Path:
    """A ``parity.toml`` beside the models; ``more`` are keys of ``[preprocess]``."""
    return small_suite(
        folder,
        {},
        reference=reference,
        classes=[f"class {number}" for number in range(classes)],
        images=["images/*.png"],
        size=SIZE,
        preprocess=more,
        decode=dedent(decode),
        more=dedent(runtimes),
    )


def judged(folder: Path, name: str) -> RuntimeRecord:
    """The record of one candidate of the suite in this folder."""
    (record,) = check(folder, (name,)).runtimes
    return record


def problem(record: RuntimeRecord) -> str:
    """What kept a runtime, or its first image, from being judged, without how its heads look."""
    failure = record.failure or next(one.failure for one in record.images if one.failure)
    return failure.message.partition("\non this image they are\n")[0]


def deployed(image: ImageRecord) -> tuple[int, int]:
    """How many detections the two sides deploy on an image."""
    assert image.agreement is not None
    return image.agreement.reference_deployed, image.agreement.candidate_deployed
