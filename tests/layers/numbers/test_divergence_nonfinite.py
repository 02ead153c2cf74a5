"""Numbers that are not finite: those that both sides have agree, the others do not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parity.layers.numbers.divergence import Meter, relative


def test_the_same_infinity_or_nan_on_both_sides_is_no_difference():
    """They are left out of every number, and of the counts."""
    one = np.ones(20_000, np.float32)
    one[[3, 9_000, 19_999]] = np.nan, np.inf, -np.inf
    two = one.copy()
    two[5] = 1.5
    found = Meter().compare(one, two)
    assert (found.count, found.nonfinite, found.max_abs) == (19_997, 0, 0.5)
    assert found.mismatched == 1 / 19_997
    assert relative(one, two) == pytest.approx(found.rel_l2)


@pytest.mark.parametrize("other", [np.nan, np.inf, 1.0], ids=str)
def test_another_number_in_the_place_of_an_infinity_is_counted(other: float):
    """A NaN, the other infinity, or a finite one."""
    one, two = np.ones(10), np.ones(10)
    one[4], two[4] = -np.inf, other
    assert Meter().compare(one, two).nonfinite == 1
    assert relative(one, two) == math.inf
