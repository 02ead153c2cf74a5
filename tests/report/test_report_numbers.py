"""Numbers are shown with as many digits as it takes to stay on the right side of their limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.agreement import Share
from parity.report import numbers

SIZES = st.floats(min_value=1e-12, max_value=1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (0.10004, 0.1, "0.10004"),
        (0.1, 0.1, "0.100"),
        (0.09996, 0.1, "0.09996"),
        (0.99899999, 0.999, "0.99899999"),
        (0.9991, 0.999, "0.9991"),
        (0.25, 0.1, "0.250"),
        (1.004e-5, 1e-5, "1.004e-05"),
        (3.14e-6, 1e-5, "3.14e-06"),
        (0.0, 0.1, "0"),
        (16.08, 1.0, "16.1"),
        (float("nan"), 0.1, "nan"),
        (float("inf"), 0.1, "inf"),
    ],
)
def test_a_value_beside_its_limit(value: float, limit: float, text: str) -> None:
    """A value is printed with three digits, or more where fewer would cross its limit."""
    assert numbers.beside(value, limit) == text


@given(SIZES, SIZES)
def test_what_is_printed_compares_as_the_value_does(value: float, limit: float) -> None:
    """The printed value is beyond the printed limit exactly where the value is beyond the limit."""
    shown, allowed = float(numbers.beside(value, limit)), float(numbers.exact(limit))
    assert (shown > allowed, shown < allowed) == (value > limit, value < limit)


@pytest.mark.parametrize(
    ("share", "allowed", "text"),
    [
        (0.01004, 0.01, "1.004 %"),
        (0.01, 0.01, "1.0 %"),
        (0.0099999, 0.01, "0.99999 %"),
        (3 / 412, 0.01, "0.73 %"),
        (1 - 0.9, 0.1, "10 %"),
        (0.07, None, "7 %"),
    ],
)
def test_a_share_beside_what_is_allowed(share: float, allowed: float | None, text: str) -> None:
    """1.004 % is never shown as 1 % where 1 % is allowed."""
    assert numbers.percent(share, allowed) == text


@pytest.mark.parametrize(
    ("count", "total", "allowed", "text"),
    [
        (3, 412, 0.01, "73 % of the budget"),
        (9, 412, 0.01, "218 % of the budget"),
        (10, 100, 1 - 0.9, "100 % of the budget"),
        (1001, 100_000, 0.01, "100.1 % of the budget"),
        (3, 412, 0.0, ""),
        (0, 0, 0.01, ""),
    ],
)
def test_how_much_of_a_budget_was_used(count: int, total: int, allowed: float, text: str) -> None:
    """What does not fit a budget is never shown as 100 % of it."""
    assert numbers.budget_used(Share("lost", "max_lost", count, total, allowed)) == text


@pytest.mark.parametrize(("total", "most"), [(20, 1), (5, 0)])
def test_a_budget_of_less_than_one_says_how_many_it_covers(total: int, most: int) -> None:
    """1 % of 20 detections is none of them and covers one; of 5 it covers none, and says so."""
    share = Share("lost", "max_lost", 1, total, 0.01)
    assert numbers.allowed(share) == f"allowed 1 % ({most} of {total})"
    assert share.holds is bool(most)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (1e-5, "1e-05"), (1.0, "1"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_a_limit_is_shown_exactly(value: float, text: str) -> None:
    """A limit is printed as the shortest text that reads back as it."""
    assert numbers.exact(value) == text


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (2048, "2.0 KiB"), (3_610_990, "3.4 MiB")]
)
def test_the_size_of_a_file(count: int, text: str) -> None:
    """Sizes are told in the unit that a reader can compare."""
    assert numbers.size(count) == text
