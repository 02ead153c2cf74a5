"""``parity check SUITE...``: judges suites one after the other, and says what was not judged."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from parity.cli.reporting import told, written
from parity.cli.shared import load, shown, wide, worst
from parity.cli.streams import error, is_terminal, progress, quiet, say
from parity.errors import ParityError, SuiteError, UsageError

if TYPE_CHECKING:
    from parity.record import SuiteRecord
    from parity.suite import Suite


def check(arguments: Namespace) -> int:
    """Judge suites; one that breaks down leaves the results of the others."""
    from parity.cli.roundtripping import roundtrips
    from parity.report.folders import distinct, need_writable
    from parity.report.suite.writing import FILES

    try:
        suites = load(arguments.suites, arguments.runtimes)
    except UsageError:
        if arguments.report is not None and not arguments.roundtrip:
            _mark(_unloaded(arguments.suites), arguments.report)
        raise
    distinct(suite.name for suite in suites)
    if arguments.report is not None:
        need_writable(arguments.report, [suite.name for suite in suites], "--report", FILES)
    if arguments.roundtrip:
        return worst(roundtrips(suites, arguments))
    return _judge_all(suites, arguments)


def _judge_all(suites: Sequence[Suite], arguments: Namespace) -> int:
    from parity.harness.scoping import STOPPED, nothing_of, unloaded_record
    from parity.record import Failure

    run = _Told(arguments)
    try:
        for i, suite in enumerate(suites):
            try:
                run.add(_judged(suite, arguments))
            except ParityError as failure:
                error(str(failure))
                run.codes.append(failure.exit_code)
                run.mark([unloaded_record(suite.name, suite.path, Failure.of(failure))])
            except KeyboardInterrupt as stop:
                why = str(stop) or STOPPED
                run.add(getattr(stop, "record", None) or nothing_of(suite, why))
                run.unreached([nothing_of(one, why) for one in suites[i + 1 :]])
                raise
    finally:
        if arguments.json:
            run.print_json(many=len(suites) > 1)
    return worst(run.codes)


class _Told:
    """Writes and prints each record as soon as it is known; keeps them for ``--json``."""

    def __init__(self, arguments: Namespace) -> None:
        self._report: Path | None = arguments.report
        self._json: bool = arguments.json
        self._records: list[SuiteRecord] = []
        self.codes = [0]

    def add(self, record: SuiteRecord) -> None:
        """One suite that was judged, whole or in part."""
        from parity.report.suite.writing import write_many

        self._records.append(record)
        paths, lost = written(self._report, partial(write_many, [record]))
        if not self._json:
            first = "" if len(self._records) == 1 else "\n"
            self._say(first + _text(record, self._report if paths else None))
        self.codes += [record.exit_code, *told(lost)]

    def unreached(self, records: Sequence[SuiteRecord]) -> None:
        """Suites that the run did not come to."""
        from parity.report.suite.overview import closing

        self._records += records
        if not self._json:
            self._say("".join(f"\n{closing(record)}\n" for record in records))
        self.mark(records)

    def mark(self, records: Sequence[SuiteRecord]) -> None:
        """Suites of which nothing was judged: the reports that stand for them say so."""
        if self._report is not None:
            _mark(records, self._report)

    def print_json(self, *, many: bool) -> None:
        """The records that there are: a list if several suites were asked for."""
        from parity.record.codec import document_data, json_text

        found = [document_data(record) for record in self._records]
        if many:
            self._say(json_text(found))
        elif found:
            self._say(json_text(found[0]))

    def _say(self, text: str) -> None:
        """Print; an output that takes nothing loses no suite and no report."""
        try:
            say(text)
        except UsageError as lost:
            self.codes += told(lost)


def _judged(suite: Suite, arguments: Namespace) -> SuiteRecord:
    from parity import harness

    with quiet(), progress(suite.name) as tell:
        return harness.check(
            suite,
            arguments.runtimes,
            reference=arguments.reference,
            allow_missing=arguments.allow_missing,
            progress=tell,
        )


def _unloaded(paths: Sequence[Path]) -> list[SuiteRecord]:
    """The records of the suites of a command of which one does not load, so that none is judged."""
    from parity.harness.scoping import nothing_of, unloaded_record
    from parity.record import Failure
    from parity.suite import FILE_NAME
    from parity.suite import load as read
    from parity.suite.naming import detector_name

    broken, sound = {}, {}
    for path in paths:
        try:
            suite = read(path)
            sound[suite.name] = nothing_of(suite, "another suite of the run does not load")
        except SuiteError as failure:
            file = path / FILE_NAME if path.is_dir() else path
            if (name := detector_name(file)) is not None:
                broken[name] = unloaded_record(name, file, Failure.of(failure))
    return list((sound | broken).values()) if broken else []


def _mark(records: Sequence[SuiteRecord], folder: Path) -> None:
    from parity.report.suite.writing import mark

    paths, lost = written(folder, partial(mark, records))
    for path in paths:
        error(f"{shown(path)}: the report that stands there says now that nothing was judged")
    told(lost)


def _text(record: SuiteRecord, report: Path | None) -> str:
    """What is printed of one suite, with the place of its report."""
    from parity.report.suite import terminal
    from parity.report.suite.overview import closing
    from parity.report.suite.writing import report_lines

    color, columns = is_terminal(sys.stdout), wide()
    failures = terminal.failures(record, columns)
    parts = [terminal.overview(record, columns, color=color), *([failures] if failures else [])]
    if report is not None:
        folder = report / record.detector
        parts.append("".join(f"{line}\n" for line in report_lines(record, folder, shown)))
    if last := closing(record):
        parts.append(f"{last}\n")
    return "\n".join(parts)
