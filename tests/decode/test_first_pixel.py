"""Boxes in another unit than their family's are refused in every family; small ones are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.boxes import Placement
from parity.decode import DecodeError, Decoder, decode
from parity.decode.settings import Decode
from parity.errors import HeadsError
from parity.pipeline import decoder as decoder_of
from parity.preprocess import Prepared
from parity.suite import load
from tests.support.suites import runtime, small_suite

SIZE = (240, 320)
RELATIVE = np.array([[0.1, 0.2, 0.3, 0.6], [0.4, 0.4, 0.9, 0.8], [0.5, 0.1, 0.7, 0.3]])
PIXELS = RELATIVE * [320, 240, 320, 240]
CORNER = np.array([[0.2, 0.3, 1.0, 0.8]])  # an object of less than a pixel, in the very corner
Heads = dict[str, np.ndarray]


def _sides(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def _column(boxes: np.ndarray, value: float) -> np.ndarray:
    return np.full((len(boxes), 1), value)


def _boxes_scores(boxes: np.ndarray) -> Heads:
    return {"boxes": boxes[None], "scores": _column(boxes, 0.9)[None]}


def _yolov5(boxes: np.ndarray) -> Heads:
    rows = np.concatenate([_sides(boxes), _column(boxes, 0.9), _column(boxes, 0.9)], axis=1)
    return {"predictions": rows[None]}


def _yolov8(boxes: np.ndarray) -> Heads:
    rows = np.concatenate([_sides(boxes), _column(boxes, 0.9)], axis=1)
    return {"predictions": rows[None]}


def _tf_od_api(boxes: np.ndarray) -> Heads:
    ordered = boxes[:, [1, 0, 3, 2]][None]
    scores, count = np.full((1, len(boxes)), 0.9), np.array([len(boxes)], np.float32)
    return {"boxes": ordered, "scores": scores, "classes": scores * 0 + 1, "count": count}


def _torchvision(boxes: np.ndarray) -> Heads:
    return {
        "boxes": boxes,
        "labels": np.ones(len(boxes), np.int64),
        "scores": np.full(len(boxes), 0.9),
    }


def _end2end(boxes: np.ndarray) -> Heads:
    rows = np.concatenate([boxes, _column(boxes, 0.9), _column(boxes, 0)], axis=1)
    return {"detections": rows[None]}


def _detections(boxes: np.ndarray) -> Heads:
    zeros = np.zeros(len(boxes))
    return {"boxes": boxes, "scores": zeros + 0.9, "classes": zeros}


FORMAT = 'boxes-scores = { box_format = "xyxy", normalized = false }'
FAMILIES: dict[str, tuple[str, Callable[[np.ndarray], Heads], str]] = {
    "boxes-scores": (f'family = "boxes-scores"\n{FORMAT}', _boxes_scores, "say normalized = true"),
    "yolov5": ('family = "yolov5"', _yolov5, "say normalized = true"),
    "yolov8": (
        'family = "yolov8"\nyolov8 = { layout = "anchors-first" }',
        _yolov8,
        "say normalized = true",
    ),
    "tf-od-api": (
        'family = "tf-od-api"\ntf-od-api = { normalized = false }',
        _tf_od_api,
        "say normalized = true",
    ),
    "torchvision": (
        'family = "torchvision"',
        _torchvision,
        "multiply x by its width and y by its height in the model",
    ),
    "yolo-end2end": ('family = "yolo-end2end"', _end2end, "say normalized = true"),
    "detections": (
        'family = "detections"\nscore_floor = 0.3',
        _detections,
        "multiply x by its width and y by its height where they are written",
    ),
    "function": (
        'function = "post:decode"',
        _boxes_scores,
        "multiply x by its width and y by its height in post:decode",
    ),
}
POST = "def decode(heads, size):\n    return heads['boxes'][0], heads['scores'][0]\n"


def decoder(home: Path, how: str) -> Decoder:
    """The decoder of a suite of one class."""
    small_suite(
        home,
        {"native": runtime("fake", "networks:same")},
        classes=["bolt"],
        images={"1.png": b""},
        size=SIZE,
        decode=f"score_threshold = 0.5\n{how}",
        files={"post.py": POST},
    )
    suite = load(home)
    return decoder_of(suite, suite.runtimes["native"])


def prepared(size: tuple[int, int] = SIZE) -> Prepared:
    """An image as large as the network's input."""
    return Prepared(np.zeros((*size, 3)), None, Placement(), size, size)


