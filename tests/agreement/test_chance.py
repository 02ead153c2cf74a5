"""The statistics behind a verdict, against textbook values and brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from parity.agreement.chance import (
    above_by_chance,
    at_least,
    exceeds_by_chance,
    line_ends,
    lower_bound,
    median,
    robust_line,
    together_by_chance,
    upper_bound,
)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_how_often_even_noise_lies_close_together(count: int) -> None:
    """Never more often than is said, and no more than twice as rarely, for limits of any size."""
    rng = np.random.default_rng(count)
    limits = rng.uniform(1, 2, count)
    tries = rng.uniform(-1, 1, (200_000, count)) * limits
    said = np.array([0.1, 0.3, 0.6])
    for reach in said:
        value = together_by_chance(np.linspace(0, reach, count), limits)
        often = float((np.ptp(tries, axis=1) <= reach).mean())
        assert often <= value * 1.02 + 1e-4
        assert value <= 3 * often + 1e-3


def test_what_is_beyond_its_limit_is_no_even_noise() -> None:
    """And equal values are not noise at all."""
    assert together_by_chance(np.array([0.9, 1.1]), np.ones(2)) == 0.0
    assert together_by_chance(np.array([0.9, 0.9]), np.ones(2)) == 0.0


def test_a_line_minds_that_noise_differs_along_it() -> None:
    """Six noisy scores near the threshold among thirty sure ones do not make a bias."""
    rng = np.random.default_rng(0)
    x = np.concatenate([np.linspace(0.4, 0.6, 6), np.linspace(0.8, 1.0, 27)])
    design = np.column_stack([np.ones(33), x - median(x)])
    values = np.where(x < 0.7, 0.03, 0.001)
    exceeded = 0
    for _ in range(200):
        (_, low, error), _ = line_ends(design, values * rng.normal(size=33), x)
        exceeded += above_by_chance(abs(low), 0.0, error, 31) < 1e-4
    assert exceeded <= 4


@pytest.mark.parametrize("count", [1, 2, 7, 10])
def test_the_median_is_that_of_numpy_bit_for_bit(count: int) -> None:
    """Of odd and even counts."""
    values = np.random.default_rng(count).normal(size=count)
    assert median(values) == np.median(values)


@pytest.mark.parametrize(("count", "total"), [(0, 20), (1, 5), (3, 412), (20, 20), (7, 9)])
def test_bounds_are_those_of_clopper_and_pearson(count: int, total: int) -> None:
    """One-sided at 95 %, which is one end of a two-sided interval of 90 %."""
    interval = stats.binomtest(count, total).proportion_ci(0.9, "exact")
    assert lower_bound(count, total) == pytest.approx(interval.low, abs=1e-9)
    assert upper_bound(count, total) == pytest.approx(interval.high, abs=1e-9)


@pytest.mark.parametrize("chances", [[0.5] * 4, [0.1, 0.5, 0.9], [0.01, 0.01, 0.5, 0.3, 1.0]])
def test_a_tail_of_unequal_chances_is_that_of_every_outcome(chances: list[float]) -> None:
    """All outcomes of a few events, weighed one by one."""
    for count in range(len(chances) + 1):
        expected = sum(
            float(np.prod([p if hit else 1 - p for p, hit in zip(chances, hits, strict=True)]))
            for hits in product((True, False), repeat=len(chances))
            if sum(hits) >= count
        )
        assert at_least(count, chances) == pytest.approx(expected)


def test_a_sign_test_minds_no_outlier_and_a_t_test_needs_few_values() -> None:
    """Twenty-five of one sign are no chance, nor are five that hardly scatter; five that do are."""
    wild = np.r_[np.full(24, 0.1), 1e6]
    assert exceeds_by_chance(wild) == pytest.approx(0.5**25)
    assert exceeds_by_chance(np.array([1.0, 1.01, 0.99, 1.0, 1.0])) < 1e-6
    assert exceeds_by_chance(np.array([1.0, -0.9, 0.8, 0.3, -0.2])) > 0.1
    assert exceeds_by_chance(np.array([-1.0, -1.1])) == 1.0


def test_a_deviation_known_from_others_stands_in_for_few_values() -> None:
    """Four equal values say nothing of their noise; others do."""
    four = np.full(4, 0.5)
    assert exceeds_by_chance(four, 0.01, 100) < 1e-6
    assert exceeds_by_chance(four, 2.0, 100) > 0.05


def test_an_estimate_within_its_limit_is_always_chance() -> None:
    """And one above it without any error is none."""
    assert above_by_chance(0.2, 0.25, 0.1, 10) == 1.0
    assert above_by_chance(0.3, 0.25, 0.0, 10) == 0.0
    assert above_by_chance(0.35, 0.25, 0.1, 10) == pytest.approx(float(stats.t.sf(1.0, 10)))


def test_a_robust_line_is_not_turned_by_outliers() -> None:
    """Nine of ten values on a line, one of ten anywhere: least squares would follow them."""
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 200)
    y = 0.3 + 2 * x + rng.normal(0, 0.01, 200)
    y[::10] += 5
    design = np.column_stack([np.ones(200), x])
    beta, _ = robust_line(design, y)
    assert beta == pytest.approx([0.3, 2.0], abs=0.02)


def test_the_ends_of_a_line_are_where_its_values_are() -> None:
    """At the 5 % and the 95 % point, with no error where nothing scatters."""
    x = np.linspace(0, 100, 101)
    design = np.column_stack([np.ones(101), x - np.median(x)])
    (low, at_low, error), (high, at_high, _) = line_ends(design, 0.5 * x, x)
    assert (low, at_low) == (5, pytest.approx(2.5))
    assert (high, at_high) == (95, pytest.approx(47.5))
    assert error == pytest.approx(0, abs=1e-9)


def test_more_events_than_there_are_never_happen() -> None:
    """And none at all always do."""
    assert at_least(6, [0.5] * 5) == 0.0
    assert at_least(1, []) == 0.0
    assert at_least(0, []) == 1.0


def test_the_tail_of_a_large_suite_is_that_of_scipy() -> None:
    """Of twenty thousand objects with two chances, against a normal distribution's tail."""
    chances = [0.01] * 10000 + [0.5] * 10000
    mean, deviation = 5100.0, (99 + 2500) ** 0.5
    for count in (5000, 5100, 5200):
        expected = stats.norm.sf((count - 0.5 - mean) / deviation)
        assert at_least(count, chances) == pytest.approx(float(expected), abs=2e-3)
