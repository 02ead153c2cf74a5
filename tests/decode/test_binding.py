"""Which output is which head."""

from __future__ import annotations

import pytest

from parity.decode import BindingError, bind
from parity.decode.heads.roles import boxes_role, scores_role

ROLES = (boxes_role(), scores_role(2, None))
BOXES, SCORES = ("Identity_1", (1, 10, 4)), ("Identity", (1, 10, 2))


def message(*args: object) -> str:
    with pytest.raises(BindingError) as caught:
        bind(*args)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("outputs", [[BOXES, SCORES], [SCORES, BOXES]])
def test_unambiguous_shapes_bind_in_any_order(outputs: list[tuple[str, tuple[int, ...]]]) -> None:
    """TFLite and ONNX exports of one network order their outputs differently."""
    assert bind(outputs, {}, ROLES) == {"boxes": "Identity_1", "scores": "Identity"}


def test_names_and_indices_can_be_declared() -> None:
    """By name, by index, both at once."""
    expected = {"boxes": "Identity_1", "scores": "Identity"}
    assert bind([SCORES, BOXES], {"boxes": "Identity_1", "scores": 0}, ROLES) == expected


def test_what_is_declared_wins_over_the_shape() -> None:
    """Whether it decodes is judged, with a better message, when it is decoded."""
    found = bind([BOXES, SCORES], {"boxes": "Identity", "scores": "Identity_1"}, ROLES)
    assert found == {"boxes": "Identity", "scores": "Identity_1"}


def test_the_rest_is_bound_by_shape() -> None:
    """One declared head leaves one output for the other."""
    assert bind([SCORES, BOXES], {"scores": 0}, ROLES)["boxes"] == "Identity_1"


def test_declared_heads_leave_other_outputs_alone() -> None:
    """A third output may stay unused where both heads are named."""
    outputs = [SCORES, BOXES, ("features", (1, 10, 64))]
    assert bind(outputs, {"boxes": 1, "scores": 0}, ROLES)["boxes"] == "Identity_1"


def test_four_classes_are_ambiguous() -> None:
    """(1, A, 4) twice: the message lists the outputs, the needs, and the line to write."""
    outputs = [("a", (1, 10, 4)), ("b", (1, 10, 4))]
    assert message(outputs, {}, (boxes_role(), scores_role(4, None))) == (
        "more than one output fits the shapes of the heads\n"
        "the outputs are\n"
        "  0: 'a' (1, 10, 4)\n"
        "  1: 'b' (1, 10, 4)\n"
        "the heads are\n"
        "  boxes: (1, A, 4)\n"
        "  scores: (1, A, 4), one column for each of 4 classes\n"
        "say which is which, by name or index: "
        'outputs = { boxes = "...", scores = "..." }'
    )


def test_three_classes_and_a_background_are_ambiguous_too() -> None:
    """Four columns again; one declaration solves it."""
    outputs = [("a", (1, 10, 4)), ("b", (1, 10, 4))]
    roles = (boxes_role(), scores_role(3, 0))
    assert message(outputs, {}, roles).startswith("more than one output fits")
    assert bind(outputs, {"boxes": "b"}, roles) == {"boxes": "b", "scores": "a"}


def test_no_fitting_shape_shows_a_probable_background() -> None:
    """Three columns for two classes."""
    found = message([("a", (1, 10, 4)), ("b", (1, 10, 3))], {}, ROLES)
    assert found.startswith("no output fits the shapes of the heads\n")
    assert (
        "\nfound 3 columns for 2 classes: is column 0 a background? say background = 0\n" in found
    )


def test_an_output_too_many_is_an_error() -> None:
    """Even where the two right ones could be found: the other side has two."""
    found = message([BOXES, SCORES, ("features", (1, 10, 64))], {}, ROLES)
    assert found.startswith("expected 2 outputs (boxes, scores), found 3\n")
    assert "  2: 'features' (1, 10, 64)\n" in found


def test_an_output_too_few_is_an_error() -> None:
    """The scores are missing."""
    assert message([BOXES], {}, ROLES).startswith("expected 2 outputs (boxes, scores), found 1\n")
    assert message([], {}, ROLES).startswith("expected 2 outputs (boxes, scores), found 0\n")


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"boxes": "box"}, "boxes: expected the name of an output, found 'box'"),
        ({"scores": 2}, "scores: expected an index within 0..1, found 2"),
        ({"scores": -1}, "scores: expected an index within 0..1, found -1"),
        (
            {"boxes": "Identity", "scores": 1},
            "output 'Identity' is declared for both boxes and scores",
        ),
        ({"box": 0}, "expected heads boxes, scores, found 'box'"),
    ],
)
def test_a_wrong_declaration_is_named(declared: dict[str, str | int], problem: str) -> None:
    """Unknown names, indices out of range, one output for two heads, unknown heads."""
    lines = message([BOXES, SCORES], declared, ROLES).splitlines()
    assert lines[0] == problem
    assert lines[1:4] == [
        "the outputs are",
        "  0: 'Identity_1' (1, 10, 4)",
        "  1: 'Identity' (1, 10, 2)",
    ]


def test_the_number_of_priors_tells_heads_apart() -> None:
    """Only one of two outputs has as many rows as there are priors."""
    roles = (boxes_role(10), scores_role(4, None, 10))
    assert message([("a", (1, 9, 4)), ("b", (1, 10, 4))], {}, roles).startswith("no output fits")


def test_a_single_class_may_have_no_column() -> None:
    """(1, A) is (1, A, 1)."""
    roles = (boxes_role(), scores_role(1, None))
    assert bind([("s", (1, 10)), ("b", (1, 10, 4))], {}, roles) == {"boxes": "b", "scores": "s"}


def test_a_batch_of_two_fits_no_head() -> None:
    """Images are run one at a time."""
    found = message([("a", (2, 10, 4)), ("b", (2, 10, 2))], {}, ROLES)
    assert found.startswith("no output fits the shapes of the heads\n")
