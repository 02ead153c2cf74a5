"""The end of a run, in the process that reports: reports, summary, and what is no pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from parity.pytest_plugin.results import report_folder
from parity.record import SuiteRecord
from parity.report.folders import unwritten
from parity.report.suite.overview import closing
from parity.report.suite.terminal import overview
from parity.report.suite.writing import mark, report_lines, write_many

Write = Callable[[Iterable[SuiteRecord], Path], tuple[Path, ...]]
_DONE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


class Conclusion:
    """What a run has to say when it is over."""

    def __init__(self, records: Iterable[SuiteRecord], config: pytest.Config) -> None:
        self._records = tuple(records)
        self._config = config
        self._written: dict[Path, SuiteRecord] = {}
        self._lost: list[str] = []

    def write(self) -> None:
        """Write the reports where the options or the ini file ask for them."""
        folder = report_folder(self._config)
        if folder is None:
            return
        judged = [record for record in self._records if record.runtimes]
        names = {record.detector for record in judged}
        for record in self._records:
            if record.runtimes:
                self._write(record, folder, write_many)
            elif record.detector not in names:
                self._write(record, folder, mark)

    def _write(self, record: SuiteRecord, folder: Path, how: Write) -> None:
        """Write one suite's report; one that cannot be written leaves those of the others."""
        try:
            self._written |= dict.fromkeys(how([record], folder), record)
        except OSError as failure:
            self._lost.append(str(unwritten("--parity-report", folder, failure)))

    def judge(self, session: pytest.Session) -> None:
        """Fail a run whose tests passed though a suite is undecided, or whose report is lost.

        Not one candidate was judged, or somebody stopped the run before all that was asked for was.
        """
        undecided = any(
            one.failure is not None or (one.partial and one.scope.stopped) for one in self._records
        )
        if undecided and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._lost and session.exitstatus in _DONE:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def count(self, terminal: Any) -> None:
        """Have pytest's last line say how many suites were judged only in part."""
        partial = [record for record in self._records if record.partial]
        if not partial:
            return
        terminal.stats["partial"] = partial
        refresh = getattr(terminal, "_set_main_color", None)
        if refresh is not None:  # where a run was stopped, it keeps the words that it met before
            refresh()

    def summarise(self, terminal: Any) -> None:
        """Print the table of every suite, where reports are, and last what was not judged."""
        for record in self._records:
            if record.runtimes:
                terminal.section(f"parity: {record.detector}", sep="-")
                terminal.write_line(overview(record, terminal._tw.fullwidth))
        for path, record in self._written.items():
            for line in report_lines(record, path):
                terminal.write_line(line)
        for problem in self._lost:
            terminal.write_line(f"parity: error: {problem}", red=True)
        for record in self._records:
            if last := closing(record):
                terminal.write_line(last)
