"""Ops that do not run alone are found among those that do."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from parity.layers.subjects.refusals import first_line, halved, worded
from parity.runtimes.contract import LOST, AdapterError


def refuse(index: int, error: Exception) -> str:
    """As a subject does."""
    return f"op {index}: {worded(error)}"


@pytest.mark.parametrize("bad", [(), (3,), (0, 6), tuple(range(7))], ids=str)
def test_every_op_is_answered_and_only_bad_ones_are_refused(bad: tuple[int, ...]) -> None:
    """Whatever library runs them fails as a whole where one of them is bad."""

    def run(feeds: Mapping[int, int]) -> dict[int, str]:
        if set(bad) & set(feeds):
            raise ValueError("no kernel\nand a long trace")
        return {index: f"made of {fed}" for index, fed in feeds.items()}

    found = halved({index: 10 * index for index in range(7)}, run, refuse)
    reason = "ValueError: no kernel"
    expected = {i: f"op {i}: {reason}" if i in bad else f"made of {10 * i}" for i in range(7)}
    assert found == expected


@pytest.mark.parametrize("code", sorted(LOST))
def test_a_runtime_that_is_gone_is_no_answer_of_an_op(code: str) -> None:
    """Nothing is halved then, whatever the ops."""
    calls = []

    def run(feeds: Mapping[int, int]) -> dict[int, str]:
        calls.append(feeds)
        raise AdapterError(code)

    with pytest.raises(AdapterError):
        halved({0: 0, 1: 1}, run, refuse)
    assert len(calls) == 1


def test_an_error_without_words_is_told_by_its_type() -> None:
    """Some libraries say nothing."""
    assert first_line(KeyError()) == "KeyError"
    assert worded(AdapterError("run-failed", reason="too small")) == "too small"
