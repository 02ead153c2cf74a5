"""CenterNet: a network of its own, native and exported, and what each wrong declaration says."""

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
    TRANSPOSED,
    agrees,
    asked,
    build,
    codes,
    error,
    judged,
    problem,
)

from parity.decode import DecodeError, Proposals, decode
from parity.decode.families.centernet import CenterNet
from parity.decode.settings import Decode
from parity.record import RuntimeRecord

OUTPUTS = 'outputs = { heatmap = "heatmap", size = "size", offset = "offset" }\n'
NATIVE = TORCH.format(name="CenterNet") + OUTPUTS
KEYS = '[decode.centernet]\nactivation = "sigmoid"'


@pytest.fixture(scope="module")
def torch_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    return build(tmp_path_factory.mktemp("centernet") / "net", "CenterNet")


def checked(source: Path, target: Path, candidate: str) -> RuntimeRecord:
    return judged(source, target, "centernet", candidate, native=NATIVE, keys=KEYS)


def heads(heatmap: Any, size: Any = None, offset: Any = None) -> dict[str, np.ndarray]:
    heat = np.array(heatmap, dtype=float)[None]
    plain = np.zeros((1, 2, *heat.shape[2:]))
    one = {"heatmap": heat, "size": plain if size is None else np.array(size, dtype=float)[None]}
    return {**one, "offset": plain if offset is None else np.array(offset, dtype=float)[None]}


def found(given: dict[str, np.ndarray], size: tuple[int, int], classes: int = 1, **how: Any) -> Any:
    settings = Decode(family="centernet", score_threshold=0.5, centernet=CenterNet(**how))
    side = decode(given, settings, classes, size)
    assert isinstance(side, Proposals)
    return side


@pytest.mark.parametrize("candidate", [ONNX, SCRIPT, TRANSPOSED], ids=["onnx", "script", "nhwc"])
def test_native_and_export_agree(torch_net: Path, tmp_path: Path, candidate: str) -> None:
    """Also where the export has channels last: the shape says so, and heads are compared alike."""
    record = checked(torch_net, tmp_path / "suite", candidate + OUTPUTS)
    agrees(record, 20)
    assert {one.head for one in record.images[0].heads} == {"heatmap", "size", "offset"}


def test_classes_in_another_order_fail(torch_net: Path, tmp_path: Path) -> None:
    """Channels of the heatmap exchanged."""
    record = checked(torch_net, tmp_path / "suite", ROLLED + OUTPUTS)
    assert record.verdict == "fail"
    assert codes(record) & {"class", "lost", "extra"}


def test_width_and_height_exchanged_fail(torch_net: Path, tmp_path: Path) -> None:
    """The boxes of one side lie down where those of the other stand."""
    wrong = ONNX + OUTPUTS + 'decode = { centernet = { order = "yx" } }'
    record = checked(torch_net, tmp_path / "suite", wrong)
    assert record.verdict == "fail"
    assert codes(record) & {"box", "lost", "extra"}
    assert any(
        "with centernet.order = 'xy'" in one or "decoded as native" in one for one in record.hints
    )


def test_size_and_offset_exchanged_fail(torch_net: Path, tmp_path: Path) -> None:
    """They have one shape; which is which must be said, and said rightly."""
    wrong = ONNX + 'outputs = { heatmap = "heatmap", size = "offset", offset = "size" }'
    record = checked(torch_net, tmp_path / "suite", wrong)
    assert record.verdict == "fail"
    assert {"lost", "extra"} <= codes(record)


def test_heads_of_one_shape_are_never_told_apart_by_guess(torch_net: Path, tmp_path: Path) -> None:
    """The message lists the choices."""
    assert asked(error(checked(torch_net, tmp_path / "suite", ONNX))) >= {
        "more than one output fits the shapes of the heads",
        "  heatmap: (1, 2, H, W) or (1, H, W, 2), one channel for each of 2 classes",
        "  size: (1, 2, H, W) or (1, H, W, 2), w and h in cells",
        "  offset: (1, 2, H, W) or (1, H, W, 2), x and y within a cell",
    }


def test_a_heatmap_before_its_sigmoid_is_named(torch_net: Path, tmp_path: Path) -> None:
    """Its values lie far outside 0..1."""
    wrong = ONNX + OUTPUTS + 'decode = { centernet = { activation = "none" } }'
    record = checked(torch_net, tmp_path / "suite", wrong)
    assert record.verdict == "error"
    for image in record.images:
        assert image.failure is not None
        start, end = (
            problem(image.failure.message).split("found")[0],
            problem(image.failure.message).split("; ")[1],
        )
        assert start == ("export: heatmap: expected scores within 0..1 with activation = 'none', ")
        assert end == "logits? say activation = 'sigmoid'"


