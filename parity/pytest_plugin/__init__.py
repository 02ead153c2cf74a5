"""The pytest plugin: hooks and fixtures only.

pytest imports this module at every start of every project that has it installed, so it imports
nothing but pytest and the standard library; what it does is imported when a ``parity.toml`` is met.

``collecting.py`` finds the tests, ``items.py`` judges them and tells its records, ``results.py``
merges those of all processes, ``concluding.py`` reports. May use ``harness/`` and ``report/``.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from parity.pytest_plugin.concluding import Conclusion
    from parity.pytest_plugin.fixtures import AssertAgreement, OpenRun

SUITE_FILE = "parity.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of DESIGN; without them nothing is written."""
    group = parser.getgroup("parity", "one detector in every runtime")
    group.addoption(
        "--parity-report",
        metavar="DIR",
        help="write DIR/<detector>/results.json, detections.csv and summary.md",
    )
    group.addoption(
        "--parity-runtimes", metavar="A,B", help="judge only these runtimes of the suites"
    )
    group.addoption(
        "--parity-require",
        metavar="A,B|all",
        help="fail, instead of skip, where these runtimes are not installed",
    )
    group.addoption(
        "--parity-reference",
        choices=["auto", "golden"],
        default="auto",
        help="golden: judge against the recorded results; auto: against the native reference, "
        "or the recorded results where its framework is not installed",
    )
    group.addoption(
        "--parity-record",
        action="store_true",
        help="record the goldens of every suite anew; judges nothing and never passes",
    )
    group.addoption(
        "--parity-layers",
        action="store_true",
        help="for runtimes that fail, name the layer that introduces the error, and with "
        "--parity-report write layers-<runtime>.csv, a plot and replay folders",
    )
    parser.addini("parity_report", "folder for the reports, relative to the root", default="")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every ``parity.toml`` is a file of tests."""
    if file_path.name != SUITE_FILE:
        return None
    from parity.hiding import hidden

    reason = hidden()
    if reason is not None:
        raise pytest.Collector.CollectError(f"{file_path}: {reason}")
    from parity.pytest_plugin.collecting import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse names that no suite has, and two suites of one name."""
    config = session.config
    asked = config.getoption("parity_runtimes") or config.getoption("parity_require")
    if asked or "parity.pytest_plugin.collecting" in sys.modules:
        from parity.pytest_plugin.collecting import check_collection

        check_collection(session)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What an item found travels with its report, from a worker to the controller too.

    It is JSON, because names of files that are no UTF-8 do not travel otherwise.
    """
    report = yield
    found = getattr(item, "parity_found", None)
    if found is not None and call.when == "call":
        report.parity = json.dumps(found)  # type: ignore[attr-defined]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Which suite does not load travels with the report that says so."""
    report = yield
    if report.failed and collector.path.name == SUITE_FILE:
        report.parity_suite = str(collector.path)  # type: ignore[attr-defined]
    return report


class Controller:
    """Collects what the items found: in this process, or from the workers of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._conclusion: Conclusion | None = None
        self._started = datetime.datetime.now(datetime.UTC)
        self._told: list[tuple[str, dict[str, Any]]] = []
        self._stopped = ""
        self._lost: dict[str, str] = {}
        self._skipped: set[str] = set()
        self._expected: dict[str, set[str]] = {}
        self._broken: dict[str, str] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Refuse a folder for reports that cannot be written before anything is collected."""
        if session.config.getoption("parity_report") and not session.config.option.collectonly:
            from parity.hiding import hidden

            reason = hidden()
            if reason is not None:
                raise pytest.UsageError(reason)
            from parity.pytest_plugin.collecting import check_report

            check_report(session.config)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember the suites that do not load."""
        suite = getattr(report, "parity_suite", None)
        if suite is not None:
            self._broken[suite] = str(report.longrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a finished item found, or that it ended without a verdict.

        It is read at the end: an interruption in the middle of imports must not lose it.
        """
        told = getattr(report, "parity", None)
        if told is not None:
            found = json.loads(told)
            self._told.append((report.nodeid, found))
            if report.skipped:  # xfail: it failed, and somebody expects it to
                expected = self._expected.setdefault(found["detector"], set())
                expected.add(found["runtime"]["name"])
        elif SUITE_FILE in report.nodeid and report.failed and report.when != "teardown":
            self._lost[report.nodeid] = _last_words(report)
        elif SUITE_FILE in report.nodeid and report.skipped:
            self._skipped.add(report.nodeid)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep why the run stopped: Ctrl-C, or the words of whoever stopped it."""
        self._stopped = str(excinfo.value) or "interrupted"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of pytest-xdist that died may leave tests that never run."""
        if error:
            self._stopped = self._stopped or f"worker {node.gateway.id} was lost"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports once, when everything is known; fail what judged no candidate."""
        option = self._config.option
        if option.collectonly or getattr(option, "setuponly", False) or not self._met_a_suite():
            return
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        from parity.pytest_plugin.concluding import Conclusion
        from parity.pytest_plugin.results import End, Results

        stopped = str(session.shouldfail or session.shouldstop or self._stopped or "")
        end = End(stopped, self._lost, self._skipped, self._broken)
        results = Results(self._started, self._told)
        records = results.records(self._config, end)
        conclusion = Conclusion(records, self._config, self._expected)
        conclusion.write()
        conclusion.judge(session)
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            conclusion.count(terminal)
        self._conclusion = conclusion

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table runtime × agreement, and what was not judged."""
        if self._conclusion is not None:
            self._conclusion.summarise(terminalreporter)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where the reference's heads are shared."""
        from parity.pytest_plugin.sharing import folder_for_workers

        node.workerinput["parity_shared"] = folder_for_workers(self._config)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Remove what was shared."""
        sharing = sys.modules.get("parity.pytest_plugin.sharing")
        if sharing is not None:
            sharing.remove(config)

    def _met_a_suite(self) -> bool:
        """Whether this run has a suite to tell of; without one nothing more is imported."""
        if self._broken or self._told:
            return True
        sharing = sys.modules.get("parity.pytest_plugin.sharing")
        return sharing is not None and bool(sharing.collected(self._config))


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) collects results; a worker only sends them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(config), "parity-controller")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close every runtime that this process opened."""
    running = sys.modules.get("parity.pytest_plugin.running")
    if running is not None:
        running.close(session.config)


@pytest.fixture(scope="session")
def parity_run(pytestconfig: pytest.Config) -> OpenRun:
    """Opens suites for one's own tests: ``parity_run("models/parity.toml")`` gives a ``Run``.

    ``run.image("onnx", "images/1.png")`` is an ``ImageRecord``, ``run.runtime("onnx")`` a
    ``RuntimeRecord``. Relative paths start at pytest's root. Runtimes are closed when pytest ends.
    """
    from parity.pytest_plugin.fixtures import opener

    return opener(pytestconfig)


@pytest.fixture(scope="session")
def assert_agreement() -> AssertAgreement:
    """Asserts that two ``Detections`` agree: ``assert_agreement(expected, found, "float32")``."""
    from parity.pytest_plugin.fixtures import assert_agreement as function

    return function


def _last_words(report: pytest.TestReport) -> str:
    """What a test that ended without a verdict failed with, in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr) if crash is None else crash.message
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
