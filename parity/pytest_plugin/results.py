"""What all items of a run found, merged in the one process that reports."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from parity.errors import LostTest, SuiteError
from parity.harness import suite_record
from parity.harness.noting import doubtful
from parity.harness.scoping import in_part, unjudged_record, unloaded_record, unreached_record
from parity.pytest_plugin.selecting import scope_of
from parity.pytest_plugin.sharing import collected
from parity.record import (
    Failure,
    ImageRecord,
    RuntimeRecord,
    SuiteRecord,
    from_data,
)
from parity.suite import Suite, load
from parity.suite.naming import detector_name


def report_folder(config: pytest.Config) -> Path | None:
    """Where reports go: the option starts where pytest was called, the ini value at its root."""
    option, ini = config.getoption("parity_report"), config.getini("parity_report")
    if option:
        return config.invocation_params.dir / str(option)
    return config.rootpath / str(ini) if ini else None


@dataclass
class End:
    """How a run ended: why it stopped early, and what ended without telling a verdict.

    ``lost`` are reasons by the id of a test: one whose process died stays lost, as it stays failed
    to pytest, where it ran again afterwards. ``broken``: what is wrong with a suite that does not
    load, by its path.
    """

    stopped: str = ""
    lost: dict[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)


class Results:
    """Collects records of images and runtimes by suite."""

    def __init__(
        self, started: datetime.datetime, told: Iterable[tuple[str, dict[str, Any]]] = ()
    ) -> None:
        self._started = started.isoformat(timespec="seconds")
        self._told: set[str] = set()
        self._wholes: dict[tuple[str, str], RuntimeRecord] = {}
        self._headers: dict[tuple[str, str], RuntimeRecord] = {}
        self._images: dict[tuple[str, str], dict[str, ImageRecord]] = {}
        self._doubts: dict[str, dict[str, tuple[str, ...]]] = {}
        for test, found in told:
            self._add(test, found)

    def _add(self, test: str, found: dict[str, Any]) -> None:
        """Take what one item told."""
        self._told.add(test)
        record = from_data(RuntimeRecord, found["runtime"])
        key = (found["suite"], record.name)
        if found["image"] is not None:
            image = from_data(ImageRecord, found["image"])
            self._images.setdefault(key, {})[image.image] = image
            self._headers[key] = record
        else:
            self._wholes[key] = record
            self._doubts.setdefault(found["suite"], {})[record.name] = tuple(found["doubts"])

    def records(self, config: pytest.Config, end: End) -> list[SuiteRecord]:
        """One record for every suite of which a test was selected, and for those that are broken.

        A runtime without ``all-images`` is told from its images.
        """
        asked = collected(config)
        found = [self._suite(config, path, tests, end) for path, tests in asked.items() if tests]
        broken = end.broken.items()
        return found + [_unloaded(path, Failure("SuiteError", why, 2)) for path, why in broken]

    def _suite(
        self, config: pytest.Config, path: str, tests: Mapping[str, tuple[str, str]], end: End
    ) -> SuiteRecord:
        try:
            suite = load(path)
        except SuiteError as error:  # it changed while it was judged
            return _unloaded(path, Failure.of(error))
        lost = {one: why for one, why in end.lost.items() if one in tests}
        skipped = {one for one in end.skipped if one in tests and one not in self._told}
        ended = self._told | set(lost) | skipped
        why = "" if ended.issuperset(tests) else end.stopped or "pytest ended before all tests ran"
        by_runtime = {tests[one][0]: (tests[one][1], reason) for one, reason in lost.items()}
        merged = (self._merged(suite, name, by_runtime.get(name)) for name in suite.runtimes)
        records = [one for one in merged if one is not None]
        scope = scope_of(config, suite, tests.values(), len(skipped), why)
        if not records:
            return replace(unreached_record(suite, scope), started=self._started)
        doubts = doubtful(self._doubts.get(path, {}))
        return suite_record(suite, records, self._started, scope, doubts=doubts)

    def _merged(
        self, suite: Suite, name: str, lost: tuple[str, str] | None
    ) -> RuntimeRecord | None:
        """One runtime: judged whole, from its images alone, lost, or None where it did not run."""
        key = (str(suite.path), name)
        record = self._wholes.get(key)
        if record is None and key in self._headers:
            images = sorted(self._images[key].values(), key=lambda one: one.image)
            record = in_part(self._headers[key], images)
        if lost is None or (record is not None and record.verdict == "error" and record.failure):
            return record
        image, why = lost
        failure = LostTest(name, f"{image or 'all-images'} ended without a verdict: {why}")
        if record is None:
            return unjudged_record(suite, name, failure)
        return replace(record, verdict="error", failure=Failure.of(failure))


def _unloaded(path: str, failure: Failure) -> SuiteRecord:
    """The record of a suite that does not load, or no longer does."""
    file = Path(path)
    return unloaded_record(detector_name(file) or file.parent.name, file, failure)
