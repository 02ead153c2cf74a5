"""What a run was asked for and what of it was judged: whether its verdict is one of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from parity.errors import LostTest

if TYPE_CHECKING:
    from parity.record import RuntimeRecord, SuiteRecord


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


def gaps(record: SuiteRecord) -> tuple[Gap, ...]:
    """What a suite declares and this record has no verdict on. A run without any is complete.

    A runtime that was asked for and could not be opened or run is no gap: its verdict, error, is
    one of the whole. Neither is a reference that did not run where its golden stood in for it.
    """
    found = {one.name: one for one in record.runtimes}
    stood_in = record.reference if record.reference_source == "golden" else None
    return tuple(
        gap
        for name in record.scope.runtimes
        if (gap := _gap(name, record.images, found.get(name), name == stood_in)) is not None
    )


def _gap(
    name: str, images: Sequence[str], record: RuntimeRecord | None, stood_in: bool
) -> Gap | None:
    if record is None or record.verdict == "skipped":
        why: Why = "left out" if record is None else "not installed"
        return None if stood_in else Gap(name, tuple(images), why)
    lost = record.failure is not None and record.failure.cause == LostTest.cause
    if record.failure is not None and not lost:
        return None
    judged = {one.image for one in record.images}
    left = tuple(one for one in images if one not in judged)
    if not left and record.budget is not None:
        return None
    return Gap(name, left, "lost" if lost else "left out")
