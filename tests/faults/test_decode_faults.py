"""The heads are right and what is made of them is not: threshold, NMS, background, one box."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from planting import POINTS, Fault, Planted, assert_told_apart, codes, surest

DECODED = "decoded as healthy is, see the notes"

SETTINGS = {
    "higher_threshold": Fault(
        table="decode = { score_threshold = 0.7 }",
        says=(
            "decode.score_threshold is declared as 0.7, the reference healthy has 0.5",
            "a higher score threshold?",
            "the raw heads agree",
        ),
        agrees=(DECODED,),
    ),
    "lower_threshold": Fault(
        table="decode = { score_threshold = 0.3 }",
        says=(
            "decode.score_threshold is declared as 0.3, the reference healthy has 0.5",
            "a lower score threshold?",
        ),
        agrees=(DECODED,),
    ),
    "higher_nms": Fault(
        table="decode = { nms_iou = 0.9 }",
        says=(
            "decode.nms_iou is declared as 0.9, the reference healthy has 0.5",
            "a higher (or missing) NMS limit in the candidate?",
        ),
        agrees=(DECODED,),
    ),
    "no_nms": Fault(
        table='decode = { nms = "none", max_detections = 1000 }',
        says=("decode.nms is declared as 'none', the reference healthy has 'class'",),
        agrees=(DECODED,),
    ),
    "fewer_detections": Fault(
        table="decode = { max_detections = 2 }",
        says=("decode.max_detections is declared as 2, the reference healthy has 100",),
        agrees=(DECODED,),
    ),
    "threshold_inside": Fault(
        lambda graph: graph.after("scores", "ThresholdedRelu", alpha=0.7),
        says=("a higher score threshold?", "the raw head boxes agrees, scores does not"),
    ),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """One suite with all of them."""
    suite = Planted(tmp_path_factory.mktemp("decode"), SETTINGS)
    yield suite
    suite.close()


@pytest.mark.parametrize("name", SETTINGS)
def test_other_settings_of_decoding_fail_and_are_named(planted: Planted, name: str) -> None:
    """Declared ones by a note, one that is baked in by what its leftovers look like."""
    assert_told_apart(planted, name)


def test_a_declared_difference_is_never_excused_as_a_tie(planted: Planted) -> None:
    """Another NMS limit is a disagreement of settings, beside what it leaves over."""
    record = planted.judge("higher_nms")
    assert codes(record) == {"extra", "settings"}
    assert record.statistics is not None
    assert (record.statistics.ties, record.statistics.excused) == (0, 0)


def test_nms_that_is_baked_into_the_network_fails_and_is_named(tmp_path: Path) -> None:
    """The network suppresses at 0.5 what the suite keeps up to 0.9."""
    fault = Fault(
        impostor="suppressing",
        says=("the same runtime and class (IoU", "a lower NMS limit in the candidate?"),
    )
    assert_told_apart(Planted(tmp_path, {"inside": fault}, nms_iou=0.9), "inside")


def test_another_background_fails_and_is_named(tmp_path: Path) -> None:
    """Column 5 in the place of column 0, declared."""
    fault = Fault(
        table="decode = { ssd = { background = 5 } }",
        says=("decode.ssd.background is declared as 5, the reference healthy has 0",),
        agrees=(DECODED,),
    )
    suite = Planted(tmp_path, {"background": fault}, detector="parts_ssd", images=3)
    assert_told_apart(suite, "background")


def test_one_lost_box_among_all_fails_and_is_shown(tmp_path: Path) -> None:
    """The points around the surest object of one image answer 0; every other row agrees."""
    suite = Planted(tmp_path, {"lost": Fault()}, images=3)
    image, label, points = surest(suite)
    mask = np.ones((1, POINTS, 1), np.float32)
    mask[0, points] = 0
    suite.faults["lost"] = Fault(lambda graph: graph.after("scores", "Mul", mask))
    record = suite.judge("lost")
    assert record.verdict == "fail"
    found = next(one for one in record.images if one.image == image)
    assert found.agreement is not None
    assert len(found.agreement.select("lost")) >= 1
    message = suite.message("lost")
    assert "without a partner in the candidate; the surest scores" in message
    assert f": {label} at [" in message


def test_one_extra_box_fails_and_is_shown(tmp_path: Path) -> None:
    """A quiet corner is suddenly sure of something; every pair agrees."""
    raised = np.zeros((1, POINTS, 5), np.float32)
    raised[0, 0, 2] = 0.9
    fault = Fault(
        lambda graph: graph.after("scores", "Max", raised),
        says=("extra: 3 of", "without a partner in the reference; the surest scores 0.900"),
    )
    suite = Planted(tmp_path, {"extra": fault}, images=3)
    assert_told_apart(suite, "extra")
    assert codes(suite.judge("extra")) == {"extra"}
