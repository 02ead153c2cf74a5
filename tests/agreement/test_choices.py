"""Ties of the choice before NMS: two classes of one row, two neighbouring cells of a map.

A tie only where the other class, or the other cell, is proposed on both sides within every limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreeing import FLOAT32, INT8, agree, codes, kinds, suppressed, total

from parity.agreement import ImageAgreement
from parity.boxes import Placement
from parity.choosing import BEST_CLASS, EVERY, PEAKS
from parity.decode import decode, to_side
from parity.decode.families.centernet import CenterNet
from parity.decode.settings import Decode
from parity.detections import Side
from parity.suite.tolerance import Tolerance

PLACE = (0.0, 0.0, 100.0, 100.0)


def of_classes(*scores: float, box: Any = PLACE, choice: str | None = BEST_CLASS) -> Side:
    """One row of the heads, with a score for each class."""
    rows = [(*box, score, label) for label, score in enumerate(scores)]
    return suppressed(*rows, of=[0] * len(rows), row_count=1, choice=choice)


def flip(
    reference: tuple[float, ...], candidate: tuple[float, ...], tolerance: Tolerance = FLOAT32
) -> ImageAgreement:
    """Two sides that each deploy the best class of one row."""
    return agree(of_classes(*reference), of_classes(*candidate), tolerance)


def test_two_classes_of_a_row_that_score_alike_are_a_tie() -> None:
    """0.5503 against 0.5501: both sides say both, a hair apart, and a strict tolerance holds."""
    judged = flip((0.5503, 0.5501), (0.5499, 0.5502))
    assert kinds(judged) == [("pair", "tie")]
    assert judged.rows[0].flipped
    assert (judged.findings, codes(total([judged], FLOAT32))) == ((), [])


def test_the_twin_of_a_class_that_lost_is_told() -> None:
    """The reference's own class is there, passed over: its score is 0.0004 lower."""
    (row,) = flip((0.5503, 0.5501), (0.5499, 0.5502)).rows
    assert row.twin is not None
    assert row.twin.score_diff == pytest.approx(-0.0004)


@pytest.mark.parametrize(
    ("reference", "candidate"),
    [
        ((0.5503, 0.5501), (0.5480, 0.5502)),  # the first class fell
        ((0.5503, 0.5501), (0.5499, 0.5520)),  # the second rose
        ((0.5503, 0.5501), (0.1, 0.5502)),  # the first is gone
        ((0.9, 0.1), (0.1, 0.9)),  # exchanged
        ((0.5503, 0.1), (0.1, 0.5503)),
        ((0.5503, 0.5501, 0.1), (0.5499, 0.5501, 0.7)),  # a third from nowhere
    ],
)
def test_a_class_that_was_rescored_beyond_its_limit_is_a_flip(
    reference: tuple[float, ...], candidate: tuple[float, ...]
) -> None:
    """No noise within the limits turned the winner."""
    judged = flip(reference, candidate)
    assert codes(judged)
    assert not any(row.tie for row in judged.rows)


def test_a_lead_beyond_noise_is_no_tie_although_each_class_is_within_its_limit() -> None:
    """The rule is the limit's: a lead of 0.08 turns around where scores may be 0.05 off."""
    assert flip((0.80, 0.72), (0.755, 0.765), INT8).rows[0].tie
    assert not flip((0.80, 0.69), (0.745, 0.755), INT8).rows[0].tie


def test_a_box_that_moved_beside_the_swap_keeps_its_fault() -> None:
    """Every class of the row has the box that moved: none has a twin."""
    reference = of_classes(0.5503, 0.5501)
    candidate = of_classes(0.5499, 0.5502, box=(3, 0, 103, 100))
    assert {"class", "box"} <= set(codes(agree(reference, candidate)))


def test_a_side_that_hides_its_other_classes_proves_nothing() -> None:
    """As a function does that returns one class a box."""
    shown = of_classes(0.5503, 0.5501)
    alone = suppressed((*PLACE, 0.5502, 1), of=[0], row_count=1)
    assert codes(agree(shown, alone)) == ["class"]
    assert codes(agree(alone, shown)) == ["class"]


def test_what_follows_from_another_class_is_a_tie() -> None:
    """The row's other class removes a neighbour of that class, which the first let stand."""
    near = (0.0, 10.0, 100.0, 110.0)

    def side(first: float, second: float) -> Side:
        rows = [(*PLACE, first, 0), (*PLACE, second, 1), (*near, 0.52, 1)]
        return suppressed(*rows, of=[0, 0, 1], row_count=2, choice=BEST_CLASS)

    judged = agree(side(0.5503, 0.5501), side(0.5499, 0.5502))
    assert judged.findings == ()
    assert all(row.within or row.tie for row in judged.rows)


def test_every_class_in_place_of_the_best_is_another_setting() -> None:
    """No budget covers it, and both choices are named."""
    reference, candidate = of_classes(0.9, 0.8), of_classes(0.9, 0.8, choice=EVERY)
    judged = agree(reference, candidate, INT8)
    (finding,) = [one for one in judged.findings if one.code == "settings"]
    assert finding.facts["reference"].startswith("the best class of a box, NMS class")
    assert finding.facts["candidate"].startswith("every class of a box, NMS class")
    assert ("extra", "") in kinds(judged)


