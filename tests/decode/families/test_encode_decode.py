"""Boxes written into a family's heads come back as they were, whatever the boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.boxes import FORMATS, to_xyxy
from parity.decode import Candidates, Proposals, decode
from parity.decode.families.boxes_scores import BoxesScores
from parity.decode.families.centernet import CenterNet
from parity.decode.families.detr import Detr
from parity.decode.families.rt_detr import RtDetr
from parity.decode.families.ssd import Ssd
from parity.decode.families.yolov5 import YoloV5
from parity.decode.families.yolov8 import YoloV8
from parity.decode.families.yolox import Yolox
from parity.decode.heads.cells import cells_of_strides as grid
from parity.decode.settings import Decode

SIZE = (64, 96)
CLASSES = 3
scores = st.floats(0.05, 0.95)


@st.composite
def detections(draw: st.DrawFn, count: int | None = None) -> tuple[np.ndarray, ...]:
    """Boxes within the input, xyxy in pixels, a score and a class each."""
    many = draw(st.integers(1, 9)) if count is None else count
    rows = []
    for _ in range(many):
        x1, y1 = draw(st.floats(0, 80)), draw(st.floats(0, 50))
        width, height = draw(st.floats(0.5, 96 - x1)), draw(st.floats(0.5, 64 - y1))
        rows.append((x1, y1, x1 + width, y1 + height, draw(scores)))
    table = np.array(rows)
    labels = [draw(st.integers(0, CLASSES - 1)) for _ in range(many)]
    return table[:, :4], table[:, 4], np.array(labels)


def from_xyxy(boxes: np.ndarray, box_format: str) -> np.ndarray:
    """Boxes as another format writes them: its definition."""
    x1, y1, x2, y2 = boxes.T
    columns = {
        "xyxy": (x1, y1, x2, y2),
        "yxyx": (y1, x1, y2, x2),
        "cxcywh": ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
    }
    return np.stack(columns[box_format], axis=1)


def relative(boxes: np.ndarray) -> np.ndarray:
    return boxes / np.array([SIZE[1], SIZE[0]] * 2)


def one_hot(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N, classes): the score in the column of its class, next to nothing elsewhere."""
    table = np.full((len(values), CLASSES), 1e-6)
    table[np.arange(len(values)), labels] = values
    return table


def logit(values: np.ndarray) -> np.ndarray:
    return np.log(values) - np.log1p(-values)


def same(found: Candidates | Proposals, boxes: Any, values: Any, labels: Any) -> None:
    """The decoded detections are the encoded ones, in their order."""
    if isinstance(found, Candidates):
        best = found.scores.argmax(axis=1)
        found = Proposals(found.boxes, found.scores.max(axis=1), best)
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-6)
    np.testing.assert_allclose(found.scores, values, rtol=1e-6)
    assert found.classes.tolist() == labels.tolist()


def run(family: str, table: Any, **heads: np.ndarray) -> Candidates | Proposals:
    named = {family.replace("-", "_"): table}
    settings = Decode(family=family, score_threshold=0.5, **named)
    priors = None if family != "ssd" else np.array([[0.5, 0.5, 0.25, 0.5]] * len(heads["boxes"][0]))
    return decode(heads, settings, CLASSES, SIZE, priors)


@pytest.mark.parametrize("box_format", FORMATS)
@given(boxes=detections())
def test_every_box_format_there_and_back(box_format: str, boxes: Any) -> None:
    """In pixels and relative to the input."""
    pixels = boxes[0]
    written = from_xyxy(pixels, box_format)
    np.testing.assert_allclose(to_xyxy(written, box_format), pixels, atol=1e-9)
    written = from_xyxy(relative(pixels), box_format)
    np.testing.assert_allclose(to_xyxy(written, box_format, SIZE), pixels, atol=1e-9)


@pytest.mark.parametrize("box_format", FORMATS)
@given(given_=detections())
def test_boxes_scores(box_format: str, given_: Any) -> None:
    """As softmax logits with a background."""
    boxes, values, labels = given_
    table = np.concatenate([1 - values[:, None], one_hot(values, labels)], axis=1)
    heads = {
        "boxes": from_xyxy(relative(boxes), box_format)[None],
        "scores": np.log(table / table.sum(axis=1, keepdims=True))[None],
    }
    how = BoxesScores(  # type: ignore[arg-type]
        box_format=box_format, normalized=True, activation="softmax", background=0
    )
    same(run("boxes-scores", how, **heads), boxes, values / table.sum(axis=1), labels)


@given(detections())
def test_ssd(given_: Any) -> None:
    """Offsets against one prior."""
    boxes, values, labels = given_
    written = from_xyxy(relative(boxes), "cxcywh")
    centres = (written[:, :2] - 0.5) / [0.25, 0.5] / 0.1
    sizes = np.log(written[:, 2:] / [0.25, 0.5]) / 0.2
    heads = {
        "boxes": np.concatenate([centres, sizes], axis=1)[None],
        "scores": logit(one_hot(values, labels))[None],
    }
    same(run("ssd", Ssd(priors="p.npy", activation="sigmoid"), **heads), boxes, values, labels)


