"""Heads that are detections: what is read, and what a misreading is told."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from parity.boxes import Placement
from parity.decode import BindingError, DecodeError, Proposals, bind, decode, roles, to_side
from parity.decode.settings import Decode

SIZE = (100, 200)
BOX = [0.1, 0.2, 0.5, 0.6]
FAMILIES = ("tf-od-api", "tflite-postprocess", "torchvision", "yolo-end2end")


def settings(family: str, **own: Any) -> Decode:
    tables = {family: own} if own else {}
    return Decode.model_validate({"family": family, "score_threshold": 0.5, **tables})


def heads(family: str, rows: list[Any], count: float | None = None) -> dict[str, np.ndarray]:
    """Rows of (box, score, id) as the family writes them, with two rows of padding."""
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    scores = np.array([row[1] for row in rows], np.float32)
    ids = np.array([row[2] for row in rows], np.float32)
    if family == "torchvision":
        return {"boxes": boxes, "labels": ids.astype(np.int64), "scores": scores}
    if family == "yolo-end2end":
        table = np.concatenate([boxes, scores[:, None], ids[:, None]], 1)
        return {"detections": np.concatenate([table, np.zeros((2, 6), np.float32)])[None]}
    padded = {"boxes": boxes, "scores": scores, "classes": ids}
    return {
        name: np.concatenate([one, np.zeros((2, *one.shape[1:]), np.float32)])[None]
        for name, one in padded.items()
    } | {"count": np.array([len(rows) if count is None else count], np.float32)}


def run(family: str, rows: list[Any], classes: int = 3, **how: Any) -> Proposals:
    count = how.pop("count", None)
    found = decode(heads(family, rows, count), settings(family, **how), classes, SIZE)
    assert isinstance(found, Proposals)
    return found


def message(family: str, rows: list[Any], **how: Any) -> str:
    with pytest.raises(DecodeError) as caught:
        run(family, rows, **how)
    return str(caught.value)


@pytest.mark.parametrize(
    ("family", "box", "first"),
    [
        ("tf-od-api", [0.1, 0.2, 0.5, 0.6], 1),
        ("tflite-postprocess", [0.1, 0.2, 0.5, 0.6], 0),
        ("torchvision", [40, 10, 120, 50], 1),
        ("yolo-end2end", [40, 10, 120, 50], 0),
    ],
)
def test_boxes_scores_and_classes_are_read_as_the_source_writes_them(
    family: str, box: list[float], first: int
) -> None:
    """yxyx relative, or xyxy in pixels; ids from 0 or 1 on; padding left out."""
    found = run(family, [(box, 0.75, first), (box, 0.5, first + 2)])
    assert_allclose(found.boxes, [[40, 10, 120, 50]] * 2, rtol=1e-6)
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.75, 0.5], [0, 2])
    assert found.classes.dtype == np.int64


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_found_is_no_proposal(family: str) -> None:
    """An empty set, or padding alone."""
    assert len(run(family, []).scores) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_detections_are_read_quickly(family: str) -> None:
    """And none of them is cut off, as the suite sets no limit."""
    unit = family.startswith("tf")
    first = {"tf-od-api": 1, "torchvision": 1}.get(family, 0)
    box = BOX if unit else [40, 10, 120, 50]
    given = heads(family, [(box, 0.75, first)] * 10_000)
    how = settings(family)
    started = time.perf_counter()
    side = to_side(decode(given, how, 1, SIZE), how, 0.4, Placement())
    assert time.perf_counter() - started < 0.5
    assert len(side.seen) == 10_000


def test_the_suite_can_limit_the_detections() -> None:
    """What it says holds."""
    how = Decode(family="torchvision", score_threshold=0.5, max_detections=2)
    given = heads("torchvision", [([40, 10, 120, 50], 0.5 + 0.1 * row, 1) for row in range(4)])
    side = to_side(decode(given, how, 1, SIZE), how, 0.4, Placement())
    assert_allclose(side.seen.scores, [0.8, 0.7], rtol=1e-6)
    assert side.suppression.label == "none, at most 2"
    assert side.proposals is None


def test_tflites_fast_nms_has_several_rows_for_each_that_it_counts() -> None:
    """The op's option max_classes_per_detection."""
    rows = [(BOX, 0.75, 0), (BOX, 0.5, 1)]
    found = run("tflite-postprocess", rows, count=1, classes_per_detection=2)
    assert found.scores.tolist() == [0.75, 0.5]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32, np.float16])
