"""What pytest was asked for of a suite, and by which options it was asked for less than all."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

import pytest

from parity.harness.scoping import judgeable
from parity.record.completeness import Scope, asked_only
from parity.report.numbers import counted
from parity.suite import Suite


def names_of(config: pytest.Config, option: str) -> tuple[str, ...]:
    """The names that an option lists, () where it is not given."""
    given = config.getoption(option) or ""
    return tuple(name.strip() for name in given.split(",") if name.strip())


def scope_of(
    config: pytest.Config, suite: Suite, asked: Iterable[tuple[str, str]], skipped: int, why: str
) -> Scope:
    """The scope of a suite whose tests ``asked`` were selected, as runtimes and images.

    ``skipped``: how many of them somebody else skipped; ``why`` the run was stopped before all of
    them ran, or "".
    """
    declared = judgeable(suite)
    wanted = names_of(config, "parity_runtimes")
    named = tuple(name for name in suite.runtimes if not wanted or name in wanted)
    selection = [asked_only(named)] if set(declared) - set(named) else []
    places = {(name, image) for name in declared if name in named for image in ("", *suite.images)}
    if places - set(asked):
        selection += _options(config) or ["tests that were not selected"]
    if skipped:
        selection.append(f"{counted(skipped, 'test')} skipped by another plugin")
    return Scope(declared, tuple(selection), why)


def _options(config: pytest.Config) -> list[str]:
    """The options that deselect tests, as they were given."""
    option = config.option
    ids = [argument for argument in config.args if "::" in argument]
    found = [f"--deselect {shlex.quote(one)}" for one in getattr(option, "deselect", None) or ()]
    flags: Mapping[str, bool] = {
        "--lf": getattr(option, "lf", False),
        "--stepwise": getattr(option, "stepwise", False),
        counted(len(ids), "test") + " by id": bool(ids),
    }
    found += [name for name, given in flags.items() if given]
    if option.keyword:
        found.append(f"-k {shlex.quote(option.keyword)}")
    if not found and option.markexpr:  # often a project's default that has nothing to do with it
        found.append(f"-m {shlex.quote(option.markexpr)}")
    return found
