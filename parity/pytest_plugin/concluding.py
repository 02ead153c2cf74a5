"""The end of a run, in the process that reports: reports, summary, and what is no pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from parity.pytest_plugin.results import report_folder
from parity.record import SuiteRecord
from parity.report.overview import closing
from parity.report.terminal import overview
from parity.report.writing import mark, report_lines, write_many


class Conclusion:
    """What a run has to say when it is over."""

    def __init__(self, records: Iterable[SuiteRecord], config: pytest.Config) -> None:
        self._records = tuple(records)
        self._config = config
        self._written: dict[Path, SuiteRecord] = {}

    def write(self) -> None:
        """Write the reports where the options or the ini file ask for them."""
        folder = report_folder(self._config)
        if folder is None:
            return
        judged = [record for record in self._records if record.runtimes]
        names = {record.detector for record in judged}
        others = [one for one in self._records if one.detector not in names]
        self._written = dict(zip(write_many(judged, folder), judged, strict=True))
        marked = {folder / one.detector: one for one in others}
        self._written |= {path: marked[path] for path in mark(others, folder)}

    def judge(self, session: pytest.Session) -> None:
        """Fail a run whose tests passed though a suite is undecided.

        Not one candidate was judged, or somebody stopped the run before all that was asked for was.
        """
        undecided = any(
            one.failure is not None or (one.partial and one.scope.stopped) for one in self._records
        )
        if undecided and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

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
        for record in self._records:
            if last := closing(record):
                terminal.write_line(last)