def test_ids_may_be_of_any_type(dtype: type) -> None:
    """Whole numbers are what counts."""
    given = heads("tf-od-api", [(BOX, 0.75, 2)])
    given["classes"], given["count"] = given["classes"].astype(dtype), given["count"].astype(dtype)
    found = decode(given, settings("tf-od-api"), 3, SIZE)
    assert isinstance(found, Proposals)
    assert found.classes.tolist() == [1]


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        ([0, 2], "found 0, 2; say first_class = 0"),
        ([1, 4], "found 1, 4; does the suite list every class?"),
        ([-1, 1], "found -1, 1; does the suite list every class?"),
        ([1, 0.7], "found 0.7, 1; ids are whole numbers: is the head of scores bound to classes?"),
    ],
)
def test_ids_outside_of_the_list_are_named(ids: list[float], line: str) -> None:
    """Those that were found, and what it may be."""
    assert message("tf-od-api", [(BOX, 0.75, one) for one in ids]) == (
        f"classes: expected ids 1..3, as first_class = 1 and there are 3 classes, {line}"
    )


@pytest.mark.parametrize("family", ["tf-od-api", "tflite-postprocess"])
@pytest.mark.parametrize(("count", "found"), [(4, "4"), (0.5, "0.5"), (-1, "-1"), (np.nan, "nan")])
def test_a_count_that_cannot_be_is_refused(family: str, count: float, found: str) -> None:
    """More than the rows, a fraction, less than none."""
    assert message(family, [(BOX, 0.75, 1)], count=count) == (
        f"count: expected a whole number of 0..3, as there are 3 rows, found {found}; "
        f"is another head bound to count?"
    )


@pytest.mark.parametrize(
    ("family", "box", "line"),
    [
        ("tflite-postprocess", [10, 40, 50, 120], "with normalized = false and first_class"),
        ("tf-od-api", [10, 40, 50, 120], "up to 120: are they in pixels? say normalized = false"),
    ],
)
def test_pixels_are_not_taken_for_relative(family: str, box: list[float], line: str) -> None:
    """They would lie far outside; the reverse is told of all families alike."""
    assert message(family, [(box, 0.75, 1)]).endswith(line)


def test_boxes_beyond_the_image_are_not_clipped() -> None:
    """Nor taken for pixels."""
    found = run("tflite-postprocess", [([-0.3, -0.2, 1.4, 1.5], 0.75, 1)])
    assert_allclose(found.boxes, [[-40, -30, 300, 140]], rtol=1e-5)


@pytest.mark.parametrize(
    ("family", "line"),
    [
        ("tf-od-api", "found 3..3; are the heads of scores and classes the other way round?"),
        ("torchvision", "found 3..3; are the heads of scores and labels the other way round?"),
        ("yolo-end2end", "found 3..3; are the rows x1, y1, x2, y2, score, class?"),
    ],
)
def test_scores_outside_of_0_to_1_are_refused(family: str, line: str) -> None:
    """With what they probably are."""
    box = BOX if family.startswith("tf") else [40, 10, 120, 50]
    assert message(family, [(box, 3.0, 1)]) == f"scores: expected values within 0..1, {line}"


