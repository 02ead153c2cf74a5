"""A decoder of the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.boxes import Placement
from parity.decode import Candidates, DecodeError, Proposals, decode_by_function, to_side
from parity.decode.settings import Decode

HEADS = {"out": np.arange(8, dtype=np.float32).reshape(1, 2, 4)}
BOXES = [[0, 0, 10, 10], [20, 20, 30, 30]]


def call(*answer: Any) -> Candidates | Proposals:
    return decode_by_function(lambda heads, size: answer, HEADS, 3, (240, 320), name="code:decode")


def message(*answer: Any) -> str:
    with pytest.raises(DecodeError) as caught:
        call(*answer)
    return str(caught.value)


def test_it_gets_the_outputs_by_their_own_names_and_the_size() -> None:
    """With their batch of one; the size is (height, width)."""
    seen: dict[str, Any] = {}

    def function(heads: dict[str, np.ndarray], size: tuple[int, int]) -> Any:
        seen.update(heads=heads, size=size)
        return [], [], []

    decode_by_function(function, HEADS, 3, (240, 320))
    assert seen["size"] == (240, 320)
    np.testing.assert_array_equal(seen["heads"]["out"], HEADS["out"])


def test_it_cannot_change_the_heads() -> None:
    """They are compared afterwards."""
    before = HEADS["out"].copy()

    def function(heads: dict[str, np.ndarray], size: tuple[int, int]) -> Any:
        heads["out"][:] = 0
        return [], [], []

    decode_by_function(function, HEADS, 3, (1, 1))
    np.testing.assert_array_equal(HEADS["out"], before)


def test_scores_and_classes_are_proposals() -> None:
    """One score and one class for each box."""
    found = call(BOXES, [0.9, 0.8], [2, 0])
    assert isinstance(found, Proposals)
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.9, 0.8], [2, 0])


def test_scores_for_every_class_are_candidates() -> None:
    """(N, classes), without classes."""
    found = call(BOXES, [[0.1, 0.2, 0.7], [0, 0, 1]])
    assert isinstance(found, Candidates)
    assert found.scores.shape == (2, 3)


def test_nothing_found_is_an_answer() -> None:
    """Empty lists, in both forms."""
    for answer in (([], [], []), ([], []), (np.zeros((0, 4)), np.zeros((0, 3)))):
        assert len(call(*answer).boxes) == 0


def test_nms_follows() -> None:
    """As for every family: equal boxes of one class are one detection."""
    settings = Decode(function="code:decode", score_threshold=0.5)
    side = to_side(
        call([*BOXES, [0, 0, 10, 10]], [0.9, 0.8, 0.7], [0, 1, 0]), settings, 0.5, Placement()
    )
    assert side.seen.scores.tolist() == [0.9, 0.8]
    assert side.removed.detections.scores.tolist() == [0.7]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((BOXES,), "expected boxes, scores and classes, or boxes and scores, found 1 values"),
        (([[0, 0, 1]], [0.5], [0]), "expected boxes of shape (N, 4), found (1, 3)"),
        (
            ([[0, 0, 1], [1]], [0.5], [0]),
            "expected boxes as an array of numbers, found object",
        ),
        ((BOXES, [0.5], [0, 0]), "expected scores of shape (2,) beside 2 boxes, found (1,)"),
        (
            (BOXES, [[0.5, 0.5]] * 2),
            "expected scores of shape (2, 3) beside 2 boxes, found (2, 2)",
        ),
        ((BOXES, [0.5, 1.5], [0, 0]), "expected scores within 0..1, found 0.5..1.5"),
        ((BOXES, [0.5, 0.5], [0]), "expected classes of shape (2,) beside 2 boxes, found (1,)"),
        ((BOXES, [0.5, 0.5], [0, 3]), "expected classes as integers 0..2, found 3"),
        ((BOXES, [0.5, 0.5], [0, 0.5]), "expected classes as integers 0..2, found 0.5"),
        ((BOXES, ["a", "b"], [0, 0]), "expected scores as an array of numbers, found <U1"),
    ],
)
def test_a_wrong_answer_is_named(answer: tuple[Any, ...], line: str) -> None:
    """Number of values, shapes, ranges, dtypes."""
    assert message(*answer) == f"code:decode: {line}"


def test_no_answer_is_named() -> None:
    """A forgotten return."""
    with pytest.raises(DecodeError) as caught:
        decode_by_function(lambda heads, size: None, HEADS, 3, (1, 1), name="code:decode")
    assert str(caught.value) == (
        "code:decode: expected boxes, scores and classes, or boxes and scores, found None"
    )


def test_an_exception_is_named() -> None:
    """With its type."""
    with pytest.raises(DecodeError) as caught:
        decode_by_function(lambda heads, size: heads["boxes"], HEADS, 3, (1, 1), name="code:decode")
    assert str(caught.value) == "code:decode raised KeyError: 'boxes'"
