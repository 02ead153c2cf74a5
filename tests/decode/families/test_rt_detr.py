"""RT-DETR: a network of its own, native and exported, and what each wrong declaration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outside_models import ONNX, ROLLED, SCRIPT, TORCH, agrees, asked, build, codes, error, judged

from parity.boxes import Placement
from parity.decode import Candidates, DecodeError, decode, to_side
from parity.decode.families.rt_detr import RtDetr
from parity.decode.settings import Decode

NATIVE = TORCH.format(name="RtDetr")
BOX = [0.5, 0.5, 0.5, 0.25]


@pytest.fixture(scope="module")
def torch_net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    return build(tmp_path_factory.mktemp("rt_detr") / "net", "RtDetr")


def settings(**how: Any) -> Decode:
    return Decode(family="rt-detr", score_threshold=0.5, rt_detr=RtDetr(**how))


def found(logits: Any, boxes: Any, **how: Any) -> Candidates:
    heads = {"logits": np.array([logits]), "boxes": np.array([boxes])}
    side = decode(heads, settings(**how), 2, (100, 200))
    assert isinstance(side, Candidates)
    return side


@pytest.mark.parametrize("candidate", [ONNX, SCRIPT], ids=["onnx", "torchscript"])
def test_native_and_export_agree(torch_net: Path, tmp_path: Path, candidate: str) -> None:
    """As sets: there is no NMS to hide a difference."""
    agrees(judged(torch_net, tmp_path / "suite", "rt-detr", candidate, native=NATIVE), 20)


def test_classes_one_off_fail(torch_net: Path, tmp_path: Path) -> None:
    """An export whose columns are turned by one."""
    record = judged(torch_net, tmp_path / "suite", "rt-detr", ROLLED, native=NATIVE)
    assert record.verdict == "fail"
    assert codes(record) & {"class", "lost", "extra"}


def test_a_network_without_no_object_is_no_detr(torch_net: Path, tmp_path: Path) -> None:
    """One column too few."""
    wrong = ONNX + 'decode = { family = "detr" }'
    assert asked(error(judged(torch_net, tmp_path / "suite", "rt-detr", wrong, native=NATIVE))) >= {
        '  logits: (1, Q, 3), one column for each of 2 classes and the last for "no object"',
        "  boxes: (1, A, 4)",
        "found 2 columns for 2 classes: is there no \"no object\"? say family = 'rt-detr'",
    }


@pytest.mark.parametrize(
    ("how", "logits", "boxes", "says"),
    [
        (
            {},
            [[2.0, -1.0]],
            [[100, 50, 20, 10]],
            "boxes: expected cx, cy, w, h within 0..1, found 10..100; "
            "pixels or corners? say family = 'boxes-scores'",
        ),
        (
            {},
            [[2.0, 1.0, 0.0]],
            [BOX],
            "logits: expected shape (1, 1, 2), found (1, 1, 3); found 3 columns for 2 classes: "
            "is the last one \"no object\"? say family = 'detr'",
        ),
        (
            {},
            [[0.5, 0.2]],
            [BOX],
            "logits: expected logits with activation = 'sigmoid', found 0.2..0.5; "
            "scores already? say activation = 'none'",
        ),
        (
            {"activation": "none"},
            [[2.0, -1.0]],
            [BOX],
            "logits: expected scores within 0..1 with activation = 'none', found -1..2; "
            "logits? say activation = 'sigmoid'",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    how: dict[str, Any], logits: Any, boxes: Any, says: str
) -> None:
    """Unit, columns, activation: expected, found, probably meant."""
    with pytest.raises(DecodeError) as caught:
        found(logits, boxes, **how)
    assert str(caught.value) == says


def test_a_query_may_be_several_detections() -> None:
    """Each class for itself, in pixels of the input."""
    side = found([[0.0, np.log(3)]], [BOX])
    np.testing.assert_allclose(side.scores, [[0.5, 0.75]])
    assert side.boxes.tolist() == [[50, 37.5, 150, 62.5]]


def test_the_best_300_of_all_queries_and_classes_are_kept() -> None:
    """As its postprocessor does; one box stands for itself however much it overlaps another."""
    logits = np.linspace(0.01, 5, 400).reshape(200, 2)
    side = to_side(found(logits, [BOX] * 200), settings(), 0.5, Placement())
    assert len(side.seen) == 300
    assert side.seen.scores.min() > side.removed.detections.scores.max()
    assert side.suppression.label == "none, at most 300"


def test_nothing_is_hidden_where_there_is_no_nms() -> None:
    """All that could have been kept is known, so that a tie of the last places can be proven."""
    assert to_side(found([[0.0, 1.5]], [BOX]), settings(), 0.5, Placement()).proposals is not None