def test_score_and_class_the_other_way_round_in_a_row_are_told() -> None:
    """Whole numbers there, fractions here."""
    rows = [([40, 10, 120, 50], 1, 0.75), ([40, 10, 120, 50], 0, 0.5)]
    assert message("yolo-end2end", rows) == (
        "detections: expected rows of x1, y1, x2, y2, score, class, found whole numbers in the "
        "column of the score and fractions in that of the class: they are the other way round"
    )


@pytest.mark.parametrize(
    ("family", "box", "line"),
    [
        ("tf-od-api", [0.5, 0.2, 0.1, 0.6], "are they x1, y1, x2, y2? Then this is another family"),
        ("torchvision", [120, 10, 40, 50], "are they y1, x1, y2, x2? Then this is another family"),
        (
            "yolo-end2end",
            [120, 60, 40, 20],
            "Else say columns = [...], as for rows of x, y, width, height",
        ),
    ],
)
def test_crossed_corners_name_the_family(family: str, box: list[float], line: str) -> None:
    """A box that counts, with x1 > x2 or y1 > y2."""
    how = settings(family)
    found = decode(heads(family, [(box, 0.75, 1)]), how, 3, SIZE)
    with pytest.raises(DecodeError) as caught:
        to_side(found, how, 0.4, Placement())
    assert str(caught.value).endswith(line)


def test_heads_of_unequal_length_are_refused() -> None:
    """One row of scores is missing."""
    given = heads("torchvision", [([40, 10, 120, 50], 0.75, 1)] * 2)
    given["scores"] = given["scores"][:1]
    with pytest.raises(DecodeError) as caught:
        decode(given, settings("torchvision"), 3, SIZE)
    assert str(caught.value) == (
        "expected as many boxes as labels as scores, found 2 boxes, 2 labels, 1 scores"
    )


# --------------------------------------------------------------------------------------- binding


def test_a_dictionary_is_bound_by_its_names_and_the_rest_is_left() -> None:
    """raw_detection_boxes has the shape of no head, other outputs have."""
    outputs = [
        ("raw_detection_boxes", (1, 96, 4)),
        ("detection_anchor_indices", (1, 20)),
        ("detection_scores", (1, 20)),
        ("detection_classes", (1, 20)),
        ("num_detections", (1,)),
        ("detection_boxes", (1, 20, 4)),
    ]
    assert bind(outputs, {}, roles(settings("tf-od-api"), 3)) == {
        "boxes": "detection_boxes",
        "scores": "detection_scores",
        "classes": "detection_classes",
        "count": "num_detections",
    }


def test_the_ops_outputs_are_told_apart_by_what_makes_them() -> None:
    """Names say nothing, shapes leave two possibilities, the file knows."""
    op = "TFLite_Detection_PostProcess"
    outputs = [("a", (1,)), ("b", (1, 20)), ("c", (1, 20)), ("d", (1, 20, 4))]
    sources = {"a": f"{op}:3", "b": f"{op}:2", "c": f"{op}:1", "d": f"{op}:0"}
    found = bind(outputs, {}, roles(settings("tflite-postprocess"), 3), sources)
    assert found == {"boxes": "d", "classes": "c", "scores": "b", "count": "a"}


def test_a_name_that_does_not_fit_in_shape_binds_nothing() -> None:
    """Then the rest must be unambiguous, and is not."""
    from parity.decode import BindingError

    outputs = [("boxes", (5,)), ("labels", (5,)), ("scores", (5, 4))]
    with pytest.raises(BindingError) as caught:
        bind(outputs, {}, roles(settings("torchvision"), 3))
    assert str(caught.value).startswith("no output fits the shapes of the heads")


@pytest.mark.parametrize("family", FAMILIES)
def test_nms_is_inside_unless_said_otherwise(family: str) -> None:
    """And nothing limits how much is found."""
    how = settings(family)
    assert (how.nms, how.max_detections, how.nms_label) == ("none", None, "inside the model")