@given(detections(), st.booleans(), st.booleans(), scores)
def test_yolov5(given_: Any, multi_label: bool, logits: bool, objectness: float) -> None:
    """In pixels, with an objectness that multiplies."""
    boxes, values, labels = given_
    boxes = boxes + 3  # pixels lie beyond what relative boxes can be
    table = np.concatenate([np.full((len(values), 1), objectness), one_hot(values, labels)], axis=1)
    rows = np.concatenate([from_xyxy(boxes, "cxcywh"), logit(table) if logits else table], axis=1)
    how = YoloV5(multi_label=multi_label, activation="sigmoid" if logits else "none")
    if logits and ((logit(table) >= 0) & (logit(table) <= 1)).all():
        return  # no logits at all
    same(run("yolov5", how, predictions=rows[None]), boxes, values * objectness, labels)


@given(detections(), st.booleans(), st.booleans())
def test_yolov8(given_: Any, normalized: bool, transposed: bool) -> None:
    """In both units and both layouts."""
    boxes, values, labels = given_
    boxes = boxes if normalized else boxes + 3
    written = from_xyxy(relative(boxes) if normalized else boxes, "cxcywh")
    rows = np.concatenate([written, one_hot(values, labels)], axis=1)[None]
    layout = "anchors-first" if transposed else "channels-first"
    head = rows if transposed else rows.transpose(0, 2, 1)
    how = YoloV8(normalized=normalized, layout=layout)  # type: ignore[arg-type]
    same(run("yolov8", how, predictions=head), boxes, values, labels)


@given(detections(count=15))
def test_yolox(given_: Any) -> None:
    """Relative to the cells of two maps, 12 of 16 and 3 of 32 pixels on half the input's height."""
    boxes, values, labels = given_
    cells, strides = grid((32, 96), (16, 32))
    near = (cells + 0.5) * strides  # a centre is predicted by a cell nearby
    sides = from_xyxy(boxes, "cxcywh")[:, 2:]
    boxes = np.concatenate([near - sides / 2, near + sides / 2], axis=1)
    raw = np.concatenate([near / strides - cells, np.log(sides / strides)], axis=1)
    rows = np.concatenate([raw, np.ones((15, 1)), one_hot(values, labels)], axis=1)
    settings = Decode(family="yolox", score_threshold=0.5, yolox=Yolox(strides=(16, 32)))
    found = decode({"predictions": rows[None]}, settings, CLASSES, (32, 96))
    same(found, boxes, values, labels)


@given(detections())
def test_detr(given_: Any) -> None:
    """Logits of a softmax, "no object" last."""
    boxes, values, labels = given_
    table = np.concatenate([one_hot(values, labels), 1 - values[:, None]], axis=1)
    table /= table.sum(axis=1, keepdims=True)
    written = from_xyxy(relative(boxes), "cxcywh")
    found = run("detr", Detr(), logits=np.log(table)[None], boxes=written[None])
    same(found, boxes, table[np.arange(len(values)), labels], labels)


@given(detections())
def test_rt_detr(given_: Any) -> None:
    """Logits of a sigmoid, each class for itself."""
    boxes, values, labels = given_
    written = from_xyxy(relative(boxes), "cxcywh")
    logits = logit(one_hot(values, labels))
    same(run("rt-detr", RtDetr(), logits=logits[None], boxes=written[None]), boxes, values, labels)


@given(detections(), st.sampled_from(["xy", "yx"]), st.sampled_from(["NCHW", "NHWC"]))
def test_centernet(given_: Any, order: str, layout: str) -> None:
    """One peak for each detection: those whose centre lies beside another's are left out."""
    heat = np.full((CLASSES, 16, 24), 1e-6)
    size, offset = np.zeros((2, 16, 24)), np.zeros((2, 16, 24))
    turn = slice(None, None, -1 if order == "yx" else 1)
    kept = []
    for number, (box, value, label) in enumerate(zip(*given_, strict=True)):
        cx, cy, width, height = from_xyxy(box[None], "cxcywh")[0] / 4
        x, y = int(cx), int(cy)
        if heat[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max() > 1e-6:
            continue
        heat[label, y, x] = value
        size[turn, y, x], offset[turn, y, x] = (width, height), (cx - x, cy - y)
        kept.append(number)
    heads = {"heatmap": heat[None], "size": size[None], "offset": offset[None]}
    if layout == "NHWC":
        heads = {name: head.transpose(0, 2, 3, 1) for name, head in heads.items()}
    how = CenterNet(order=order)  # type: ignore[arg-type]
    found = run("centernet", how, **heads)
    assert isinstance(found, Proposals)
    peaks = np.flatnonzero(found.scores > 1e-6)
    boxes, values, labels = (one[kept] for one in given_)
    ours, theirs = (
        np.lexsort((*boxes.T, values)),
        np.lexsort((*np.round(found.boxes[peaks], 6).T, found.scores[peaks])),
    )
    assert found.classes[peaks][theirs].tolist() == labels[ours].tolist()
    np.testing.assert_allclose(found.scores[peaks][theirs], values[ours])
    np.testing.assert_allclose(found.boxes[peaks][theirs], boxes[ours], atol=1e-6)
