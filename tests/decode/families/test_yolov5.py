"""YOLOv5: a network of its own, native and exported, and what each wrong declaration says."""

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
    SCRIPT,
    TFLITE,
    TORCH,
    agrees,
    asked,
    build,
    codes,
    error,
    judged,
    problem,
)

from parity.decode import Candidates, DecodeError, Proposals, decode
from parity.decode.families.yolov5 import YoloV5
from parity.decode.settings import Decode

NATIVE = TORCH.format(name="YoloV5")


@pytest.fixture(scope="module")
def torch_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    return build(tmp_path_factory.mktemp("yolov5") / "net", "YoloV5")


@pytest.fixture(scope="module")
def keras_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")
    return outside_keras.build(tmp_path_factory.mktemp("yolov5_keras") / "net", "yolov5")


def found(rows: Any, classes: int = 2, **how: Any) -> Candidates | Proposals:
    settings = Decode(family="yolov5", score_threshold=0.5, yolov5=YoloV5(**how))
    return decode({"predictions": np.array([rows])}, settings, classes, (64, 96))


def test_native_and_onnx_agree(torch_net: Path, tmp_path: Path) -> None:
    """Boxes in pixels, as torch and ONNX have them."""
    agrees(judged(torch_net, tmp_path / "suite", "yolov5", native=NATIVE), 100)


def test_native_and_torchscript_agree(torch_net: Path, tmp_path: Path) -> None:
    """Its one output has no name; the only head there is takes it."""
    agrees(judged(torch_net, tmp_path / "suite", "yolov5", SCRIPT, native=NATIVE), 100)


def test_native_in_pixels_and_normalised_tflite_agree(keras_net: Path, tmp_path: Path) -> None:
    """Each runtime says how its own boxes are written."""
    tflite = TFLITE + "decode = { yolov5 = { normalized = true } }"
    agrees(judged(keras_net, tmp_path / "suite", "yolov5", tflite, native=KERAS), 30)


def test_normalised_boxes_that_are_not_declared_are_named(keras_net: Path, tmp_path: Path) -> None:
    """The range tells them from pixels; so it would heads whose grids are to be decoded."""
    record = judged(keras_net, tmp_path / "suite", "yolov5", TFLITE, native=KERAS)
    words = {problem(image.failure.message) for image in record.images if image.failure}
    assert {one.split("median")[0] for one in words} == {
        "export: predictions: expected boxes in pixels of the input with normalized = false, "
        "found centres of "
    }
    assert {one.split("; ", 1)[1] for one in words} == {
        "normalized? say normalized = true; grids still to be decoded? say family = 'yolox'"
    }


def test_classes_in_another_order_fail(torch_net: Path, tmp_path: Path) -> None:
    """An export whose class columns are exchanged finds the same boxes under other names."""
    record = judged(torch_net, tmp_path / "suite", "yolov5", ROLLED, native=NATIVE)
    assert record.verdict == "fail"
    assert "class" in codes(record)


def test_another_family_without_objectness_is_named(torch_net: Path, tmp_path: Path) -> None:
    """Rows of 5 + C are no rows of 4 + C."""
    wrong = ONNX + 'decode = { family = "yolov8" }'
    assert asked(error(judged(torch_net, tmp_path / "suite", "yolov5", wrong, native=NATIVE))) >= {
        "  predictions: (1, 6, A) or (1, A, 6): cx, cy, w, h, one score for each class",
        "found 5 + 2 classes in a row: family = 'yolov5' or 'yolox'?",
    }


@pytest.mark.parametrize(
    ("how", "rows", "says"),
    [
        (
            {"normalized": True},
            [[40, 30, 8, 8, 0.9, 0.9, 0.1], [60, 50, 8, 8, 0.9, 0.9, 0.1]],
            "predictions: expected boxes relative to the input with normalized = true, "
            "found centres of median 45; pixels? say normalized = false",
        ),
        (
            {},
            [[one, one - 0.1, 0.1, 0.1, 0.9, 0.9, 0.1] for one in (0.4, 0.5, 0.6)],
            "predictions: expected boxes in pixels of the input with normalized = false, "
            "found centres of median 0.45; normalized? say normalized = true; "
            "grids still to be decoded? say family = 'yolox'",
        ),
        (
            {},
            [[40, 30, 8, 8, 2.5, 0.9, -3.0]],
            "predictions: expected scores within 0..1 with activation = 'none', found -3..2.5; "
            "logits? say activation = 'sigmoid'",
        ),
        (
            {"activation": "sigmoid"},
            [[40, 30, 8, 8, 0.9, 0.5, 0.1]],
            "predictions: expected logits with activation = 'sigmoid', found 0.1..0.9; "
            "scores already? say activation = 'none'",
        ),
        (
            {},
            [[40, 30, 8, 8, 0.9, 0.5]],
            "predictions: expected shape (1, A, 7), found (1, 1, 6); "
            "found 4 + 2 classes without objectness: family = 'yolov8'?",
        ),
        ({}, [[40, 30, 8, 8]], "predictions: expected shape (1, A, 7), found (1, 1, 4)"),
    ],
)
def test_what_does_not_fit_is_named(how: dict[str, Any], rows: Any, says: str) -> None:
    """Unit, activation, shape: what was expected, what was found, what is probably meant."""
    with pytest.raises(DecodeError) as caught:
        found(rows, **how)
    assert str(caught.value) == says


def test_a_box_is_its_best_class_times_its_objectness() -> None:
    """As the predictor of the source deploys it."""
    side = found([[40, 30, 8, 4, 0.5, 0.25, 0.75]])
    assert isinstance(side, Proposals)
    assert side.boxes.tolist() == [[36, 28, 44, 32]]
    assert (side.scores.tolist(), side.classes.tolist()) == ([0.375], [1])


def test_multi_label_keeps_every_class() -> None:
    """As its evaluation does."""
    side = found([[40, 30, 8, 4, 0.5, 0.25, 0.75]], multi_label=True)
    assert isinstance(side, Candidates)
    assert side.scores.tolist() == [[0.125, 0.375]]


def test_logits_go_through_a_sigmoid_first() -> None:
    """Objectness and classes alike."""
    side = found([[40, 30, 8, 4, 0.0, np.log(3), -9.0]], activation="sigmoid")
    assert side.scores.tolist() == pytest.approx([0.375])


def test_one_wild_box_does_not_change_the_unit() -> None:
    """Every detector has some, of low score."""
    wild = [[0.5, 0.5, 0.1, 0.1, 0.9, 0.9, 0.1]] * 3 + [[90.0, 0.5, 9.0, 0.1, 0.01, 0.9, 0.1]]
    assert len(found(wild, normalized=True).boxes) == 4