PADDING = {
    "zeros": [0.0] * 6,
    "minus": [-1.0] * 6,
    "idle": [0.1, 0.1, 0.2, 0.2, 0.0, -1.0],
    "beyond": [0.0, 0.0, 0.0, 0.0, 0.0, 9.0],
}


def pixels(family: str) -> list[float]:
    """A box as the family writes it."""
    return BOX if family.startswith("tf") else [40, 10, 120, 50]


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("family", FAMILIES)
def test_padding_that_is_counted_is_no_detection(family: str, padding: str) -> None:
    """Exporters count all of a fixed number of rows, with a score of 0 or -1 in all of a row."""
    row = PADDING[padding]
    found = run(family, [(pixels(family), 0.75, 1), (row[:4], row[4], row[5])] * 2)
    assert (found.scores.tolist(), len(found.boxes)) == ([0.75, 0.75], 2)


@pytest.mark.parametrize("padding", ["zeros", "minus"])
def test_a_program_may_write_rows_of_padding(padding: str) -> None:
    """Boxes of a fixed number, of which the last are all 0 or all -1."""
    how = Decode(
        family="detections", score_threshold=0.5, score_floor=0.3, detections={"first_class": 1}
    )
    row = np.array(PADDING[padding], np.float32)
    given = {
        "boxes": np.stack([np.array([4, 1, 12, 5], np.float32), row[:4]]),
        "scores": np.array([0.75, row[4]], np.float32),
        "classes": np.array([1, row[5]], np.float32),
    }
    found = decode(given, how, 3, SIZE)
    assert isinstance(found, Proposals)
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.75], [0])


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_does_not_hide_a_class_that_cannot_be(family: str) -> None:
    """A row with a score above 0 is a detection, whatever stands around it."""
    rows = [(pixels(family), 0.75, -1), ([-1.0] * 4, -1.0, -1.0), ([0.0] * 4, 0.0, 0.0)]
    first = 1 if family in ("tf-od-api", "torchvision") else 0
    assert message(family, rows) == (
        f"classes: expected ids {first}..{first + 2}, as first_class = {first} and there are 3 "
        f"classes, found -1; does the suite list every class?"
    )


def test_padding_does_not_say_where_classes_start() -> None:
    """Ids 0 of rows without a score would suggest first_class = 0; the one that counts is 4."""
    rows = [(BOX, 0.75, 4), ([0.0] * 4, 0.0, 0.0)]
    assert message("tf-od-api", rows).endswith("found 4; does the suite list every class?")


@pytest.mark.parametrize("column", [0, 1, 2])
def test_nan_is_never_padding(column: int) -> None:
    """Not in a box, a score or a class, of whatever score."""
    given = heads("tf-od-api", [(BOX, 0.0, 1)])
    name = ("boxes", "scores", "classes")[column]
    given[name][0, 0] = np.nan
    how = settings("tf-od-api")
    with pytest.raises(DecodeError):
        to_side(decode(given, how, 3, SIZE), how, -0.1, Placement())


def test_a_score_below_0_is_no_padding() -> None:
    """Logits read as scores stay an error."""
    assert message("torchvision", [([40, 10, 120, 50], -0.5, 1)]).startswith(
        "scores: expected values within 0..1, found -0.5..-0.5; "
    )


def test_ids_and_scores_the_other_way_round_are_no_padding() -> None:
    """Of a detector with one class all ids are 0, and read as scores they find nothing."""
    assert message("tf-od-api", [(BOX, 0.0, 0.75), (BOX, 0.0, 0.5)]) == (
        "classes: expected whole numbers, found 0.5, 0.75, and no scores above 0: are they the "
        "other way round?"
    )


YOLOV7 = ("image", "x1", "y1", "x2", "y2", "class", "score")
AUTOML = ("image", "y1", "x1", "y2", "x2", "score", "class")
CORNERS = {"image": 0, "x1": 40, "y1": 10, "x2": 120, "y2": 50, "w": 80, "h": 40}