def test_another_stride_is_named(torch_net: Path, tmp_path: Path) -> None:
    """The shape of the map says it."""
    wrong = ONNX + OUTPUTS + "decode = { centernet = { stride = 8 } }"
    assert error(checked(torch_net, tmp_path / "suite", wrong)) == (
        "heatmap: expected shape (1, 2, 8, 12) or (1, 8, 12, 2) with stride = 8, "
        "found (1, 2, 16, 24); another stride, or other classes?"
    )


FLAT = np.full((1, 2, 3), 0.1)


@pytest.mark.parametrize(
    ("given", "how", "says"),
    [
        (
            heads(FLAT, offset=np.arange(12).reshape(2, 2, 3) + 5),
            {},
            "offset: expected parts of a cell, found a median of 10.5; is it the size? "
            "say which output is which: outputs = { size = ..., offset = ... }",
        ),
        (
            heads(np.linspace(0, 0.9, 6).reshape(1, 2, 3)),
            {"activation": "sigmoid"},
            "heatmap: expected logits with activation = 'sigmoid', found 0..0.9; "
            "scores already? say activation = 'none'",
        ),
        (
            heads(FLAT),
            {"layout": "NHWC"},
            "heatmap: expected shape (1, 2, 3, 1) with stride = 4, found (1, 1, 2, 3); "
            "another stride, or other classes?",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    given: dict[str, np.ndarray], how: dict[str, Any], says: str
) -> None:
    """Values and shapes: expected, found, probably meant."""
    with pytest.raises(DecodeError) as caught:
        found(given, (8, 12), **how)
    assert str(caught.value) == says


def test_a_layout_that_the_shape_leaves_open_must_be_said() -> None:
    """Two classes on a map of two by two."""
    open_ = heads(np.array([[[0.9, 0.1], [0.2, 0.3]], [[0.8, 0.1], [0.3, 0.2]]]))
    with pytest.raises(DecodeError) as caught:
        found(open_, (8, 8), 2)
    assert str(caught.value) == (
        "heatmap: expected shape (1, 2, 2, 2) or (1, 2, 2, 2), found (1, 2, 2, 2), which is both; "
        "say layout = 'NCHW' or 'NHWC'"
    )
    assert sorted(found(open_, (8, 8), 2, layout="NCHW").scores) == [0.8, 0.9]
    assert sorted(found(open_, (8, 8), 2, layout="NHWC").scores) == [0.3, 0.9]


@pytest.mark.parametrize(("order", "box"), [("xy", [1, -1, 17, 7]), ("yx", [7, -7, 15, 9])])
def test_a_peak_is_decoded_from_its_cell(order: str, box: list[float]) -> None:
    """Cell 2 of row 0: (2 + 0.25, 0 + 0.75) * 4, 4 x 2 cells in size, or both the other way."""
    heat = np.array([[[0.1, 0.2, 0.9], [0.1, 0.1, 0.1]]])
    size = np.zeros((2, 2, 3)) + np.array([4, 2])[:, None, None]
    offset = np.zeros((2, 2, 3)) + np.array([0.25, 0.75])[:, None, None]
    side = found(heads(heat, size, offset), (8, 12), order=order)
    (best,) = np.flatnonzero(side.scores == 0.9)
    assert side.boxes[best].tolist() == box


def test_a_cell_beside_a_higher_one_is_no_peak() -> None:
    """Of its own class, also diagonally; another class does not matter."""
    heat = np.zeros((2, 3, 4))
    heat[0, 0, 0], heat[0, 1, 1], heat[1, 1, 0], heat[0, 0, 3] = 0.7, 0.8, 0.6, 0.5
    side = found(heads(heat), (12, 16), 2)
    seen = sorted(zip(side.scores[side.scores > 0], side.classes[side.scores > 0], strict=True))
    assert seen == [(0.5, 0), (0.6, 1), (0.8, 0)]


def test_equal_neighbours_are_all_peaks() -> None:
    """As with max pooling: a saturated heatmap has several."""
    heat = np.zeros((1, 1, 3))
    heat[0, 0, :2] = 0.9
    assert (found(heads(heat), (4, 12)).scores == 0.9).sum() == 2


def test_there_is_no_nms_unless_the_suite_says_so() -> None:
    """Peaks stand in for it; the source keeps the best 100."""
    assert Decode(family="centernet", score_threshold=0.5).nms_label == "none, at most 100"