def refusal(made: Decoder, heads: Heads, image: str = "a", **how: Any) -> str:
    """Why heads are refused; "" where they are taken."""
    try:
        made.side(heads, prepared(**how), 0.1, image)
    except HeadsError as error:
        return str(error).splitlines()[0]
    return ""


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Any, str]:
    """The decoder of a family whose boxes are in pixels, its heads of boxes, and the remedy."""
    how, heads, remedy = FAMILIES[request.param]
    return decoder(tmp_path, how), heads, remedy


def test_relative_boxes_are_refused(family: Any) -> None:
    """On the first image that has some: boxes far apart would agree within a pixel."""
    made, heads, remedy = family
    found = refusal(made, heads(RELATIVE))
    assert found.startswith("native: ")
    assert "pixels of the " in found
    assert remedy in found


def test_pixels_are_read(family: Any) -> None:
    """Three boxes somewhere in the image."""
    made, heads, _ = family
    assert refusal(made, heads(PIXELS)) == ""


def test_a_single_tiny_object_is_no_unit(family: Any) -> None:
    """Below two pixels and near the corner, on whichever image, first or last."""
    made, heads, _ = family
    box = np.array([[0.2, 0.4, 1.7, 1.9]])
    for image in range(5):
        assert refusal(made, heads(box), f"{image}") == ""


def test_what_lies_elsewhere_outweighs_an_object_in_the_corner(family: Any) -> None:
    """Others reach beyond the first pixels, so that these are pixels."""
    made, heads, _ = family
    assert refusal(made, heads(np.concatenate([PIXELS, CORNER]))) == ""
    assert refusal(made, heads(CORNER), "b") == ""


def test_a_tiny_image_says_nothing_of_the_unit(family: Any) -> None:
    """Everything that it shows lies in the first pixel, or in one of a few."""
    made, heads, _ = family
    whole = np.array([[0.0, 0.0, 1.0, 0.9]])
    for image in range(3):
        assert refusal(made, heads(whole), f"{image}", size=(1, 1)) == ""
    small = np.array([[0.5, 1.0, 6.0, 7.0]])
    assert refusal(made, heads(small), "small", size=(8, 8)) == ""


def test_an_image_without_detections_says_nothing(family: Any) -> None:
    """Neither for pixels nor against them: the next one is refused all the same."""
    made, heads, _ = family
    assert refusal(made, heads(np.zeros((0, 4)))) == ""
    assert refusal(made, heads(RELATIVE), "b") != ""


def test_small_images_with_one_object_each_are_refused_together(tmp_path: Path) -> None:
    """On one of them the object may well be there; on all of them it is not."""
    made = decoder(tmp_path, FAMILIES["detections"][0])
    found = [
        refusal(made, _detections(RELATIVE[:1]), f"{image}", size=(16, 16)) for image in (1, 1, 2)
    ]
    assert found[:2] == ["", ""]  # the same image again is no more
    assert found[2].startswith(
        "native: boxes: expected pixels of the original image, 16 x 16, found 2 of 2 boxes within "
        "the first pixel, up to 0.6; are they relative, 0..1? "
    )


def test_relative_boxes_are_found_behind_a_letterbox(tmp_path: Path) -> None:
    """As they were decoded: taken back to the image they would lie outside of it."""
    made = decoder(tmp_path, f'family = "boxes-scores"\nclip = "before-nms"\n{FORMAT}')
    placed = Prepared(np.zeros((*SIZE, 3)), None, Placement(0.5, 0.5, 0, 60), SIZE, (240, 640))
    heads = {"boxes": RELATIVE[None] * 1.2, "scores": np.full((1, 3, 1), 0.9)}
    with pytest.raises(HeadsError, match=r"expected boxes in pixels|within the first pixel"):
        made.side(heads, placed, 0.1)


@pytest.mark.parametrize(
    "how",
    ['family = "tf-od-api"', f'family = "boxes-scores"\n{FORMAT.replace("false", "true")}'],
)
def test_boxes_that_are_divided_twice_are_refused(tmp_path: Path, how: str) -> None:
    """Of families whose boxes are relative as they should be, and others as they are."""
    heads = _tf_od_api if "od-api" in how else _boxes_scores
    twice = refusal(decoder(tmp_path, how), heads(RELATIVE / [320, 240, 320, 240]))
    assert twice.endswith(
        "within the first pixel, up to 0.9; are they divided by its size twice, or in another unit "
        "than the family's?"
    )
    assert refusal(decoder(tmp_path, how), heads(RELATIVE)) == ""


# --- raw heads: offsets against anchors, cells


def _grid(rows: int, columns: int) -> np.ndarray:
    y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
    return np.stack([x.ravel() / columns, y.ravel() / rows], axis=1)


