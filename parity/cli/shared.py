"""What several commands do alike: read suites, tell paths, choose the exit code."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from parity.errors import SuiteError, UsageError

if TYPE_CHECKING:
    from parity.suite import Suite

_ORDER = (0, 1, 3, 2)  # which exit code wins where several apply: the last


def load(paths: Sequence[Path], runtimes: tuple[str, ...] | None) -> list[Suite]:
    """Read every suite before anything runs. Raises one error that tells all that is wrong."""
    from parity.suite import load as read

    suites, problems = [], []
    for path in paths:
        try:
            suite = read(path)
            suite.select(runtimes)
            suites.append(suite)
        except (SuiteError, UsageError) as failure:
            problems.append(str(failure))
    if problems:
        raise UsageError("\n".join(problems))
    return suites


def wide() -> int:
    """Columns of the terminal; what COLUMNS says, or 80, where there is none."""
    return max(shutil.get_terminal_size((80, 24)).columns, 40)


def shown(path: Path) -> str:
    """A path as short as it can be told from here."""
    from parity.report.text import printable

    absolute = path.absolute()
    here = Path.cwd()
    return printable(str(absolute.relative_to(here) if absolute.is_relative_to(here) else path))


def worst(codes: Iterable[int]) -> int:
    """The exit code that wins: 2 before 3 before 1, and any other before those."""
    return max(codes, key=lambda code: _ORDER.index(code) if code in _ORDER else len(_ORDER))
