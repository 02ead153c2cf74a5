"""What a run was asked for and what of it was judged: whether its verdict is one of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from parity.errors import LostTest

if TYPE_CHECKING:
    from parity.record import RuntimeRecord, SuiteRecord


@dataclass(frozen=True)
class Scope:
    """What a suite declares to be judged, and what kept this run from judging all of it.

    ``runtimes``: the names of those that have something to be judged against: every candidate, and
    the reference if it has a golden. Each is declared on every image of the suite. ``selection``:
    what left some of that out, in words ("only onnx was asked for", "-k fast"). ``stopped``: why
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
    why: Literal["left out", "not installed", "lost"]


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
    one of the whole. Neither is a reference that is not installed where its golden stands in.
    """
    found = {one.name: one for one in record.runtimes}
    stands_in = record.reference if record.reference_source == "golden" else None
    return tuple(_gaps(record.scope.runtimes, record.images, found, stands_in))


def _gaps(
    declared: Iterable[str],
    images: Sequence[str],
    found: dict[str, RuntimeRecord],
    stands_in: str | None,
) -> Iterator[Gap]:
    for name in declared:
        record = found.get(name)
        if record is None:
            yield Gap(name, tuple(images), "left out")
        elif record.verdict == "skipped":
            if name != stands_in:
                yield Gap(name, tuple(images), "not installed")
        else:
            lost = record.failure is not None and record.failure.cause == LostTest.cause
            if record.failure is not None and not lost:
                continue
            judged = {one.image for one in record.images}
            left = tuple(one for one in images if one not in judged)
            if left or record.budget is None:
                yield Gap(name, left, "lost" if lost else "left out")