@pytest.mark.parametrize(
    ("columns", "first", "batched"),
    [
        (YOLOV7, 0, False),
        (AUTOML, 1, True),
        (("image", "x1", "y1", "w", "h", "score", "class"), 1, True),
        (("class", "score", "x1", "y1", "x2", "y2"), 0, True),
    ],
)
def test_rows_are_read_by_the_names_of_their_columns(
    columns: tuple[str, ...], first: int, batched: bool
) -> None:
    """YOLOv7 with its NMS, EfficientDet of google/automl, and others; padding left out."""
    how = settings("yolo-end2end", columns=columns, first_class=first)
    row = CORNERS | {"score": 0.75, "class": first + 2}
    table = np.array([[row[one] for one in columns], [0.0] * len(columns)], np.float32)
    found = decode({"detections": table[None] if batched else table}, how, 3, SIZE)
    assert isinstance(found, Proposals)
    assert found.boxes.tolist() == [[40, 10, 120, 50]]
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.75], [2])


def test_as_many_rows_as_were_found_may_be_none() -> None:
    """(0, 7), as YOLOv7 gives where it finds nothing."""
    how = settings("yolo-end2end", columns=YOLOV7)
    assert len(decode({"detections": np.zeros((0, 7), np.float32)}, how, 3, SIZE).scores) == 0


def test_a_column_of_images_holds_one_number() -> None:
    """Another column read as the index, or the rows of a batch."""
    how = settings("yolo-end2end", columns=YOLOV7)
    table = np.array([[0, 40, 10, 120, 50, 1, 0.75], [2, 40, 10, 120, 50, 1, 0.5]], np.float32)
    with pytest.raises(DecodeError) as caught:
        decode({"detections": table}, how, 3, SIZE)
    assert str(caught.value) == (
        "detections: expected one number in the column image, as there is one image, found 0, 2; "
        "is it another column?"
    )


def test_score_and_class_of_other_columns_the_other_way_round_are_told() -> None:
    """With the columns as the suite names them."""
    how = settings("yolo-end2end", columns=AUTOML)
    table = np.array([[0, 10, 40, 50, 120, 1, 0.75]], np.float32)
    with pytest.raises(DecodeError) as caught:
        decode({"detections": table[None]}, how, 3, SIZE)
    assert str(caught.value) == (
        "detections: expected rows of image, y1, x1, y2, x2, score, class, found whole numbers in "
        "the column of the score and fractions in that of the class: they are the other way round"
    )


def test_rows_of_seven_say_which_columns_they_may_have() -> None:
    """Bound by nobody, and told what to declare."""
    with pytest.raises(BindingError) as caught:
        bind([("output", (5, 7))], {}, roles(settings("yolo-end2end"), 3, None))
    assert (
        'rows of 7, with the image in front? say columns = ["image", "x1", "y1", "x2", "y2", '
        '"class", "score"], or in what order; or is what stands behind none of these, as an angle? '
        "say further = 1" in str(caught.value).splitlines()
    )
    with pytest.raises(BindingError) as caught:
        bind([("output", (300, 57))], {}, roles(settings("yolo-end2end"), 3, None))
    assert (
        "is what stands behind none of these, as an angle? say further = 51"
        in str(caught.value).splitlines()
    )


@pytest.mark.parametrize(
    "columns",
    [
        ("x1", "y1", "x2", "y2", "score"),
        ("x1", "y1", "x2", "h", "score", "class"),
        (*YOLOV7, "score"),
    ],
)
def test_columns_that_are_no_detection_are_refused(columns: tuple[str, ...]) -> None:
    """Each once, and a box in one of two ways."""
    with pytest.raises(ValidationError) as caught:
        settings("yolo-end2end", columns=columns)
    (problem,) = caught.value.errors()
    assert problem["msg"] == (
        "Value error, columns: expected x1, y1, x2, y2 (or w, h for these two), score, class and, "
        f"if need be, image, each once, found {', '.join(columns)}"
    )
