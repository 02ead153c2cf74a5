"""What a function of the suite does not read is told from its answers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity.decode import unread_by_function

SIZE = (64, 64)
DICE = np.random.default_rng(0)
N = 400
CENTRES = DICE.uniform(10, 50, (1, N, 2))
SIDES = DICE.uniform(4, 18, (1, N, 2))
SCORES = DICE.uniform(0, 0.2, (1, N, 3))
SCORES[0, 7, 1], SCORES[0, 200, 1] = 0.9, 0.6  # only the second class is found
REST = DICE.uniform(-1, 1, (1, N, 2))
DENSE = np.concatenate([CENTRES, SIDES, SCORES, REST], axis=2).astype(np.float32)

Heads = dict[str, Any]


def boxes_of(rows: Any) -> Any:
    centres, sides = rows[:, :2], rows[:, 2:4]
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)


def dense(heads: Heads, size: Any, scores: slice = slice(4, 7)) -> Any:
    """Boxes of the rows whose best score is high enough."""
    rows = heads["head"][0]
    best = rows[:, scores]
    found = best.max(axis=1) > 0.5
    return boxes_of(rows)[found], best[found].max(axis=1), best[found].argmax(axis=1)


def raw(heads: Heads, size: Any) -> Any:
    """Every box, with all of its scores."""
    rows = heads["head"][0]
    return boxes_of(rows), rows[:, 4:7]


def transposed(heads: Heads, size: Any) -> Any:
    return dense({"head": heads["head"].transpose(0, 2, 1)}, size)


def strict(heads: Heads, size: Any) -> Any:
    """Minds what stands in the last columns, and uses it for nothing else."""
    if np.abs(heads["head"][0, :, 7:]).max() > 1:
        raise SystemExit("not a direction")
    return dense(heads, size)


def detected(heads: Heads, size: Any) -> Any:
    """Detections after NMS, all of the first class, the rest of the rows padding."""
    count = int(heads["count"][0])
    return heads["boxes"][0, :count], heads["scores"][0, :count], heads["ids"][0, :count]


def columns(function: Callable[..., Any], heads: Heads) -> Any:
    found = unread_by_function(function, heads, 3, SIZE, "post:decode")
    return found if found is None else [(one.output, one.columns) for one in found]


@pytest.mark.parametrize(
    ("function", "head", "expected"),
    [
        (dense, DENSE, [("head", (7, 8))]),
        (dense, DENSE[..., :8], [("head", (7, 7))]),
        (dense, DENSE[..., :7], []),
        (raw, DENSE, [("head", (7, 8))]),
        (raw, DENSE[..., :7], []),
        (transposed, DENSE.transpose(0, 2, 1), [("head", (7, 8))]),
        (strict, DENSE, []),
    ],
)
def test_the_columns_at_the_end_that_have_no_effect(
    function: Callable[..., Any], head: np.ndarray, expected: list[Any]
) -> None:
    """A class that is found on no image is read all the same, and so is what only raises."""
    assert columns(function, {"head": head}) == expected


def test_heads_of_detections_are_read_where_all_are_of_one_class() -> None:
    """Ids that are all the same, a count, and rows of padding."""
    heads = {
        "boxes": np.array([[[1, 2, 9, 9], [20, 20, 30, 40], [0, 0, 0, 0]]], np.float32),
        "scores": np.array([[0.9, 0.8, 0.0]], np.float32),
        "ids": np.zeros((1, 3), np.float32),
        "count": np.array([2], np.float32),
    }
    assert columns(detected, heads) == []
    heads["ids"][0, 2] = 1  # padding of another class
    assert columns(detected, heads) == []
    assert columns(detected, heads | {"anchors": np.array([[3, 1, 2]], np.int64)}) == [
        ("anchors", None)
    ]


def test_rows_at_the_end_that_have_no_effect_are_padding() -> None:
    """Few rows of many columns look like columns of anchors, and are none."""
    few = DENSE[:, [7, 200, 1, 2, 3, 4, 5, 6]]
    assert columns(dense, {"head": np.concatenate([few, few], axis=2)}) == []
    assert columns(dense, {"head": DENSE[:, :200]}) == [("head", (7, 8))]


def test_an_image_without_detections_shows_nothing() -> None:
    """Whatever is put there, nothing is found."""
    low = DENSE.copy()
    low[..., 4:7] *= 0.1
    assert columns(dense, {"head": low}) is None


def test_a_function_whose_answers_are_chance_tells_nothing() -> None:
    """Every answer is another one."""

    def chance(heads: Heads, size: Any) -> Any:
        boxes, scores, classes = dense(heads, size)
        return boxes + DICE.uniform(0, 1e-3), scores, classes

    assert columns(chance, {"head": DENSE}) == []


def test_the_heads_are_left_as_they_are() -> None:
    """What is put in their place is put into copies."""
    before = DENSE.copy()
    columns(dense, {"head": DENSE})
    np.testing.assert_array_equal(DENSE, before)


def test_a_function_that_reads_all_is_asked_a_few_times_more() -> None:
    """Once for its answer, and once or twice for each output and its last column."""
    calls = []

    def counted(heads: Heads, size: Any) -> Any:
        calls.append(1)
        return dense(heads, size)

    assert columns(counted, {"head": DENSE[..., :7]}) == []
    assert len(calls) <= 5
