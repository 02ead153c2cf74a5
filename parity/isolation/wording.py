"""What a user reads when the process of a runtime is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]


def missing_library(facts: Facts) -> str:
    """A library is not there where the runtime is; the facts are those of an adapter."""
    if not facts["library"]:  # there is no such environment at all
        return str(facts["reason"])
    return (
        f"expected {facts['library']} in the environment of this runtime, found that it is not "
        f"installed there; add it to requires under [runtimes.{facts['runtime']}]"
    )


def timed_out(facts: Facts) -> str:
    """It took longer than it may."""
    what = "an image" if facts["doing"] == "ran an image" else "an answer"
    return (
        f"expected {what} within {facts['seconds']:g} s, found none: its process was stopped while "
        f"it {facts['doing']}.{_last_lines(facts)}"
    )


def out_of_memory(facts: Facts) -> str:
    """It took more than its limit, or, in any process, more than there is."""
    if facts["limit"] is None:
        reason = str(facts["reason"]).rstrip(".")
        return (
            f"expected enough memory, found too little of it while it {facts['doing']}: {reason}. "
            f"Free some, or use a smaller model or a smaller input."
        )
    found = "more" if facts["found"] is None else f"{facts['found'] / (1 << 20):.0f} MiB"
    return (
        f"expected at most memory_limit = {facts['limit'] / (1 << 20):g} MiB, found {found}: its "
        f"process was stopped while it {facts['doing']}.{_last_lines(facts)}"
    )


def worker_lost(facts: Facts) -> str:
    """It crashed, or was killed."""
    return (
        f"expected an answer, found that its process {facts['how']} while it {facts['doing']}."
        f"{_last_lines(facts)}"
    )


def _last_lines(facts: Facts) -> str:
    lines = [str(line) for line in facts["output"]]
    return (
        "\n".join([" The last lines that it wrote:", *(f"  {line}" for line in lines)])
        if lines
        else ""
    )
