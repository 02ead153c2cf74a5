"""The end of a run, in the process that reports: reports, summary, and what is no pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

import pytest

from parity.pytest_plugin.results import report_folder
from parity.record import SuiteRecord
from parity.report.folders import unwritten
from parity.report.suite.overview import closing, state
from parity.report.suite.terminal import overview
from parity.report.suite.writing import mark, report_lines, write_many
from parity.report.text import printable

Write = Callable[[Iterable[SuiteRecord], Path], tuple[Path, ...]]
_DONE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


class Conclusion:
    """What a run has to say when it is over.

    ``expected``: by detector, the runtimes of which tests failed and are marked to fail (xfail).
    """

    def __init__(
        self,
        records: Iterable[SuiteRecord],
        config: pytest.Config,
        expected: Mapping[str, Set[str]],
    ) -> None:
        self._records = tuple(records)
        self._config = config
        self._expected = expected
        self._green: list[SuiteRecord] = []
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
        """Fail a run whose tests passed though a suite did not hold, or whose report is lost.

        Not one candidate was judged, somebody stopped the run before all that was asked for was,
        or somebody made failures into passes. What is marked to fail (xfail) stays a pass of
        pytest's, which is told.
        """
        undecided = any(
            one.failure is not None or (one.partial and one.scope.stopped) for one in self._records
        )
        if session.exitstatus == pytest.ExitCode.OK:
            self._green = [one for one in self._records if _broken(one)]
            if undecided or not all(map(self._foreseen, self._green)):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._lost and session.exitstatus in _DONE:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def _foreseen(self, record: SuiteRecord) -> bool:
        """Whether all that does not hold is marked to fail."""
        return _broken(record) <= self._expected.get(record.detector, set())

    def count(self, terminal: Any) -> None:
        """Have pytest's last line count the suites judged in part, and those that do not hold.

        The latter where pytest itself counts no failure of theirs.
        """
        partial = [record for record in self._records if record.partial]
        counts = {"partial": partial, "parity failed": self._green}
        terminal.stats.update({name: found for name, found in counts.items() if found})
        refresh = getattr(terminal, "_set_main_color", None)
        if refresh is not None and any(counts.values()):
            refresh()  # where a run was stopped, it keeps the words that it met before

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
        for record in self._green:
            terminal.write_line(self._unheard(record), red=True)

    def _unheard(self, record: SuiteRecord) -> str:
        """What is said of a suite that does not hold while no test of it counts as failed."""
        names = ", ".join(printable(name) for name in sorted(_broken(record)))
        how = "marked to fail (xfail)" if self._foreseen(record) else "which no test tells"
        return f"{printable(record.detector)}: {state(record)}: {names}, {how}"


def _broken(record: SuiteRecord) -> Set[str]:
    """The runtimes that do not hold."""
    return {one.name for one in record.runtimes if one.verdict in ("fail", "error")}
