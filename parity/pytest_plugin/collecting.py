"""A ``parity.toml`` as pytest sees it: a file of runtimes, each with its images and all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from parity import golden
from parity.errors import SuiteError, UsageError, of_the_system
from parity.pytest_plugin.items import AllImages, ImageItem, ParityItem, RecordItem
from parity.pytest_plugin.results import report_folder
from parity.pytest_plugin.selecting import names_of
from parity.pytest_plugin.sharing import Collected, publish
from parity.suite import Suite, load
from parity.suite.problems import unknown_name

SUITES = pytest.StashKey[list[Suite]]()


class SuiteFile(pytest.File):
    """One suite. A suite that is wrong is an error of collection, with every problem."""

    suite: Suite

    def collect(self) -> Iterable[pytest.Collector]:
        """One collector a runtime; of the reference only if it has a golden to drift from.

        A suite that is nothing but a reference has it too, for the test that says so and fails.
        """
        self.suite = load(self.path)
        config = self.config
        config.stash.setdefault(SUITES, []).append(self.suite)
        recording = config.getoption("parity_record")
        wanted = names_of(config, "parity_runtimes")
        for name in self.suite.runtimes:
            is_reference = name == self.suite.reference
            if recording and not is_reference:
                continue
            if wanted and name not in wanted and not recording:
                continue
            drifts = golden.exists(self.suite) or not self.suite.candidates
            if is_reference and not recording and not drifts:
                continue
            yield RuntimeNode.from_parent(self, name=name)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A problem of the suite is told in its own words, without a traceback."""
        if isinstance(excinfo.value, SuiteError):
            return str(excinfo.value)
        return of_the_system(excinfo.value) or super().repr_failure(excinfo)


class RuntimeNode(pytest.Collector):
    """One runtime of a suite: an item an image, then ``all-images``."""

    def collect(self) -> Iterable[pytest.Item]:
        """The runtime's items; under pytest-xdist they are one group."""
        assert isinstance(self.parent, SuiteFile)
        suite = self.parent.suite
        if self.config.getoption("parity_record"):
            yield RecordItem.from_parent(self, suite=suite, **self._named("all-images"))
            return
        judged = self.name != suite.reference or golden.exists(suite)
        for image in suite.images if judged else ():
            yield ImageItem.from_parent(self, suite=suite, image=image, **self._named(image))
        yield AllImages.from_parent(self, suite=suite, **self._named("all-images"))

    def _named(self, name: str) -> dict[str, str]:
        """An item's name, and its id where pytest-xdist groups by the end of ids.

        The suffix is the one that xdist gives to its own mark; that mark has no effect on ids
        since pytest 9.2. Bytes of a file's name that are no UTF-8 are escaped: pytest writes ids.
        """
        name = name.encode("utf-8", "backslashreplace").decode()
        if not getattr(self.config.option, "loadgroup", False):
            return {"name": name}
        return {"name": name, "nodeid": f"{self.nodeid}::{name}@{self.nodeid}"}


def tests_of(items: Iterable[pytest.Item]) -> Collected:
    """The tests that are left after every selection, by suite."""
    found: Collected = {}
    for item in items:
        if isinstance(item, ParityItem):
            found.setdefault(str(item.suite.path), {})[item.nodeid] = (item.runtime, item.image)
    return found


def check_collection(session: pytest.Session) -> None:
    """Raise ``UsageError`` before any test runs.

    For names that no suite has, two suites of one name, a report that cannot be written.
    """
    recording = session.config.getoption("parity_record")
    suites = {suite.path: suite for suite in session.config.stash.get(SUITES, [])}
    known = {name for suite in suites.values() for name in suite.runtimes}
    for option in ("parity_runtimes", "parity_require"):
        for name in names_of(session.config, option):
            if name != "all" and suites and name not in known:
                flag = "--" + option.replace("_", "-")
                raise pytest.UsageError(unknown_name(flag, name, known))
    if suites and not session.items and names_of(session.config, "parity_runtimes"):
        raise pytest.UsageError(
            "--parity-runtimes: expected a candidate, or a reference with goldens to drift from, "
            "found neither"
        )
    by_name: dict[str, Suite] = {}
    for suite in suites.values():
        other = by_name.setdefault(suite.name, suite)
        if other is not suite:
            raise pytest.UsageError(
                f"expected one suite of each name in a run, found {suite.name!r} in {other.path} "
                f"and in {suite.path}: their reports would overwrite each other"
            )
    publish(session.config, {} if recording else tests_of(session.items))
    worker = hasattr(session.config, "workerinput")  # its controller has asked already
    if by_name and not worker and not session.config.option.collectonly:
        check_report(session.config, by_name)


def check_report(config: pytest.Config, detectors: Iterable[str] = ()) -> None:
    """Raise ``UsageError`` where reports are asked for and cannot be written."""
    from parity.report.folders import need_writable
    from parity.report.suite.writing import FILES

    folder = report_folder(config)
    if folder is None:
        return
    try:
        need_writable(folder, detectors, "--parity-report", FILES)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
