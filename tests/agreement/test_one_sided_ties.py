"""Ties that all turn one way: each is proven, and together they are no noise."""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, suppressed, total

from parity.agreement import Budget, ImageAgreement
from parity.choosing import BEST_CLASS, PEAKS
from parity.detections import Side
from parity.suite.tolerance import Tolerance

MARGINS = [(FLOAT32, 0.0004), (INT8, 0.02)]
OBJECTS = 40


def siblings(*firsts: float, margin: float) -> Side:
    """Objects with two classes each, ``margin`` apart; of class 0 where ``first`` is positive."""
    rows, of = [], []
    for at, first in enumerate(firsts):
        box = (100.0 * at, 0, 100.0 * at + 60, 60)
        rows += [(*box, 0.7 + first * margin / 2, 0), (*box, 0.7 - first * margin / 2, 1)]
        of += [at, at]
    return suppressed(*rows, of=of, row_count=len(firsts), choice=BEST_CLASS)


def peaks(*cells: tuple[float, float], apart: float) -> Side:
    """Objects at two neighbouring cells each, which say boxes ``apart`` pixels from each other."""
    rows, of = [], []
    for at, scores in enumerate(cells):
        for right, score in enumerate(scores):
            left = 400.0 * at + apart * right
            rows.append((left, 0, left + 60, 60, score, 0))
            of.append(500 + 10 * at + right)
    return suppressed(*rows, of=of, row_count=100_000, mode="none", choice=PEAKS, width=1000)


def groups(found: Budget, code: str) -> list[tuple[object, object]]:
    """The groups that are told, each with its kind and name."""
    return [(one.facts["group"], one.facts["value"]) for one in found.findings if one.code == code]


def judged(reference: Side, candidate: Side, tolerance: Tolerance) -> Budget:
    """The budget of one image, of which every row is a tie or within every limit."""
    image: ImageAgreement = agree(reference, candidate, tolerance)
    assert image.findings == ()
    assert any(row.tie for row in image.rows)
    return total([image], tolerance)


@pytest.mark.parametrize(("tolerance", "margin"), MARGINS, ids=["float32", "int8"])
def test_a_class_that_loses_every_time_has_vanished(tolerance: Tolerance, margin: float) -> None:
    """Each object might have turned; that all of a class do is no chance."""
    found = judged(
        siblings(*[-1.0] * OBJECTS, *[1.0] * OBJECTS, margin=margin),
        siblings(*[0.2] * OBJECTS, *[1.0] * OBJECTS, margin=margin),
        tolerance,
    )
    assert groups(found, "vanished") == [("class", 1)]


@pytest.mark.parametrize("turned", [0.25, 0.55])
def test_a_class_that_loses_every_other_time_is_noise(turned: float) -> None:
    """Its healthy twin: as often as coins show heads, or a little more."""
    losing = int(turned * OBJECTS)
    found = judged(
        siblings(*[-1.0] * OBJECTS, *[1.0] * OBJECTS, margin=0.0004),
        siblings(*[0.2] * losing, *[-1.0] * (OBJECTS - losing), *[1.0] * OBJECTS, margin=0.0004),
        FLOAT32,
    )
    assert found.findings == ()


def test_a_peak_beside_every_peak_is_told() -> None:
    """Two equal cells are two peaks: every object is found twice."""
    single, double = [(0.7, 0.6996)] * OBJECTS, [(0.7, 0.7)] * OBJECTS
    found = judged(peaks(*single, apart=4), peaks(*double, apart=4), FLOAT32)
    facts = {"added": OBJECTS, "taken": 0, "deployed": OBJECTS}
    assert [(one.code, one.facts) for one in found.findings] == [("one-sided-ties", facts)]


def test_a_peak_that_is_lost_beside_every_peak_is_told() -> None:
    """The other way round: what was found twice is found once."""
    single, double = [(0.7, 0.6996)] * OBJECTS, [(0.7, 0.7)] * OBJECTS
    found = judged(peaks(*double, apart=4), peaks(*single, apart=4), FLOAT32)
    facts = {"added": 0, "taken": OBJECTS, "deployed": OBJECTS}
    assert [(one.code, one.facts) for one in found.findings] == [("one-sided-ties", facts)]


def test_peaks_that_come_and_go_are_noise() -> None:
    """Its healthy twin: as many are doubled there as here."""
    single, double = (0.7, 0.6996), (0.7, 0.7)
    half = OBJECTS // 2
    ours, theirs = [*[single] * half, *[double] * half], [*[double] * half, *[single] * half]
    assert judged(peaks(*ours, apart=4), peaks(*theirs, apart=4), FLOAT32).findings == ()


LEFT, RIGHT = (0.7, 0.6998), (0.6998, 0.7)


@pytest.mark.parametrize(("left", "sides"), [(0, ["x1", "x2"]), (16, []), (20, [])])
def test_boxes_that_all_move_to_the_next_cell_are_off_together(left: int, sides: list[str]) -> None:
    """Twelve pixels to the right is a bias, unless chance moves as many or nearly to the left."""
    ours = [*[RIGHT] * left, *[LEFT] * (OBJECTS - left)]
    theirs = [RIGHT if one == LEFT else LEFT for one in ours]
    found = judged(peaks(*ours, apart=12), peaks(*theirs, apart=12), FLOAT32)
    assert [one.facts["side"] for one in found.findings if one.code == "bias"] == sides
    assert [one.code for one in found.findings if one.code != "bias"] == []