def on_map(cells: dict[tuple[int, int], float], apart: float = 4.0, label: int = 0) -> Side:
    """Cells (y, x) of a map ten wide; the boxes of neighbours are ``apart`` pixels apart."""
    rows = [
        (apart * x, apart * y, apart * x + 60, apart * y + 60, score, label)
        for (y, x), score in cells.items()
    ]
    at = [10 * y + x for y, x in cells]
    choice = {"mode": "none", "choice": PEAKS, "width": 10}
    return suppressed(*rows, of=at, row_count=100, **choice)


def test_a_peak_that_moves_to_the_next_cell_is_a_tie() -> None:
    """Two cells that score alike: the box is another one, and was there on both sides."""
    judged = agree(on_map({(3, 3): 0.8003, (3, 4): 0.8}), on_map({(3, 3): 0.7999, (3, 4): 0.8001}))
    assert kinds(judged) == [("pair", "tie")]
    assert judged.findings == ()


def test_two_equal_neighbours_of_which_one_falls_by_a_hair_are_a_tie() -> None:
    """Equal neighbours are both peaks, so that one of the two goes."""
    judged = agree(on_map({(3, 3): 0.8, (4, 4): 0.8}), on_map({(3, 3): 0.8, (4, 4): 0.7999}))
    assert sorted(kinds(judged)) == [("lost", "tie"), ("pair", "")]
    assert judged.findings == ()


@pytest.mark.parametrize(
    "candidate",
    [
        {(3, 3): 0.7999, (3, 4): 0.8020},  # the neighbour rose
        {(3, 3): 0.7980, (3, 4): 0.8001},  # the peak fell
        {(3, 3): 0.1, (3, 4): 0.8001},  # the peak is gone
        {(3, 4): 0.8003, (3, 5): 0.8},  # the whole map is off by a cell
        {(3, 3): 0.7999, (3, 4): 0.8001, (2, 3): 0.9},  # another cell from nowhere
    ],
)
def test_a_peak_that_moves_for_another_reason_is_a_fault(
    candidate: dict[tuple[int, int], float],
) -> None:
    """A cell's score changed by more than it may."""
    judged = agree(on_map({(3, 3): 0.8003, (3, 4): 0.8}), on_map(candidate))
    assert judged.findings
    assert not any(row.tie for row in judged.rows)


def test_the_end_of_a_line_is_no_neighbour_of_the_next() -> None:
    """Cells 39 and 40 of a map ten wide stand at its two edges: both are peaks, or one is lost."""
    reference = on_map({(3, 9): 0.8003, (4, 0): 0.8})
    candidate = on_map({(3, 9): 0.8003, (4, 0): 0.3})
    assert codes(agree(reference, candidate)) == ["lost"]


YOLO = Decode(family="yolov8", score_threshold=0.5)


def yolo(scores: Any) -> Side:
    """Heads of a YOLOv8 with one box beside its three classes in each of twelve columns."""
    x = 100.0 * np.arange(12)
    boxes = np.stack([x + 50, np.full(12, 50.0), np.full(12, 80.0), np.full(12, 60.0)])
    head = np.concatenate([boxes, scores])[None].astype(np.float32)
    return to_side(decode({"predictions": head}, YOLO, 3, (100, 1200)), YOLO, 0.499, Placement())


MAP = Decode(family="centernet", score_threshold=0.5, centernet=CenterNet())


def centernet(scores: Any) -> Side:
    """Heads of a CenterNet of 6 x 8 cells and three classes; each cell has a box of its own."""
    size = np.full((1, 2, 6, 8), 10.0)
    heads = {"heatmap": scores[None], "size": size, "offset": np.zeros((1, 2, 6, 8))}
    heads = {name: head.astype(np.float32) for name, head in heads.items()}
    return to_side(decode(heads, MAP, 3, (24, 32)), MAP, 0.499, Placement())


FAMILIES = pytest.mark.parametrize(
    ("side", "shape"), [(yolo, (3, 12)), (centernet, (3, 6, 8))], ids=["yolov8", "centernet"]
)


@FAMILIES
@pytest.mark.parametrize("seed", range(20))
def test_noise_within_the_limits_of_near_equal_scores_never_fails(
    side: Any, shape: tuple[int, ...], seed: int
) -> None:
    """Heads whose every choice hangs on noise, decoded as their family is."""
    rng = np.random.default_rng(seed)
    scores = 0.6 + rng.uniform(-4e-4, 4e-4, shape)
    noisy = scores + rng.uniform(-9e-4, 9e-4, shape)
    judged = agree(side(scores), side(noisy), FLOAT32)
    assert any(row.tie for row in judged.rows)
    assert judged.findings == ()


@FAMILIES
@pytest.mark.parametrize("seed", range(20))
def test_one_score_beyond_its_limit_in_such_heads_always_fails(
    side: Any, shape: tuple[int, ...], seed: int
) -> None:
    """What wins by a change that noise does not explain is judged, among all the ties."""
    rng = np.random.default_rng(seed)
    scores = 0.6 + rng.uniform(-4e-4, 4e-4, shape)
    noisy = scores + rng.uniform(-9e-4, 9e-4, shape)
    place = tuple(rng.integers(shape))
    noisy[place] = scores[place] + 3e-3
    assert agree(side(scores), side(noisy), FLOAT32).findings
