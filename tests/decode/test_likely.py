"""Which family heads look like: the right one first, with reasons that were seen."""

from __future__ import annotations

import numpy as np
import pytest
from hand_heads import (
    CLASSES,
    HEADS,
    SIZE,
    efficientdet_with_nms,
    scores,
    ssd,
    torchvision,
    yolo_end2end,
    yolov7_with_nms,
    yolov8,
    yolov8_transposed,
)

from parity.decode.recognise.likely import appearance, leading, likely

MADE = [(family, maker) for family, makers in HEADS.items() for maker in makers]


@pytest.mark.parametrize(("family", "maker"), MADE, ids=[maker.__name__ for _, maker in MADE])
def test_heads_made_as_their_source_says_are_recognised(family, maker) -> None:
    """First, with enough weight, and clearly before the next."""
    heads = maker()
    classes = 1 if maker.__name__ == "boxes_scores_pixels" else CLASSES
    first = leading(likely(heads, classes, SIZE))
    assert first is not None
    assert first.family == family
    assert first.reasons
    assert set(first.outputs.values()) <= set(heads)


@pytest.mark.parametrize(("family", "maker"), MADE, ids=[maker.__name__ for _, maker in MADE])
def test_the_number_of_classes_need_not_be_known(family, maker) -> None:
    """First, though not always clearly so: see below."""
    assert likely(maker(), None, SIZE)[0].family == family


def test_what_cannot_be_told_apart_without_classes_is_not_claimed() -> None:
    """(1, A, 11) may be 7 classes of YOLOv8, transposed, or 6 and an objectness."""
    ranking = likely(yolov8_transposed(), None, SIZE)
    assert {one.family for one in ranking[:2]} == {"yolov8", "yolov5"}
    assert leading(ranking) is None


def test_reasons_tell_shapes_ranges_and_sums_of_cells() -> None:
    """In words that can be checked."""
    assert likely(yolov8(), CLASSES, SIZE)[0].reasons == (
        "one head (1, 11, 2100) as (1, 4 + C, A)",
        "the anchors come last",
        "all but 4 of its channels are within 0..1",
        "4 of its channels are 0 or more where sizes stand, up to 327.1: pixels of the input",
        "it has room for the 7 classes of the suite",
        "2100 = 40x40 + 20x20 + 10x10, the cells of strides 8, 16, 32",
    )


def test_without_a_size_no_sum_of_cells_is_claimed() -> None:
    """The number of anchors alone says nothing."""
    (first, *_) = likely(yolov8(), None, None)
    assert first.family == "yolov8"
    assert not any("strides" in reason for reason in first.reasons)


def test_the_number_of_classes_tells_yolov5_from_yolov8_transposed() -> None:
    """(1, A, 12) is 7 classes and objectness, or 8 classes."""
    head = np.concatenate([yolov8()["output0"], scores(2100, 1).T[None]], axis=1)
    heads = {"output0": head.transpose(0, 2, 1)[:, :1999]}  # no sum of cells
    assert likely(heads, 7, SIZE)[0].family == "yolov5"
    assert likely(heads, 8, SIZE)[0].family == "yolov8"


def test_the_background_is_the_column_that_is_nearly_always_largest() -> None:
    """First or last, of a softmax; none where columns are as many as classes."""
    heads = ssd()
    assert likely(heads, None, SIZE)[0].table["background"] == 0
    heads["scores"] = np.roll(heads["scores"], -1, axis=2)
    assert likely(heads, None, SIZE)[0].table["background"] == CLASSES
    assert "background" not in likely(heads, CLASSES + 1, SIZE)[0].table


@pytest.mark.parametrize(
    "heads",
    [
        {},
        {"features": np.zeros((1, 64), np.float32)},
        {"a": np.zeros((2, 10, 4)), "b": np.zeros((2, 10, 5))},
        {"a": np.array(["text"])},
        {"a": np.zeros((1, 0, 4)), "b": np.zeros((1, 0, 5))},
        {"a": np.zeros((1, 0, 85))},
    ],
    ids=["nothing", "a vector", "a batch of two", "text", "no boxes", "no rows"],
)
def test_heads_of_no_detector_are_of_no_family(heads: dict[str, np.ndarray]) -> None:
    """Nothing is claimed of them."""
    assert leading(likely(heads, 3, SIZE)) is None


