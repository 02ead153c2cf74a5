"""Ties of two classes that all turn one way: each is proven, and the class is gone all the same."""

from __future__ import annotations

import pytest
from agreeing import FLOAT32, INT8, agree, suppressed, total

from parity.agreement import Budget, ImageAgreement
from parity.choosing import BEST_CLASS
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
