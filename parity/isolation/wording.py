"""What a user reads when the process of a runtime is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.errors import RunError, RuntimeFailure, RuntimeMissing
from parity.runtimes import support

Facts = Mapping[str, Any]


def missing_library(runtime: str, facts: Facts) -> RuntimeFailure:
    """A library is not there where the runtime is; the facts are those of an adapter."""
    if not facts["library"]:  # there is no such environment at all
        return RuntimeMissing(runtime, str(facts["reason"]))
    if support.not_installed(facts):
        return RuntimeMissing(runtime, _absent(runtime, facts))
    return RuntimeMissing(
        runtime,
        f"expected {facts['library']} that can be imported in the environment of this runtime, "
        f"found {facts['reason']}. What it needs may be installed there in a newer version than "
        f"it knows: name an older one in requires under [runtimes.{runtime}], as 'numpy<2'.",
    )


def _absent(runtime: str, facts: Facts) -> str:
    return (
        f"expected {facts['library']} in the environment of this runtime, found that it is not "
        f"installed there; add it to requires under [runtimes.{runtime}]"
    )


def _timed_out(runtime: str, facts: Facts) -> RuntimeFailure:
    what = "an image" if facts["doing"] == "ran an image" else "an answer"
    return RunError(
        runtime,
        f"expected {what} within {facts['seconds']:g} s, found none: its process was stopped while "
        f"it {facts['doing']}.{_last_lines(facts)}",
    )


def _out_of_memory(runtime: str, facts: Facts) -> RuntimeFailure:
    found = "more" if facts["found"] is None else f"{facts['found'] / (1 << 20):.0f} MiB"
    return RunError(
        runtime,
        f"expected at most memory_limit = {facts['limit'] / (1 << 20):g} MiB, found {found}: its "
        f"process was stopped while it {facts['doing']}.{_last_lines(facts)}",
    )


def _worker_lost(runtime: str, facts: Facts) -> RuntimeFailure:
    return RunError(
        runtime,
        f"expected an answer, found that its process {facts['how']} while it {facts['doing']}."
        f"{_last_lines(facts)}",
    )


def _last_lines(facts: Facts) -> str:
    lines = [str(line) for line in facts["output"]]
    return (
        "\n".join([" The last lines that it wrote:", *(f"  {line}" for line in lines)])
        if lines
        else ""
    )


ERRORS = {
    "timed-out": _timed_out,
    "out-of-memory": _out_of_memory,
    "worker-lost": _worker_lost,
}
"""How each of ``contract.LOST`` is said."""
