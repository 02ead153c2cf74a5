"""What is chosen before NMS: the best class of a row, the peaks of a map."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.choosing import BEST_CLASS, EVERY, PEAKS, chosen

SCORES = st.sampled_from([0.1, 0.2, 0.2, 0.3, 0.9])


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_peaks_are_those_of_max_pooling(data, classes, height, width, seed) -> None:
    """Against each cell's whole neighbourhood, with equal neighbours, edges and absent cells."""
    heat = np.array(data.draw(st.lists(SCORES, min_size=75, max_size=75)))
    heat = heat[: classes * height * width].reshape(classes, height, width)
    expected = set()
    for label, y, x in np.ndindex(heat.shape):
        around = heat[label, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        if heat[label, y, x] >= around.max() and heat[label, y, x] > 0.1:
            expected.add((label, y * width + x))
    labels, y, x = np.nonzero(heat > 0.1)  # the floor
    order = np.random.default_rng(seed).permutation(len(labels))
    labels, cells, scores = labels[order], (y * width + x)[order], heat[labels, y, x][order]
    peaks = chosen(PEAKS, scores, labels, cells, width)
    assert set(zip(labels[peaks].tolist(), cells[peaks].tolist(), strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(SCORES, min_size=3, max_size=3), max_size=5))
def test_the_best_class_is_that_of_argmax(table: list[list[float]]) -> None:
    """One of each row; of equal ones the first."""
    scores = np.array(table).reshape(-1, 3)
    rows, classes = np.divmod(np.arange(scores.size), 3)
    best = chosen(BEST_CLASS, scores.ravel(), classes, rows, 0)
    assert rows[best].tolist() == list(range(len(scores)))
    assert classes[best].tolist() == scores.argmax(axis=1).tolist()


def test_what_was_chosen_before_is_kept_whole() -> None:
    """Every class of every row, or nothing known of the choice."""
    for choice in (EVERY, None):
        assert chosen(choice, np.ones(3), np.arange(3), np.zeros(3, dtype=int), 0).tolist() == [
            0,
            1,
            2,
        ]
