"""The network is right and its heads are not: order, unit, activation, numbers, shape."""

from collections.abc import Iterator

import numpy as np
import pytest
from planting import POINTS, Fault, Graph, Planted, assert_told_apart, codes


def _one(value: float, columns: int) -> np.ndarray:
    """Zeros and one number, in the row of a point in a corner where nothing is found."""
    found = np.zeros((1, POINTS, columns), np.float32)
    found[0, 0, 0] = value
    return found


def _cut(graph: Graph) -> None:
    """One point fewer, in both heads."""
    for head in ("boxes", "scores"):
        graph.after(head, "Slice", [0], [POINTS - 1], [1])


FREE = {
    "x_and_y_swapped": Fault(
        lambda graph: graph.after("boxes", "Gather", [1, 0, 3, 2], axis=2),
        says=("the raw head scores agrees, boxes does not",),
        agrees=("with x and y of the head boxes swapped",),
    ),
    "classes_off_by_one": Fault(
        lambda graph: graph.after("scores", "Gather", [4, 0, 1, 2, 3], axis=2),
        says=(
            "with another class; the surest scores",
            "the raw head boxes agrees, scores does not",
        ),
        agrees=("with its classes one lower",),
    ),
    "sigmoid_twice": Fault(
        lambda graph: graph.after("scores", "Sigmoid"),
        says=("the raw head boxes agrees, scores does not",),
        agrees=("with one sigmoid less",),
    ),
    "nan": Fault(
        lambda graph: graph.after("boxes", "Add", _one(np.nan, 4)),
        says=("head boxes of the candidate: expected finite numbers, found 1 NaN and 0 infinite",),
    ),
    "infinity": Fault(
        lambda graph: graph.after("scores", "Add", _one(np.inf, 5)),
        says=("head scores of the candidate: expected finite numbers, found 0 NaN and 1 infinite",),
    ),
    "zero_scores": Fault(
        lambda graph: graph.after("scores", "Mul", 0.0),
        says=("constant-head: head scores: expected values that vary by", "found 0 everywhere"),
    ),
    "zero_boxes": Fault(
        lambda graph: graph.after("boxes", "Mul", 0.0),
        says=("constant-head: head boxes: expected values that vary by", "found 0 everywhere"),
    ),
    "constant_scores": Fault(
        impostor="constant_scores",
        says=("constant-head: head scores: expected values that vary by", "found 0.125 everywhere"),
    ),
    "one_point_fewer": Fault(
        _cut,
        says=("expected (1, 2100, 4) as in the reference, found (1, 2099, 4); unequal shapes are",),
    ),
}

WRONG_UNIT = {"normalised": Fault(lambda graph: graph.after("boxes", "Div", 320.0))}

CORNERS = {
    "yxyx": Fault(
        lambda graph: graph.after("boxes", "Gather", [1, 0, 3, 2], axis=2),
        agrees=(
            "with x and y of the head boxes swapped",
            "with its boxes read as yxyx in pixels of the input",
        ),
    ),
}

SSD = {
    "x_and_y_of_offsets_swapped": Fault(
        lambda graph: graph.after("boxes", "Gather", [1, 0, 3, 2], axis=2),
        says=("the raw head scores agrees, boxes does not",),
        agrees=("with x and y of the head boxes swapped",),
    ),
    "background_last": Fault(
        lambda graph: graph.after("scores", "Gather", [1, 2, 3, 4, 5, 0], axis=2),
        says=("the raw head boxes agrees, scores does not",),
        agrees=("with the last column of the head scores moved to the other end",),
    ),
    "classes_off_by_one": Fault(
        lambda graph: graph.after("scores", "Gather", [0, 5, 1, 2, 3, 4], axis=2),
        says=("with another class; the surest scores",),
        agrees=("with its classes one lower",),
    ),
    "softmax_twice": Fault(
        lambda graph: graph.after("scores", "Softmax", axis=2),
        says=("the raw head boxes agrees, scores does not",),
        agrees=("with one softmax less",),
    ),
}


def _corners(graph: Graph) -> None:
    """Boxes as x1, y1, x2, y2."""
    graph.after(
        "boxes", "MatMul", [[1, 0, 1, 0], [0, 1, 0, 1], [-0.5, 0, 0.5, 0], [0, -0.5, 0, 0.5]]
    )


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Decoded boxes, cxcywh in pixels, and scores after a sigmoid."""
    suite = Planted(tmp_path_factory.mktemp("free"), FREE | WRONG_UNIT)
    yield suite
    suite.close()


@pytest.fixture(scope="module")
def ssd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Offsets against priors, and scores after a softmax with a background."""
    suite = Planted(tmp_path_factory.mktemp("ssd"), SSD, detector="parts_ssd")
    yield suite
    suite.close()


