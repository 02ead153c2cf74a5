"""The tests that a suite becomes. Each judges through the suite's ``Run`` and tells its record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parity import golden
from parity.errors import ParityError, of_the_system
from parity.harness import absent_record
from parity.harness.scoping import no_candidate
from parity.pytest_plugin.layering import layers_message
from parity.pytest_plugin.properties import image_properties, runtime_properties
from parity.pytest_plugin.running import run_of
from parity.pytest_plugin.selecting import names_of
from parity.record import Failure, ImageRecord, RuntimeRecord, to_data
from parity.record.completeness import Scope
from parity.suite import Suite

TOLD = pytest.StashKey[dict[tuple[Path, str, str], str]]()
"""Where each reason of a suite was told."""


class Disagreement(Exception):
    """A verdict that is not pass; its text is the whole message."""


class ParityItem(pytest.Item):
    """One verdict. ``parity_found`` is what travels to the controller.

    ``image`` is "" for the test over all images.
    """

    def __init__(self, *, suite: Suite, image: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.suite = suite
        self.image = image
        self.parity_found: dict[str, Any] | None = None

    @property
    def runtime(self) -> str:
        """The runtime that is judged."""
        assert self.parent is not None
        return self.parent.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A verdict or an error of a runtime is told in its own words, without a traceback."""
        if isinstance(excinfo.value, Disagreement | ParityError):
            return str(excinfo.value)
        refused = of_the_system(excinfo.value)
        if refused is not None:
            return refused
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where the item is from; pytest needs a line of what somebody marked to be skipped."""
        return self.path, 0, f"{self.runtime}: {self.name}"

    def opened(self) -> RuntimeRecord:
        """The open runtime; skips or fails where it is not installed, raises where it is broken."""
        run = run_of(self.config, self.suite)
        reason = run.missing(self.runtime)
        if reason is not None:
            self._tell(self._absent())
            if self._required():
                raise Disagreement(f"{self.runtime} is required by --parity-require: {reason}")
            pytest.skip(reason)
        record = run.open(self.runtime)
        if record.failure is not None:
            self._tell(record)
            raise Disagreement(self._once(record.failure, record.reason))
        return record

    def _once(self, failure: Failure, whole: str) -> str:
        """What to say of a failure: all of it where its like is met first, else where that was."""
        told = self.config.stash.setdefault(TOLD, {})
        kind, line = failure.likeness
        key = (self.suite.path, kind, line.removeprefix(f"{self.runtime}: "))
        first = told.setdefault(key, self.nodeid)
        if first == self.nodeid:
            return whole
        return f"{self.runtime}: could not be judged, for the same reason as {first}"

    def _absent(self) -> RuntimeRecord:
        """The record of this runtime where it is not installed: skipped, unless it is required."""
        reason = run_of(self.config, self.suite).missing(self.runtime) or ""
        return absent_record(self.suite, self.runtime, reason, skipped=not self._required())

    def _required(self) -> bool:
        required = names_of(self.config, "parity_require")
        return "all" in required or self.runtime in required

    def _tell(
        self,
        record: RuntimeRecord,
        image: ImageRecord | None = None,
        doubts: tuple[str, ...] = (),
    ) -> None:
        """Put what was found where pytest's report and JUnit find it."""
        self.parity_found = {
            "suite": str(self.suite.path),
            "detector": self.suite.name,
            "reference": str(self.config.getoption("parity_reference")),
            "runtime": to_data(record),
            "image": None if image is None else to_data(image),
            "doubts": doubts,
        }


class ImageItem(ParityItem):
    """One runtime on one image."""

    def runtest(self) -> None:
        """Judge the image."""
        from parity.report.messages import message as messages

        header = self.opened()
        found = run_of(self.config, self.suite).image(self.runtime, self.image)
        self._tell(header, found)
        self.user_properties += image_properties(found)
        if found.verdict != "pass":
            told = messages.image_message(found, header, self.suite.classes)
            if found.failure is not None:
                told = self._once(found.failure, told)
            raise Disagreement(told)


class AllImages(ParityItem):
    """One runtime over all images, whatever of them was left out or lost before."""

    def runtest(self) -> None:
        """Judge the budget, and that there was a candidate to judge."""
        run = run_of(self.config, self.suite)
        absent = self._absent_candidates()
        if absent is not None and run.missing(self.runtime) is not None:
            self._tell(self._absent())
            raise Disagreement(self._nothing_judged(absent))
        self.opened()
        record = run.runtime(self.runtime)
        run.release(self.runtime)
        self._tell(record, doubts=run.doubts_of(self.runtime))
        self.user_properties += runtime_properties(record)
        told = [] if record.verdict in ("pass", None) else [*self._failed(record)]
        if absent is not None:
            told.append(self._nothing_judged((*absent, record)))
        if told:
            raise Disagreement("\n\n".join(told))

    def _absent_candidates(self) -> tuple[RuntimeRecord, ...] | None:
        """The candidates of this run where not one is installed (or asked for); else None."""
        run = run_of(self.config, self.suite)
        wanted = names_of(self.config, "parity_runtimes")
        asked = [name for name in self.suite.candidates if not wanted or name in wanted]
        reasons = {name: run.missing(name) for name in asked}
        if None in reasons.values():
            return None
        return tuple(
            absent_record(self.suite, name, reason or "", skipped=True)
            for name, reason in reasons.items()
        )

    def _failed(self, record: RuntimeRecord) -> Iterator[str]:
        from parity.report.messages import message as messages

        yield messages.runtime_message(record, self.suite.classes)
        if record.verdict == "fail" and self.config.getoption("parity_layers"):
            yield layers_message(self.config, self.suite, self.runtime)

    def _nothing_judged(self, records: Iterable[RuntimeRecord]) -> str:
        """What ``parity check`` says of such a suite, and why each candidate was skipped."""
        records = tuple(records)
        failure = no_candidate(self.suite, records, Scope(()))
        assert failure is not None
        reasons = [f"  {one.reason}" for one in records if one.reason]
        return "\n".join([failure.message, *reasons])


class RecordItem(ParityItem):
    """Records the suite's goldens; it never passes, so that nothing is recorded by accident."""

    def runtest(self) -> None:
        """Record, and say so as a failure."""
        from parity.harness import record

        had = golden.exists(self.suite)
        folder = record(self.suite)
        raise Disagreement(
            f"{self.suite.name}: {'replaced' if had else 'recorded'} the goldens of "
            f"{len(self.suite.images)} images in {folder.name}/. Look at what changed, commit it, "
            f"and run again without --parity-record: a run that records judges nothing."
        )
