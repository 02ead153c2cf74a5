"""What is said where heads do not fit what the suite declares: how they look, and what fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_heads import CLASSES, HEADS, boxes_scores, scores, ssd, yolov8

from parity.boxes import Placement
from parity.decode import Decoder
from parity.errors import HeadsError
from parity.pipeline import decoder as decoder_of
from parity.preprocess import Prepared
from parity.suite import load
from tests.support.suites import runtime, small_suite, toml

DECODE = """
family = "boxes-scores"
score_threshold = 0.5
[decode.boxes-scores]
box_format = "xyxy"
normalized = true
"""


@pytest.fixture
def decoder(tmp_path: Path):
    """A decoder of boxes and scores for so many classes."""

    def made(classes: int = CLASSES, more: str = "", table: str = "") -> Decoder:
        small_suite(
            tmp_path,
            {"native": toml(runtime("fake", "networks:same")) + table},
            classes=[f"c{index}" for index in range(classes)],
            images={"1.png": b""},
            size=(320, 320),
            decode=DECODE + more,
        )
        suite = load(tmp_path)
        return decoder_of(suite, suite.runtimes["native"])

    return made


def message(decoder: Decoder, heads: dict[str, np.ndarray]) -> str:
    """What ``bind`` says of heads that do not fit."""
    with pytest.raises(HeadsError) as caught:
        decoder.bind(heads)
    return str(caught.value)


def test_another_family_is_named_with_its_reasons(decoder) -> None:
    """The whole message: expected, found, how it looks, what to say."""
    assert message(decoder(), yolov8()) == (
        "native: expected 2 outputs (boxes, scores), found 1\n"
        "the outputs are\n"
        "  0: 'output0' (1, 11, 2100)\n"
        "the heads are\n"
        "  boxes: (1, A, 4)\n"
        "  scores: (1, A, 7), one column for each of 7 classes\n"
        'say which is which, by name or index: outputs = { boxes = "...", scores = "..." }\n'
        "on this image they are\n"
        "  'output0' (1, 11, 2100) float32 -1.83..327.1\n"
        "the heads look like yolov8: one head (1, 11, 2100) as (1, 4 + C, A); the anchors come "
        "last; all but 4 of its channels are within 0..1; 4 of its channels are 0 or more where "
        "sizes stand, up to 327.1: pixels of the input; it has room for the 7 classes of the "
        "suite; 2100 = 40x40 + 20x20 + 10x10, the cells of strides 8, 16, 32; "
        'say family = "yolov8"'
    )


SAME_SHAPES = ("boxes-scores", "rt-detr")  # these bind, and what does not decode tells itself


@pytest.mark.parametrize("family", [name for name in HEADS if name not in SAME_SHAPES])
def test_heads_of_every_other_family_are_told_by_its_name(decoder, family: str) -> None:
    """Under a suite that declares boxes and scores."""
    assert message(decoder(), HEADS[family][0]()).endswith(f'; say family = "{family}"')


def test_a_number_of_classes_that_does_not_fit_is_told(decoder) -> None:
    """Not as outputs that are to be bound: no binding would help."""
    heads = {"boxes": boxes_scores()["boxes"], "scores": scores(2100, 4)[None]}
    assert message(decoder(3), heads) == (
        "native: the number of classes does not fit: as boxes-scores the outputs have room for 4, "
        "the suite lists 3 classes\n"
        "the outputs are\n"
        "  0: 'boxes' (1, 2100, 4)\n"
        "  1: 'scores' (1, 2100, 4)\n"
        "the heads are\n"
        "  boxes: (1, A, 4)\n"
        "  scores: (1, A, 3), one column for each of 3 classes\n"
        "correct classes in [detector], or the family\n"
        "on this image they are\n"
        "  'boxes' (1, 2100, 4) float32 -0.1544..1.242\n"
        "  'scores' (1, 2100, 4) float32 4.145e-15..0.6631"
    )


@pytest.mark.parametrize(
    ("classes", "more", "columns", "problem"),
    [
        (1, "", 9, "room for 9, the suite lists 1 class\n"),
        (9, "", 5, "room for 5, the suite lists 9 classes\n"),
        (9, "background = 0", 6, "room for 5, the suite lists 9 classes\n"),
    ],
)
def test_room_is_counted_without_the_background(
    decoder, classes: int, more: str, columns: int, problem: str
) -> None:
    """One column of it is none of the classes."""
    heads = {"a": scores(2100, columns)[None], "b": boxes_scores()["boxes"]}
    found = message(decoder(classes, more), heads)
    assert found.startswith("native: the number of classes does not fit: ")
    assert f"outputs have {problem}" in found
    assert "outputs = {" not in found


def test_a_probable_background_is_told_as_before(decoder) -> None:
    """Off by one: the number of classes or the background, the user knows which."""
    heads = {"a": scores(2100, 8)[None], "b": boxes_scores()["boxes"]}
    lines = message(decoder(7), heads).splitlines()
    assert lines[0].endswith("have room for 8, the suite lists 7 classes")
    assert "found 8 columns for 7 classes: is column 0 a background? say background = 0" in lines


def test_heads_that_differ_in_more_than_classes_are_no_matter_of_classes(decoder) -> None:
    """A batch of two fits under no number of classes."""
    heads = {"a": np.zeros((2, 10, 4)), "b": np.zeros((2, 10, 5))}
    assert message(decoder(5), heads).startswith("native: no output fits the shapes of the heads\n")


def test_heads_that_bind_and_do_not_decode_are_described_too(decoder) -> None:
    """By role; offsets are no boxes, and say so."""
    made = decoder(CLASSES, "background = 0")
    heads = ssd()
    prepared = Prepared(np.zeros((320, 320, 3)), None, Placement(), (320, 320), (320, 320))
    with pytest.raises(HeadsError) as caught:
        made.side(heads, prepared, 0.5)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("native: boxes: expected x1 <= x2 and y1 <= y2, found ")
    assert rest[0] == "on this image they are"
    assert rest[-1].startswith("the heads look like ssd: ")
    assert rest[-1].endswith('; say family = "ssd"')