@pytest.mark.parametrize("name", FREE)
def test_a_spoiled_head_of_decoded_boxes_fails_and_is_named(free: Planted, name: str) -> None:
    """The message tells the head, and the one reading of it that would have agreed."""
    assert_told_apart(free, name)


@pytest.mark.parametrize("name", SSD)
def test_a_spoiled_head_of_an_ssd_fails_and_is_named(ssd: Planted, name: str) -> None:
    """The same for offsets and softmax scores."""
    assert_told_apart(ssd, name)


@pytest.mark.parametrize("name", CORNERS)
def test_yxyx_for_xyxy_fails_and_both_names_of_it_are_told(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """Reading the columns as yxyx and swapping them is the same thing."""
    suite = Planted(
        tmp_path_factory.mktemp("corners"), CORNERS, box_format="xyxy", healthy=_corners
    )
    assert_told_apart(suite, name)


@pytest.mark.parametrize("name", ["nan", "infinity"])
def test_numbers_that_are_not_finite_are_never_decoded(free: Planted, name: str) -> None:
    """One NaN where nothing is found changes no detection, and fails all the same."""
    assert codes(free.judge(name)) == {"nonfinite", "no-image"}


def test_unequal_shapes_fail_though_every_detection_agrees(free: Planted) -> None:
    """One point fewer in an empty corner."""
    record = free.judge("one_point_fewer")
    assert codes(record) == {"shape"}
    assert all(row.within for image in record.images for row in image.agreement.rows)


ERRORS = {
    "activation_left_out": (
        "parts_free",
        Fault(lambda graph: graph.after("scores", "Log").after("scores", "Mul", 10.0)),
        "scores: expected values within 0..1 with activation = 'none', found",
    ),
    "priors_of_another_size": (
        "parts_ssd",
        Fault(
            lambda graph: [
                graph.after(head, "Slice", [0], [4199], [1]) for head in ("boxes", "scores")
            ]
        ),
        "boxes: (1, 4200, 4)",
    ),
    "no_background": (
        "parts_ssd",
        Fault(lambda graph: graph.after("scores", "Slice", [1], [6], [2])),
        "found 5 columns for 5 classes and a background: if there is no background column, leave",
    ),
    "outputs_bound_the_wrong_way_round": (
        "parts_free",
        Fault(table="outputs = { boxes = 0, scores = 1 }"),
        "boxes: expected shape (1, A, 4), found (1, 2100, 5)",
    ),
    "names_of_the_outputs_swapped": (
        "parts_free",
        Fault(
            lambda graph: graph.swap_output_names(),
            table='outputs = { boxes = "boxes", scores = "scores" }',
        ),
        "boxes: expected shape (1, A, 4), found (1, 2100, 5)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_heads_that_cannot_be_decoded_are_an_error(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """HeadsError, exit code 3: expected, found, what to do."""
    detector, fault, sentence = ERRORS[name]
    suite = Planted(tmp_path_factory.mktemp("error"), {name: fault}, detector=detector, images=1)
    (image,) = suite.judge(name).images
    assert image.failure is not None
    assert (image.failure.kind, image.failure.exit_code) == ("HeadsError", 3)
    assert sentence in image.failure.message


def test_outputs_in_the_other_order_are_bound_by_their_shapes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No position counts where the shapes tell the heads apart: that is no fault."""
    faults = {
        "order": Fault(lambda graph: graph.reverse_outputs()),
        "names": Fault(lambda graph: graph.swap_output_names()),
        "other_names": Fault(impostor="renamed"),
    }
    suite = Planted(tmp_path_factory.mktemp("order"), faults, images=2)
    assert [suite.judge(name).verdict for name in faults] == ["pass"] * 3


def test_boxes_in_another_unit_are_never_compared(free: Planted) -> None:
    """The candidate's export divides them by its size: the message tells the key to set."""
    assert free.judge("normalised").verdict == "error"
    said = free.message("normalised")
    assert "boxes: expected boxes in pixels of the input with normalized = false, found" in said
    assert "normalized? say normalized = true" in said