@pytest.mark.parametrize(("family", "maker"), MADE, ids=[maker.__name__ for _, maker in MADE])
def test_heads_of_zeros_or_nan_never_raise(family: str, maker) -> None:
    """A ranking is a courtesy of an error message: it must not hide the error."""
    for value in (0, np.nan):
        spoiled = {
            name: np.full(head.shape, value).astype(head.dtype) if head.dtype.kind == "f" else head
            for name, head in maker().items()
        }
        likely(spoiled, CLASSES, SIZE)


def test_a_message_ends_with_the_heads_and_the_likely_family() -> None:
    """Exactly so."""
    assert appearance(ssd(), CLASSES, SIZE, "boxes-scores") == (
        "on this image they are\n"
        "  'scores' (1, 4420, 8) float32 3.643e-06..0.9999, sums to one along the last axis\n"
        "  'boxes' (1, 4420, 4) float32 -4.703..4.497\n"
        "the heads look like ssd: 'boxes' (1, 4420, 4) beside 'scores' (1, 4420, 8); 'boxes' holds "
        "negative sizes: offsets against priors, not boxes; 'scores' is within 0..1; its rows sum "
        "to one, as a softmax's do; 8 columns for the 7 classes of the suite and a background; "
        'say family = "ssd"'
    )


def test_the_declared_family_is_not_suggested() -> None:
    """What is wrong then is something else, and the heads are described all the same."""
    lines = appearance(ssd(), CLASSES, SIZE, "ssd").splitlines()
    assert len(lines) == 3


def table(heads: dict[str, np.ndarray], size: tuple[int, int] = SIZE) -> dict[str, object]:
    """What the likeliest family's table would say."""
    return dict(likely(heads, None, size)[0].table)


def test_the_columns_of_seven_are_told_by_what_they_hold() -> None:
    """Classes before scores as of YOLOv7, behind them as of EfficientDet, which counts from 1."""
    assert table(yolov7_with_nms()) == {
        "columns": ["image", "x1", "y1", "x2", "y2", "class", "score"],
        "normalized": False,
        "first_class": 0,
    }
    assert table(efficientdet_with_nms()) == {
        "columns": ["image", "y1", "x1", "y2", "x2", "score", "class"],
        "normalized": False,
        "first_class": 1,
    }


def test_a_column_that_reaches_beyond_the_height_is_an_x() -> None:
    """Some versions of EfficientDet write x before y; in a wide input that shows."""
    heads = efficientdet_with_nms()
    heads["detections"] = heads["detections"][:, :, [0, 2, 1, 4, 3, 5, 6]]
    heads["detections"][:, :, [1, 3]] *= 2
    found = table(heads, (320, 640))["columns"]
    assert found == ["image", "x1", "y1", "x2", "y2", "score", "class"]


@pytest.mark.parametrize("padding", [0.0, -1.0])
@pytest.mark.parametrize("width", [6, 7])
def test_rows_of_padding_speak_for_nothing(width: int, padding: float) -> None:
    """Nothing was found on the picture: no class, no unit, and no certainty."""
    heads = {"output0": np.full((1, 300, width), padding, np.float32)}
    ranking = likely(heads, None, SIZE)
    assert leading(ranking) is None
    (first,) = (one for one in ranking if one.family == "yolo-end2end")
    assert first.reasons[1:] == ("300 rows",)
    assert set(first.table) <= {"columns"}


def test_padding_of_minus_one_takes_nothing_from_the_rows_before_it() -> None:
    """Their classes are whole and from 0 on."""
    heads = yolo_end2end()
    rows = heads["output0"]
    rows[0, rows[0, :, 4] == 0] = -1
    assert leading(likely(heads, None, SIZE)).family == "yolo-end2end"  # type: ignore[union-attr]
    assert table(heads) == {"normalized": False, "first_class": 0}


def test_class_0_of_padding_is_not_seen() -> None:
    """Those that were found begin at 3: where classes start stays open."""
    heads = yolo_end2end()
    rows = heads["output0"][0]
    rows[rows[:, 4] > 0, 5] += 3
    assert table(heads) == {"normalized": False}


def test_a_label_of_0_with_a_score_is_the_first_class() -> None:
    """torchvision counts from 1, this one does not."""
    heads = torchvision()
    assert "first_class" not in table(heads)
    heads["labels"] = heads["labels"] - heads["labels"].min()
    assert table(heads)["first_class"] == 0
