"""Cut models stay open from one image to the next, and not for ever."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.layers.subjects.cutting import Cut
from parity.layers.subjects.open_cuts import OpenCut, OpenCuts, key_of


class Closing:
    """An adapter that remembers whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def pair() -> tuple[OpenCut, ...]:
    """Two models that are for one purpose."""
    adapters: list[Any] = [Closing(), Closing()]
    return tuple(OpenCut(Cut(b"", {}), one) for one in adapters)


def closed(some: tuple[OpenCut, ...]) -> list[bool]:
    """Of each, whether it is."""
    adapters: list[Any] = [one.adapter for one in some]
    return [one.closed for one in adapters]


def test_a_model_is_opened_once_for_ops_that_are_fed_the_same_shapes() -> None:
    """Whatever is in the tensors, and in which order they are named."""
    cuts = OpenCuts()
    a, b = np.zeros((1, 3)), np.ones((2, 2))
    first = cuts.get(key_of({4: {"a": a, "b": b}}), pair)
    assert cuts.get(key_of({4: {"b": b + 1, "a": a}}), pair) is first
    assert cuts.get(key_of({4: {"a": b, "b": b}}), pair) is not first
    assert cuts.get(key_of({5: {"a": a, "b": b}}), pair) is not first


def test_the_one_that_was_longest_not_asked_for_is_closed_first() -> None:
    """All models of its purpose are; those in use stay."""
    cuts = OpenCuts()
    opened = [cuts.get(key, pair) for key in range(12)]
    cuts.get(0, pair)
    cuts.get(12, pair)
    assert [all(closed(some)) for some in opened] == [False, True] + [False] * 10
    cuts.close()
    assert all(all(closed(some)) for some in opened)
