"""Greedy suppression, alone and against OpenCV."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.boxes import iou
from parity.decode import Kept, suppress


def run(
    boxes: object,
    scores: object,
    classes: object = None,
    *,
    limit: float = 0.5,
    mode: str = "class",
    most: int = 100,
) -> Kept:
    rows = np.array(boxes, dtype=float).reshape(-1, 4)
    labels = np.zeros(len(rows), dtype=np.int64) if classes is None else np.array(classes)
    return suppress(rows, np.array(scores, dtype=float), labels, limit, mode, most)


def random_set(seed: int, most: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Boxes in clusters, distinct scores, a few classes, and a limit that no IoU comes close to.

    Coordinates are multiples of 1/8, so that float32 holds them and other libraries see the same.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, most))
    centres = rng.uniform(0, 200, (max(count // 6, 1), 2))[
        rng.integers(0, max(count // 6, 1), count)
    ]
    sides = rng.uniform(4, 60, (count, 2))
    corner = centres + rng.normal(0, 6, (count, 2)) - sides / 2
    boxes = np.round(np.concatenate([corner, corner + sides], axis=1) * 8) / 8
    scores = rng.permutation(np.linspace(0.05, 0.95, count)).astype(np.float32).astype(float)
    every = iou(boxes, boxes)
    limit = float(rng.uniform(0.2, 0.7))
    while np.abs(every - limit).min() < 1e-5:
        limit += 3e-5
    return boxes, scores, rng.integers(0, 3, count), limit


def test_the_best_box_removes_what_overlaps_it() -> None:
    """IoU 0.8 with the best is removed, 0 stays."""
    found = run([[0, 0, 10, 10], [0, 0, 10, 8], [20, 20, 30, 30]], [0.8, 0.9, 0.3])
    assert found.kept.tolist() == [1, 2]
    assert found.removed.tolist() == [0]
    assert found.suppressor.tolist() == [0]
    assert found.overlap.tolist() == [0.8]


def test_a_removed_box_removes_nothing() -> None:
    """Greedy: the third overlaps only the second, which is gone."""
    found = run([[0, 0, 10, 10], [0, 2, 10, 12], [0, 5, 10, 15]], [0.9, 0.8, 0.7])
    assert found.kept.tolist() == [0, 2]


def test_the_suppressor_is_the_best_one_that_overlaps() -> None:
    """Its position counts in the kept rows, not in the input."""
    boxes = [[50, 50, 60, 60], [0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 58]]
    found = run(boxes, [0.9, 0.8, 0.7, 0.6])
    assert found.kept.tolist() == [0, 1]
    assert dict(zip(found.removed.tolist(), found.suppressor.tolist(), strict=True)) == {2: 1, 3: 0}


def test_an_overlap_equal_to_the_limit_stays() -> None:
    """More than the limit is removed, as in OpenCV, TensorFlow and torchvision."""
    boxes = [[0, 0, 4, 4], [0, 0, 4, 2]]
    assert run(boxes, [0.9, 0.8], limit=0.5).kept.tolist() == [0, 1]
    assert run(boxes, [0.9, 0.8], limit=0.4999).kept.tolist() == [0]


def test_another_class_is_removed_only_when_agnostic() -> None:
    """The same box, twice."""
    boxes = [[0, 0, 10, 10], [0, 0, 10, 10]]
    assert run(boxes, [0.9, 0.8], [0, 1]).kept.tolist() == [0, 1]
    assert run(boxes, [0.9, 0.8], [0, 1], mode="agnostic").kept.tolist() == [0]


def test_none_only_sorts() -> None:
    """NMS is inside the model."""
    found = run([[0, 0, 10, 10]] * 3, [0.7, 0.9, 0.8], mode="none")
    assert found.kept.tolist() == [1, 2, 0]
    assert found.removed.tolist() == []


@pytest.mark.parametrize("mode", ["class", "agnostic", "none"])
def test_max_detections_keeps_the_best(mode: str) -> None:
    """What it removes has no overlap, and the last one kept as its suppressor."""
    boxes = [[i * 20, 0, i * 20 + 10, 10] for i in range(4)]
    found = run(boxes, [0.6, 0.9, 0.7, 0.8], [0, 1, 2, 0], mode=mode, most=2)
    assert found.kept.tolist() == [1, 3]
    assert found.removed.tolist() == [2, 0]
    assert found.suppressor.tolist() == [1, 1]
    assert np.isnan(found.overlap).all()


def test_a_box_beyond_max_detections_suppresses_nothing() -> None:
    """The third would remove the fourth, but is itself cut off first."""
    boxes = [[0, 0, 5, 5], [20, 0, 25, 5], [40, 0, 45, 5], [40, 0, 45, 5]]
    found = run(boxes, [0.9, 0.8, 0.7, 0.6], most=2)
    assert np.isnan(found.overlap).all()


def test_nothing_gives_nothing() -> None:
    """No proposals."""
    for mode in ("class", "agnostic", "none"):
        found = run([], [], mode=mode)
        assert len(found.kept) == len(found.removed) == len(found.overlap) == 0


def test_an_unknown_mode_is_named() -> None:
    """The message lists the modes."""
    with pytest.raises(ValueError) as caught:
        run([], [], mode="soft")
    assert str(caught.value) == "expected nms of class, agnostic or none, found 'soft'"


def test_identical_boxes_without_area_are_duplicates() -> None:
    """A point twice is one detection."""
    assert run([[5, 5, 5, 5]] * 2, [0.9, 0.8]).kept.tolist() == [0]


ties = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.5, 0.75]), st.integers(0, 1)
    ),
    min_size=1,
    max_size=12,
)


@given(ties, st.randoms(use_true_random=False), st.sampled_from(["class", "agnostic", "none"]))
def test_equal_scores_give_the_same_detections_in_any_order(
    rows: list[tuple[int, int, float, int]], random: object, mode: str
) -> None:
    """Ties go by class and coordinates, so the order of the proposals does not matter."""

    def detections(of: list[tuple[int, int, float, int]]) -> list[list[float]]:
        boxes = np.array([[x, y, x + 4, y + 4] for x, y, _, _ in of], dtype=float)
        scores, classes = np.array([row[2] for row in of]), np.array([row[3] for row in of])
        kept = suppress(boxes, scores, classes, 0.4, mode, 5).kept
        return np.column_stack([boxes, scores, classes])[kept].tolist()

    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert detections(rows) == detections(shuffled)


def test_every_row_is_kept_or_removed_once() -> None:
    """And every overlap is the IoU with the suppressor named, above the limit."""
    for seed in range(50):
        boxes, scores, classes, limit = random_set(seed)
        found = suppress(boxes, scores, classes, limit, "class", 10)
        assert sorted([*found.kept, *found.removed]) == list(range(len(boxes)))
        assert (np.diff(scores[found.kept]) < 0).all()
        by = found.kept[found.suppressor]
        cut = np.isnan(found.overlap)
        pairs = np.diagonal(iou(boxes[found.removed], boxes[by]))
        np.testing.assert_array_equal(found.overlap[~cut], pairs[~cut])
        assert (found.overlap[~cut] > limit).all()
        assert (classes[found.removed] == classes[by])[~cut].all()


def test_agnostic_is_opencvs_nms() -> None:
    """300 random sets, the same rows in the same order."""
    for seed in range(300):
        boxes, scores, classes, limit = random_set(seed)
        sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
        expected = cv2.dnn.NMSBoxes(sized, scores.tolist(), 0.0, limit)
        found = suppress(boxes, scores, classes, limit, "agnostic", len(boxes))
        assert found.kept.tolist() == list(expected), seed


def test_class_is_opencvs_batched_nms() -> None:
    """300 random sets, the same rows."""
    for seed in range(300):
        boxes, scores, classes, limit = random_set(seed)
        sized = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
        expected = cv2.dnn.NMSBoxesBatched(sized, scores.tolist(), classes.tolist(), 0.0, limit)
        found = suppress(boxes, scores, classes, limit, "class", len(boxes))
        assert sorted(found.kept.tolist()) == sorted(expected), seed


def test_ten_thousand_proposals_are_quick() -> None:
    """What a detector yields at a low floor; the limit is ten times what was measured."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, 640, (60, 2))[rng.integers(0, 60, 10_000)]
    corner = centres + rng.normal(0, 5, (10_000, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 60, (10_000, 2))], axis=1)
    scores, classes = rng.random(10_000), rng.integers(0, 20, 10_000)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        suppress(boxes, scores, classes, 0.45, "class", 100)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.2
