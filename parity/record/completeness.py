"""What a run was asked for and what of it was judged: whether its verdict is one of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Why = Literal["left out", "not installed", "lost"]


@dataclass(frozen=True)
class Scope:
    """What a suite declares to be judged, and what kept this run from judging all of it.

    ``runtimes``: the names of those that have something to be judged against: every candidate, and
    the reference if it has a golden. Each is declared on every image of the suite. ``selection``:
    what left some of that out, in words ("only onnx asked for", "-k fast"). ``stopped``: why
    the run ended before all that was asked for was judged; "" where it did not.
    """

    runtimes: tuple[str, ...]
    selection: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why something was not judged, in words; what was not installed its own record says."""
        return (*self.selection, *([self.stopped] if self.stopped else []))


@dataclass(frozen=True)
class Gap:
    """What of one declared runtime was not judged.

    ``images`` are the ones without a verdict; () where each has one, and only what takes all of
    them together (budgets, bias, counts) was not judged.
    """

    runtime: str
    images: tuple[str, ...]
    why: Why


@dataclass(frozen=True)
class Earlier:
    """The last complete report of a suite, kept beside a partial one: its verdict and its start."""

    verdict: str
    started: str


def asked_only(names: Iterable[str]) -> str:
    """A selection of runtimes by name, in words."""
    return f"only {', '.join(names)} asked for"
