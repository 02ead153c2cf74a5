"""What is said of a head: what was seen, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from parity.decode.clues.looks import looks, shown


def said(head: np.ndarray, size: tuple[int, int] | None = None) -> str:
    (look,) = looks({"a": head}, size)
    return str(look)


CASES = {
    "a range": (np.array([[-1.5, 2.25]]), "'a' (1, 2) float64 -1.5..2.25"),
    "whole numbers": (
        np.array([[3.0, 1.0]], np.float32),
        "'a' (1, 2) float32 1..3, whole numbers",
    ),
    "integers": (np.array([3, 1, 2]), "'a' (3,) int64 1..3"),
    "a softmax": (
        np.array([[[0.25, 0.75], [0.5, 0.5]]], np.float32),
        "'a' (1, 2, 2) float32 0.25..0.75, sums to one along the last axis",
    ),
    "falling": (
        np.array([[0.9, 0.5, 0.5, 0.1]], np.float32),
        "'a' (1, 4) float32 0.1..0.9, falling along the last axis",
    ),
    "padding": (
        np.array([[[0.5, 0.9], [0, 0], [0, 0]]], np.float32),
        "'a' (1, 3, 2) float32 0..0.9, the last 2 rows are zero",
    ),
    "pixels": (
        np.array([[[10.5, 310.0]]], np.float32),
        "'a' (1, 1, 2) float32 10.5..310, within the input's pixels",
    ),
    "NaN": (np.array([[1.5, np.nan, np.inf]]), "'a' (1, 3) float64 1.5..1.5, 2 NaN or infinite"),
    "nothing but NaN": (np.array([np.nan]), "'a' (1,) float64, no number"),
    "nothing": (np.zeros((0, 4)), "'a' (0, 4) float64, empty"),
    "text": (np.array(["a"]), "'a' (1,) <U1, no number"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_head_is_described(case: str) -> None:
    """Name, shape, dtype, range, then what stands out."""
    head, expected = CASES[case]
    assert said(head, (240, 320)) == expected


def test_pixels_are_not_claimed_where_the_input_is_not_known() -> None:
    """The same numbers without a size."""
    assert said(np.array([[[10.5, 310.0]]])) == "'a' (1, 1, 2) float64 10.5..310"


def test_a_message_shows_twelve_heads() -> None:
    """A network may have a hundred outputs."""
    lines = shown(looks({str(index): np.zeros(1) for index in range(14)}))
    assert len(lines) == 13
    assert lines[-1] == "  and 2 more"
