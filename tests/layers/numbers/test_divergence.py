"""Divergence: one pass, plain formulas, and what it says of odd tensors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parity.layers.numbers.divergence import Limits, Meter, Spread, norm, relative


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two tensors of more than two chunks, not a multiple of one."""
    rng = np.random.default_rng(3)
    one = rng.normal(size=(1, 7, 61, 53)).astype(np.float32)
    return one, one + 0.01 * rng.normal(size=one.shape).astype(np.float32)


def test_metrics_are_the_plain_formulas(pair):
    """Every number is what numpy says over the whole tensor in float64."""
    one, two = (side.astype(np.float64) for side in pair)
    found = Meter(Limits(atol=0.01, rtol=0.02)).compare(*pair)
    apart = two - one
    assert found.count == one.size
    assert found.max_abs == np.abs(apart).max()
    assert found.mean_abs == pytest.approx(np.abs(apart).mean(), rel=1e-12)
    assert found.rmse == pytest.approx(np.sqrt((apart**2).mean()), rel=1e-12)
    assert found.rel_l2 == pytest.approx(np.linalg.norm(apart) / np.linalg.norm(one), rel=1e-12)
    assert found.sqnr_db == pytest.approx(10 * np.log10((one**2).sum() / (apart**2).sum()))
    cosine = (one * two).sum() / np.linalg.norm(one) / np.linalg.norm(two)
    assert found.cosine == pytest.approx(cosine, rel=1e-12)
    assert found.mismatched == np.mean(np.abs(apart) > 0.01 + 0.02 * np.abs(one))
    assert found.nonfinite == 0


def test_a_transposed_view_is_compared_like_its_copy(pair):
    """The layout change may be a view; the numbers are the same."""
    one, two = (side.transpose(0, 2, 3, 1) for side in pair)
    assert Meter().compare(one, two) == Meter().compare(one.copy(), two.copy())


def test_equal_tensors_have_no_error():
    """Relative L2 is 0, SQNR infinite, the cosine 1."""
    found = Meter().compare(np.arange(9.0), np.arange(9.0))
    assert (found.rel_l2, found.sqnr_db, found.cosine) == (0.0, math.inf, pytest.approx(1))


def test_shapes_that_would_broadcast_are_refused():
    """(1, 4) against (4,) is an error, never a comparison."""
    with pytest.raises(ValueError) as caught:
        Meter().compare(np.zeros((1, 4)), np.zeros(4))
    assert str(caught.value) == "expected tensors of one shape, found (1, 4) and (4,)"


@pytest.mark.parametrize("sides", [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)], ids=str)
def test_a_tensor_of_zeros_has_no_cosine(sides):
    """There is no angle to nothing."""
    one, two = (np.full(10, side) for side in sides)
    assert Meter().compare(one, two).cosine is None


def test_zero_reference_against_something_is_infinitely_far():
    """Not 0, not NaN, and never clipped by an epsilon."""
    found = Meter().compare(np.zeros(5), np.ones(5))
    assert (found.rel_l2, found.sqnr_db) == (math.inf, -math.inf)


def test_what_is_not_finite_is_counted_and_left_out():
    """NaN and infinity count as mismatched and never as numbers."""
    one, two = np.ones(20_000), np.full(20_000, 1.5)
    two[3], two[9_000], one[19_999] = np.nan, np.inf, -np.inf
    found = Meter().compare(one, two)
    assert (found.count, found.nonfinite) == (19_997, 3)
    assert (found.max_abs, found.rel_l2) == (0.5, 0.5)
    assert found.mismatched == 1.0


def test_sums_are_in_float64():
    """A million float32 of 1.1 against 1.0 lose nothing to the order of summing."""
    one, two = np.ones(10**6, np.float32), np.full(10**6, np.float32(1.1))
    exact = float(np.float64(np.float32(1.1)) - 1.0)
    assert Meter().compare(one, two).mean_abs == pytest.approx(exact, rel=1e-12)


def test_a_one_dimensional_output_off_by_100_is_off_by_100():
    """No shape of tensor is skipped."""
    found = Meter().compare(np.arange(5.0), np.arange(5.0) + 100)
    assert (found.max_abs, found.mean_abs, found.mismatched) == (100.0, 100.0, 1.0)


def test_integers_are_compared_without_wrapping_around():
    """uint8 3 − 5 is −2, not 254."""
    found = Meter().compare(np.array([5], np.uint8), np.array([3], np.uint8))
    assert found.max_abs == 2.0


def test_streaming_equals_the_batch():
    """Image after image gives the worst and the mean that all at once would."""
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=50), rng.normal(size=50)) for _ in range(5)]
    found = [Meter().compare(*pair) for pair in pairs]
    spread = Spread.of(found[0], 0)
    for image, one in enumerate(found[1:], start=1):
        spread = spread.add(one, image)
    errors = [one.rel_l2 for one in found]
    assert spread.worst == found[int(np.argmax(errors))]
    assert spread.image == int(np.argmax(errors))
    assert spread.mean_rel_l2 == pytest.approx(np.mean(errors))
    assert spread.images == 5


def test_an_image_with_nan_is_worse_than_any_number():
    """It is the worst image even where the numbers left in it are close."""
    clean = Meter().compare(np.ones(4), np.full(4, 9.0))
    broken = Meter().compare(np.ones(4), np.array([1, 1, np.nan, 1]))
    assert Spread.of(clean, 0).add(broken, 1).image == 1


def test_relative_and_norm_are_the_plain_formulas(pair):
    """The short forms agree with the long one."""
    assert relative(*pair) == pytest.approx(Meter().compare(*pair).rel_l2, rel=1e-12)
    assert norm(pair[0]) == pytest.approx(np.linalg.norm(pair[0].astype(np.float64)), rel=1e-12)
    assert relative(np.ones(3), np.array([1, np.nan, 1])) == math.inf
