"""YOLOX: a network of its own, native and exported, and what each wrong declaration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outside_models import ONNX, ROLLED, SCRIPT, TORCH, agrees, build, codes, error, judged, problem

from parity.decode import Candidates, DecodeError, Proposals, decode
from parity.decode.families.yolox import Yolox
from parity.decode.settings import Decode

NATIVE = TORCH.format(name="Yolox")


@pytest.fixture(scope="module")
def torch_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    return build(tmp_path_factory.mktemp("yolox") / "net", "Yolox")


def found(rows: Any, size: tuple[int, int] = (8, 16), **how: Any) -> Candidates | Proposals:
    own = Yolox(**{"strides": (8,), **how})
    settings = Decode(family="yolox", score_threshold=0.5, yolox=own)
    return decode({"predictions": np.array([rows])}, settings, 2, size)


@pytest.mark.parametrize("candidate", [ONNX, SCRIPT], ids=["onnx", "torchscript"])
def test_native_and_export_agree(torch_net: Path, tmp_path: Path, candidate: str) -> None:
    """Grids and strides are decoded alike for both."""
    agrees(judged(torch_net, tmp_path / "suite", "yolox", candidate, native=NATIVE), 100)


def test_classes_in_another_order_fail(torch_net: Path, tmp_path: Path) -> None:
    """The same boxes under other names."""
    record = judged(torch_net, tmp_path / "suite", "yolox", ROLLED, native=NATIVE)
    assert record.verdict == "fail"
    assert "class" in codes(record)


def test_strides_in_another_order_fail(torch_net: Path, tmp_path: Path) -> None:
    """The number of rows is the same, every box is elsewhere."""
    wrong = ONNX + "decode = { yolox = { strides = [32, 16, 8] } }"
    record = judged(torch_net, tmp_path / "suite", "yolox", wrong, native=NATIVE)
    assert record.verdict == "fail"
    assert {"lost", "extra"} <= codes(record)


def test_strides_that_are_missing_are_named(torch_net: Path, tmp_path: Path) -> None:
    """Two maps do not have as many cells as three."""
    wrong = ONNX + "decode = { yolox = { strides = [8, 16] } }"
    assert error(judged(torch_net, tmp_path / "suite", "yolox", wrong, native=NATIVE)) == (
        "predictions: expected 120 rows, one for each cell of strides 8, 16 on an input of 64x96 "
        "(h x w), found 126; say strides = [...]"
    )


def test_grids_that_are_not_decoded_are_no_yolov5(torch_net: Path, tmp_path: Path) -> None:
    """Both have rows of 5 + C; the range tells them apart."""
    wrong = ONNX + 'decode = { family = "yolov5" }'
    record = judged(torch_net, tmp_path / "suite", "yolox", wrong, native=NATIVE)
    assert record.verdict == "error"
    for image in record.images:
        assert image.failure is not None
        assert problem(image.failure.message).endswith(
            "; normalized? say normalized = true; grids still to be decoded? say family = 'yolox'"
        )


@pytest.mark.parametrize(
    ("how", "rows", "says"),
    [
        (
            {},
            [[36, 28, 8, 4, 0.5, 0.25, 0.75], [44, 28, 8, 4, 0.5, 0.25, 0.75]],
            "predictions: expected centres relative to their cells, found a median of 32 cells; "
            "decoded already? say family = 'yolov5'",
        ),
        (
            {},
            [[0, 0, 0, 0, 7.5, 0.25, 0.75], [0.5, 0, 0, 0, 0.5, -2, 0.75]],
            "predictions: expected scores within 0..1 with activation = 'none', found -2..7.5; "
            "logits? say activation = 'sigmoid'",
        ),
        (
            {"activation": "sigmoid"},
            [[0, 0, 0, 0, 0.5, 0.25, 0.75]] * 2,
            "predictions: expected logits with activation = 'sigmoid', found 0.25..0.75; "
            "scores already? say activation = 'none'",
        ),
        (
            {},
            [[0, 0, 0, 0, 0.5, 0.25]],
            "predictions: expected shape (1, A, 7), found (1, 1, 6); "
            "found 4 + 2 classes without objectness: family = 'yolov8'?",
        ),
    ],
)
def test_what_does_not_fit_is_named(how: dict[str, Any], rows: Any, says: str) -> None:
    """Decoding, activation, shape: expected, found, probably meant."""
    with pytest.raises(DecodeError) as caught:
        found(rows, **how)
    assert str(caught.value) == says


def test_a_row_is_decoded_from_its_cell() -> None:
    """(x + column) * stride, exp(w) * stride; the second row is the cell to the right."""
    rows = [[0.5, 0.25, np.log(2), 0, 0.5, 0.25, 0.75]] * 2
    side = found(rows)
    assert isinstance(side, Proposals)
    np.testing.assert_allclose(side.boxes, [[-4, -2, 12, 6], [4, -2, 20, 6]])
    assert (side.scores.tolist(), side.classes.tolist()) == ([0.375, 0.375], [1, 1])


def test_cells_go_rows_first_and_maps_by_stride() -> None:
    """On 16 x 24: two rows of three cells of 8, then one row of two cells of 16."""
    rows = [[0, 0, 0, 0, 0.5, 0.25, 0.75]] * 8
    boxes = found(rows, (16, 24), strides=(8, 16)).boxes
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).tolist()
    assert centres == [[0, 0], [8, 0], [16, 0], [0, 8], [8, 8], [16, 8], [0, 0], [16, 0]]


def test_strides_below_1_are_refused() -> None:
    """When the suite is read."""
    with pytest.raises(ValueError, match=r"expected strides of at least 1, found \[8, 0\]"):
        Yolox(strides=(8, 0))