def _near(centres: np.ndarray) -> np.ndarray:
    """Decoded boxes, relative: each near its anchor, as a detector finds them."""
    random = np.random.default_rng(3)
    places = centres + random.normal(0, 0.05, centres.shape)
    return np.concatenate([places, random.uniform(0.05, 0.5, centres.shape)], axis=1)


def _raw(how: dict[str, Any], head: np.ndarray, name: str, priors: Any = None) -> str:
    settings = Decode.model_validate({"score_threshold": 0.5, **how})
    scores = np.full((1, head.shape[1], 1), 0.1)
    heads = {"boxes": head, "scores": scores}
    if name == "predictions":
        heads = {name: np.concatenate([head, scores, scores], axis=2)}
    try:
        decode(heads, settings, 1, (64, 96), priors)
    except DecodeError as error:
        return str(error)
    return ""


SSD_CENTRES = _grid(8, 12)
YOLOX = {"family": "yolox", "yolox": {"strides": (8,)}}
EFFICIENT = {
    "family": "efficientdet",
    "efficientdet": {
        "heads": "joined",
        "min_level": 3,
        "max_level": 3,
        "scales": 1,
        "ratios": [1.0],
    },
}
RAW = {
    "ssd": ({"family": "ssd", "ssd": {"priors": "priors.npy"}}, "boxes", "boxes-scores"),
    "efficientdet": (EFFICIENT, "boxes", "boxes-scores"),
    "yolox": (YOLOX, "predictions", "yolov5"),
}


@pytest.mark.parametrize("family", RAW)
@pytest.mark.parametrize("written", ["cxcywh", "xyxy", "yxyx", "pixels"])
def test_decoded_boxes_are_no_offsets(family: str, written: str) -> None:
    """They follow their anchors: read as offsets, they would hardly move the anchors' boxes."""
    how, name, other = RAW[family]
    boxes = _near(SSD_CENTRES)
    if written in ("xyxy", "yxyx"):
        boxes = np.concatenate(
            [boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1
        )
    if written == "yxyx":
        boxes = boxes[:, [1, 0, 3, 2]]
    if written == "pixels":
        boxes = boxes * [96, 64, 96, 64]
    priors = np.concatenate([SSD_CENTRES, np.full((96, 2), 0.2)], axis=1)
    found = _raw(how, boxes[None], name, priors)
    if family != "yolox" or written != "pixels":  # whose size tells already
        assert "found boxes that lie where their anchors do (a correlation of 0." in found
    assert found.endswith(f"decoded already? say family = '{other}'")


@pytest.mark.parametrize("family", RAW)
@pytest.mark.parametrize("seed", range(5))
def test_offsets_are_read(family: str, seed: int) -> None:
    """Around 0, or all towards one object: then they run against their anchors."""
    how, name, _ = RAW[family]
    random = np.random.default_rng(seed)
    priors = np.concatenate([SSD_CENTRES, np.full((96, 2), 0.2)], axis=1)
    noise = random.normal(0, 1, (1, 96, 4))
    assert _raw(how, noise, name, priors) == ""
    towards = np.concatenate([random.uniform(0, 1, 2) - SSD_CENTRES, np.zeros((96, 2))], axis=1)
    assert _raw(how, towards[None] * 3 + noise * 0.1, name, priors) == ""


def test_sizes_below_a_pixel_are_refused_and_small_ones_are_not(tmp_path: Path) -> None:
    """CenterNet's centres lie on its grid whatever the unit of its sizes."""
    made = decoder(tmp_path, 'family = "centernet"\ncenternet = { layout = "NCHW" }')
    random = np.random.default_rng(0)
    heat = np.full((1, 1, 60, 80), 0.01)
    for y, x in random.permutation(15)[:8, None] * [4, 5] + 1:
        heat[0, 0, y, x] = 0.9
    offset = np.full((1, 2, 60, 80), 0.5) + random.normal(0, 0.1, (1, 2, 60, 80))
    relative = random.uniform(0.02, 0.24, (1, 2, 60, 80))
    cells = random.uniform(0.6, 3, (1, 2, 60, 80))  # objects of 2.4 to 12 pixels
    found = refusal(made, {"heatmap": heat, "size": relative, "offset": offset})
    assert "found 8 of 8 boxes below a pixel of the network's input" in found
    made = decoder(tmp_path, 'family = "centernet"\ncenternet = { layout = "NCHW" }')
    assert refusal(made, {"heatmap": heat, "size": cells, "offset": offset}) == ""
