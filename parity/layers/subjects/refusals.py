"""Ops that do not run alone: found by halving, and said in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from parity.runtimes.contract import LOST, AdapterError

_Given = TypeVar("_Given")
_Answer = TypeVar("_Answer")


def halved(
    feeds: Mapping[int, _Given],
    run: Callable[[Mapping[int, _Given]], Mapping[int, _Answer]],
    refuse: Callable[[int, Exception], _Answer],
) -> dict[int, _Answer]:
    """What ``run`` answers for ops by index, asked for all together.

    Where that fails, they are halved until those that fail are alone; ``refuse`` is told why. A
    runtime whose process is gone is no op's answer: that ``AdapterError`` is raised.
    """
    if not feeds:
        return {}
    try:
        return dict(run(feeds))
    except Exception as error:  # whatever the library says of one op is that op's answer
        if isinstance(error, AdapterError) and error.code in LOST:
            raise
        if len(feeds) == 1:
            (index,) = feeds
            return {index: refuse(index, error)}
    indices = list(feeds)
    half = len(indices) // 2
    first, second = (
        halved({index: feeds[index] for index in some}, run, refuse)
        for some in (indices[:half], indices[half:])
    )
    return {**first, **second}


def worded(error: Exception) -> str:
    """An error as the reason why an op does not run."""
    if isinstance(error, AdapterError):
        return str(error.facts.get("reason", error.code))
    return first_line(error)


def first_line(error: BaseException) -> str:
    """An error's type and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
