"""YOLOv8: a network of its own, native and exported, and what each wrong declaration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import outside_keras
import pytest
from outside_models import (
    KERAS,
    ONNX,
    ROLLED,
    TFLITE,
    TORCH,
    TRANSPOSED,
    agrees,
    asked,
    build,
    codes,
    error,
    judged,
    problem,
)

from parity.boxes import Placement
from parity.decode import Candidates, DecodeError, Proposals, decode, to_side
from parity.decode.families.yolov8 import YoloV8
from parity.decode.settings import Decode

NATIVE = TORCH.format(name="YoloV8")


@pytest.fixture(scope="module")
def torch_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    return build(tmp_path_factory.mktemp("yolov8") / "net", "YoloV8")


@pytest.fixture(scope="module")
def keras_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")
    return outside_keras.build(tmp_path_factory.mktemp("yolov8_keras") / "net", "yolov8")


def found(head: Any, classes: int = 2, **how: Any) -> Candidates | Proposals:
    settings = Decode(family="yolov8", score_threshold=0.5, yolov8=YoloV8(**how))
    return decode({"predictions": np.array(head)}, settings, classes, (64, 96))


@pytest.mark.parametrize("candidate", [ONNX, TRANSPOSED], ids=["onnx", "transposed"])
def test_native_and_export_agree(torch_net: Path, tmp_path: Path, candidate: str) -> None:
    """Also where the export has anchors first: the shape says so, and heads are compared alike."""
    record = judged(torch_net, tmp_path / "suite", "yolov8", candidate, native=NATIVE)
    agrees(record, 100)
    assert [one.head for one in record.images[0].heads] == ["predictions"]


def test_native_in_pixels_and_normalised_tflite_agree(keras_net: Path, tmp_path: Path) -> None:
    """Keras has anchors first and pixels; TFLite has them last, relative to the input."""
    tflite = TFLITE + "decode = { yolov8 = { normalized = true } }"
    agrees(judged(keras_net, tmp_path / "suite", "yolov8", tflite, native=KERAS), 30)


def test_normalised_boxes_that_are_not_declared_are_named(keras_net: Path, tmp_path: Path) -> None:
    """The range tells them from pixels."""
    record = judged(keras_net, tmp_path / "suite", "yolov8", TFLITE, native=KERAS)
    assert record.verdict == "error"
    for image in record.images:
        assert image.failure is not None
        assert problem(image.failure.message).startswith(
            "export: predictions: expected boxes in pixels of the input with normalized = false, "
            "found centres of median 0."
        )
        assert problem(image.failure.message).endswith("; normalized? say normalized = true")


def test_classes_in_another_order_fail(torch_net: Path, tmp_path: Path) -> None:
    """The same boxes under other names."""
    record = judged(torch_net, tmp_path / "suite", "yolov8", ROLLED, native=NATIVE)
    assert record.verdict == "fail"
    assert "class" in codes(record)


def test_a_family_with_objectness_is_told_apart(torch_net: Path, tmp_path: Path) -> None:
    """Columns of 4 + C are no rows of 5 + C."""
    wrong = ONNX + 'decode = { family = "yolov5" }'
    assert asked(error(judged(torch_net, tmp_path / "suite", "yolov8", wrong, native=NATIVE))) >= {
        "  predictions: (1, A, 7): cx, cy, w, h, objectness, one score for each class",
        "found 4 + 2 classes without objectness: family = 'yolov8'?",
    }


ROW = [40, 30, 8, 4, 0.25, 0.75]


@pytest.mark.parametrize(
    ("how", "head", "says"),
    [
        (
            {"normalized": True},
            [[ROW]],
            "predictions: expected boxes relative to the input with normalized = true, "
            "found centres of median 35; pixels? say normalized = false",
        ),
        (
            {},
            [[[one, one - 0.1, 0.1, 0.1, 0.25, 0.75] for one in (0.4, 0.5, 0.6)]],
            "predictions: expected boxes in pixels of the input with normalized = false, "
            "found centres of median 0.45; normalized? say normalized = true",
        ),
        (
            {},
            [[[40, 30, 8, 4, -1.5, 4]]],
            "predictions: expected scores within 0..1 with activation = 'none', found -1.5..4; "
            "logits? say activation = 'sigmoid'",
        ),
        (
            {"activation": "sigmoid"},
            [[ROW]],
            "predictions: expected logits with activation = 'sigmoid', found 0.25..0.75; "
            "scores already? say activation = 'none'",
        ),
        (
            {},
            [[[*ROW, 0.5]]],
            "predictions: expected shape (1, 6, A) or (1, A, 6), found (1, 1, 7); "
            "found 5 + 2 classes in a row: family = 'yolov5' or 'yolox'?",
        ),
        (
            {},
            [[ROW] * 6],
            "predictions: expected shape (1, 6, A) or (1, A, 6), found (1, 6, 6), which is both; "
            "say layout = 'channels-first' or 'anchors-first'",
        ),
        (
            {"layout": "channels-first"},
            [[ROW] * 5],
            "predictions: expected 6 values at axis 1 with layout = 'channels-first', "
            "found shape (1, 5, 6); say layout = 'anchors-first'?",
        ),
    ],
)
def test_what_does_not_fit_is_named(how: dict[str, Any], head: Any, says: str) -> None:
    """Unit, activation, shape, layout: expected, found, probably meant."""
    with pytest.raises(DecodeError) as caught:
        found(head, **how)
    assert str(caught.value) == says


@pytest.mark.parametrize("layout", [None, "anchors-first"])
def test_a_box_is_its_best_class(layout: str | None) -> None:
    """As the predictor of the source deploys it."""
    side = found([[ROW]], layout=layout)
    assert isinstance(side, Proposals)
    assert side.boxes.tolist() == [[36, 28, 44, 32]]
    assert (side.scores.tolist(), side.classes.tolist()) == ([0.75], [1])


def test_a_layout_decides_where_the_shape_cannot() -> None:
    """Six anchors of six values each: the two readings differ."""
    head = np.full((1, 6, 6), 0.5)
    head[0, :, :4] = ROW[:4]
    rows = found(head, layout="anchors-first")
    assert rows.boxes.tolist() == [[36, 28, 44, 32]] * 6
    columns = found(head.transpose(0, 2, 1), layout="channels-first")
    assert columns.boxes.tolist() == rows.boxes.tolist()


def test_rows_of_an_end_to_end_network_are_recognised() -> None:
    """(1, 300, 6) for 80 classes is what is left after NMS."""
    with pytest.raises(DecodeError) as caught:
        found(np.zeros((1, 300, 6)), classes=80)
    assert str(caught.value) == (
        "predictions: expected shape (1, 84, A) or (1, A, 84), found (1, 300, 6); "
        "found rows of 6, as after NMS: family = 'yolo-end2end'?"
    )


def test_a_size_below_0_is_named() -> None:
    """Corners cross: whatever these are, they are no widths and heights."""
    settings = Decode(family="yolov8", score_threshold=0.5)
    with pytest.raises(DecodeError) as caught:
        to_side(found([[[40, 30, -8, 4, 0.25, 0.75]]]), settings, 0.5, Placement())
    assert str(caught.value) == (
        "boxes: expected x1 <= x2 and y1 <= y2, found 1 of 1 boxes that are not; the first has "
        "score 0.75: [44.0, 28.0, 36.0, 32.0]; a width or a height below 0: "
        "are these the heads of a yolov8?"
    )
