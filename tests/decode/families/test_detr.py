"""DETR: a network of its own, native and exported, and what each wrong declaration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outside_models import (
    ONNX,
    ROLLED,
    SCRIPT,
    TORCH,
    agrees,
    asked,
    build,
    codes,
    error,
    judged,
    problem,
)

from parity.decode import BindingError, DecodeError, Proposals, bind, decode, roles
from parity.decode.families.detr import Detr
from parity.decode.settings import Decode

NATIVE = TORCH.format(name="Detr")


@pytest.fixture(scope="module")
def torch_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    return build(tmp_path_factory.mktemp("detr") / "net", "Detr")


def settings(**how: Any) -> Decode:
    return Decode(family="detr", score_threshold=0.5, detr=Detr(**how))


def found(logits: Any, boxes: Any, **how: Any) -> Proposals:
    heads = {"logits": np.array([logits]), "boxes": np.array([boxes])}
    side = decode(heads, settings(**how), 2, (100, 200))
    assert isinstance(side, Proposals)
    return side


BOX = [0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("candidate", [ONNX, SCRIPT], ids=["onnx", "torchscript"])
def test_native_and_export_agree(torch_net: Path, tmp_path: Path, candidate: str) -> None:
    """As sets: there is no NMS to hide a difference."""
    agrees(judged(torch_net, tmp_path / "suite", "detr", candidate, native=NATIVE), 20)


def test_no_object_in_another_column_fails(torch_net: Path, tmp_path: Path) -> None:
    """An export with "no object" first: every class is one off."""
    record = judged(torch_net, tmp_path / "suite", "detr", ROLLED, native=NATIVE)
    assert record.verdict == "fail"
    assert {"lost", "extra"} & codes(record)


def test_logits_without_no_object_are_another_family(torch_net: Path, tmp_path: Path) -> None:
    """One column too many for RT-DETR."""
    wrong = ONNX + 'decode = { family = "rt-detr" }'
    assert asked(error(judged(torch_net, tmp_path / "suite", "detr", wrong, native=NATIVE))) >= {
        "  logits: (1, Q, 2), one column for each of 2 classes",
        "  boxes: (1, A, 4)",
        "found 3 columns for 2 classes: is the last one \"no object\"? say family = 'detr'",
    }


def test_boxes_read_in_another_order_fail(torch_net: Path, tmp_path: Path) -> None:
    """The same heads as corners: where those cross it is said, else nothing overlaps."""
    wrong = ONNX + (
        'outputs = { boxes = "boxes", scores = "logits" }\n'
        'decode = { family = "boxes-scores", nms = "none", boxes-scores = { box_format = "xyxy", '
        'normalized = true, activation = "softmax", background = 2 } }'
    )
    record = judged(torch_net, tmp_path / "suite", "detr", wrong, native=NATIVE)
    assert record.verdict == "error"
    for image in record.images:
        assert image.failure is not None
        assert problem(image.failure.message).startswith(
            "export: boxes: expected x1 <= x2 and y1 <= y2"
        )
        assert problem(image.failure.message).endswith(
            "; box_format = 'xyxy' is declared: is it yxyx or cxcywh?"
        )


@pytest.mark.parametrize(
    ("how", "logits", "boxes", "says"),
    [
        (
            {},
            [[2.0, 1.0, 0.0]],
            [[100, 50, 20, 10]],
            "boxes: expected cx, cy, w, h within 0..1, found 10..100; "
            "pixels or corners? say family = 'boxes-scores'",
        ),
        (
            {},
            [[2.0, 1.0]],
            [BOX],
            "logits: expected shape (1, 1, 3), found (1, 1, 2); found 2 columns for 2 classes: "
            "is there no \"no object\"? say family = 'rt-detr'",
        ),
        (
            {},
            [[2.0, 1.0, 0.0]] * 2,
            [BOX],
            "logits: expected one row for each of 1 boxes, found shape (1, 2, 3)",
        ),
        (
            {},
            [[0.5, 0.2, 0.3]],
            [BOX],
            "logits: expected logits with activation = 'softmax', found 0.2..0.5; "
            "scores already? say activation = 'none'",
        ),
        (
            {"activation": "none"},
            [[2.0, 1.0, 0.0]],
            [BOX],
            "logits: expected scores within 0..1 with activation = 'none', found 0..2; "
            "logits? say activation = 'softmax'",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    how: dict[str, Any], logits: Any, boxes: Any, says: str
) -> None:
    """Unit, columns, rows, activation: expected, found, probably meant."""
    with pytest.raises(DecodeError) as caught:
        found(logits, boxes, **how)
    assert str(caught.value) == says


def test_a_query_is_its_best_class_but_no_object() -> None:
    """Also where "no object" is likelier: the threshold decides."""
    side = found([[np.log(2), 0.0, 0.0], [0.0, np.log(3), np.log(4)]], [BOX, BOX])
    np.testing.assert_allclose(side.scores, [0.5, 0.375])
    assert side.classes.tolist() == [0, 1]
    assert side.boxes.tolist() == [[50, 37.5, 150, 62.5]] * 2


def test_there_is_no_nms_and_no_cut_unless_the_suite_says_so() -> None:
    """A set is predicted: every query is kept."""
    assert settings().nms_label == "none"
    said = Decode(family="detr", score_threshold=0.5, nms="class", max_detections=10)
    assert said.nms_label == "class at IoU 0.45, at most 10"


def test_three_classes_and_no_object_are_as_wide_as_boxes() -> None:
    """Which is which must be said."""
    outputs = [("a", (1, 12, 4)), ("b", (1, 12, 4))]
    with pytest.raises(BindingError) as caught:
        bind(outputs, {}, roles(settings(), 3))
    assert str(caught.value).startswith("more than one output fits the shapes of the heads\n")
    assert bind(outputs, {"boxes": "b"}, roles(settings(), 3)) == {"logits": "a", "boxes": "b"}
