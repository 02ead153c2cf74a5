"""Boxes in pixels that were cut at 0..1: judged and named, and not told to be relative."""

from pathlib import Path

import numpy as np
import pytest
from spoiling import check, runtime, write_suite

from parity.decode import likely
from parity.decode.heads.detected import pixels_of
from parity.decode.pixels import Reach
from parity.decode.recognise.likely import appearance

Capture = pytest.CaptureFixture[str]
PIXELS = np.array([[1.0, 2, 8, 9], [3, 1, 9, 5], [2, 4, 6, 8], [0.5, 0, 7, 7]])

NETWORKS = """
import numpy as np

BOXES = np.array([[[1, 1, 4, 4], [5, 5, 8, 9], [6, 2, 9, 5]]], dtype=np.float32)
SCORES = np.array([[0.9, 0.8, 0.7]], dtype=np.float32)


def heads(boxes):
    return {
        "detection_boxes": boxes,
        "detection_scores": SCORES,
        "detection_classes": np.array([[0, 1, 0]], dtype=np.float32),
        "num_detections": np.array([3], dtype=np.float32),
    }


def whole(feeds):
    return heads(BOXES)


def cut(feeds):
    return heads(np.clip(BOXES, 0, 1))


def relative(feeds):
    return heads(BOXES / 10)
"""
DECODE = (
    'decode = { family = "tf-od-api", nms = "none", '
    "tf-od-api = { first_class = 0, normalized = false } }\n"
)


def suite(tmp_path: Path, function: str) -> Path:
    """A candidate that suppresses by itself, beside a reference that does not."""
    folder = write_suite(tmp_path / "s", runtime("inside", function) + DECODE)
    with (folder / "networks.py").open("a") as file:
        file.write(NETWORKS.replace("BOXES", "INSIDE").replace("SCORES", "FALLING"))
    return folder


def test_cut_boxes_fail_and_are_named(tmp_path: Path, capfd: Capture) -> None:
    """They were an error that advised normalized = true, which would have moved them."""
    found = check(suite(tmp_path, "cut"), capfd)
    assert (found.code, found.verdict("inside")) == (1, "fail")
    assert (
        "9 of 9 boxes of the candidate are without area, while 9 of 9 scores and classes are those "
        "of the reference: pixels cut at 0..1 as if they were relative? TensorFlow's "
        "combined_non_max_suppression does that unless it is told clip_boxes = False"
    ) in found.out
    assert "normalized = true" not in found.out


def test_whole_boxes_hold(tmp_path: Path, capfd: Capture) -> None:
    """The healthy twin."""
    assert check(suite(tmp_path, "whole"), capfd).code == 0


def test_relative_boxes_are_still_told_to_be_relative(tmp_path: Path, capfd: Capture) -> None:
    """They have an area; and the family, which has the same four heads, is left alone."""
    found = check(suite(tmp_path, "relative"), capfd)
    assert found.code == 3
    assert "are they relative, 0..1? say normalized = true" in found.out
    assert "look like" not in found.out


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_the_families_of_four_heads_are_not_advised_for_each_other(first: float) -> None:
    """What differs is how their outputs are called, and that heads no longer tell."""
    heads = {
        "boxes": PIXELS[None] / 10,
        "scores": np.array([[0.9, 0.8, 0.7, 0.6]]),
        "classes": np.array([[first, 1, 2, 1]]),
        "count": np.array([4.0]),
    }
    assert {one.family for one in likely(heads, 3, (10, 10))} >= {"tf-od-api", "tflite-postprocess"}
    assert "look like" not in appearance(heads, 3, (10, 10), "tf-od-api")
    assert "look like" not in appearance(heads, 3, (10, 10), "tflite-postprocess")


def test_tensorflow_cuts_so_and_not_otherwise() -> None:
    """By its own op: what is left of pixels is taken for them, as they are."""
    tf = pytest.importorskip("tensorflow")
    boxes, scores = PIXELS[None, :, None], np.array([[[0.9], [0.8], [0.7], [0.6]]])
    for clip, kept in ((True, np.clip(PIXELS, 0, 1)), (False, PIXELS)):
        found, *_ = tf.image.combined_non_max_suppression(
            tf.constant(boxes, tf.float32),
            tf.constant(scores, tf.float32),
            4,
            4,
            1.0,
            0.1,
            clip_boxes=clip,
        )
        rows = found.numpy()[0].astype(np.float64)
        np.testing.assert_allclose(pixels_of(rows, "xyxy", False, (10, 10)), kept)


def test_most_boxes_decide() -> None:
    """One relative box without area among others does not make pixels of them; cut ones all are."""
    relative = np.vstack([PIXELS / 10, [[0.5, 0.5, 0.5, 0.5]]])
    assert Reach().with_boxes(relative, (10, 10)).relative
    assert not Reach().with_boxes(np.clip(PIXELS, 0, 1), (10, 10)).relative
