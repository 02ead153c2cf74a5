"""``parity env``: which environments runtimes have of their own, and removing them."""

from __future__ import annotations

import datetime
from argparse import Namespace
from typing import TYPE_CHECKING

from parity.cli.streams import say
from parity.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from parity.environments import Kept


def show(arguments: Namespace) -> int:
    """List what was built, and what is of no use any more."""
    from parity import environments
    from parity.report.table import table
    from parity.report.text import printable

    found = environments.kept()
    if not found:
        say(f"no environments in {printable(str(environments.root()))}\n")
        return 0
    header = ("name", "python", "requires", "size", "built", "state")
    lines = table(header, map(_row, found), right=("size",)).lines()
    say("\n".join([*lines, f"in {printable(str(environments.root()))}"]) + "\n")
    return 0


def _row(one: Kept) -> tuple[str, ...]:
    from parity.report.numbers import size
    from parity.report.text import printable

    python, requires, built = "", "", ""
    if one.environment is not None:
        python = one.environment.request.python
        requires = ", ".join(one.environment.request.requires)
        built = datetime.datetime.fromtimestamp(one.environment.built).strftime("%Y-%m-%d")
    return one.name, python, printable(requires), size(_bytes(one.folder)), built, one.state


def _bytes(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.lstat().st_size
        except OSError:  # it is being built, or removed
            continue
    return total


def remove(arguments: Namespace) -> int:
    """Remove those that are named by their first letters, or all."""
    from parity import environments

    known = list(dict.fromkeys(one.name for one in environments.kept()))
    if bool(arguments.names) == arguments.all:
        raise UsageError("expected names of environments (see parity env list), or --all")
    chosen = dict.fromkeys(_named(given, known) for given in arguments.names)
    if arguments.all:
        said = [_removed_if_possible(name) for name in known]
        environments.sweep()
    else:
        said = [_removed(name) for name in chosen]
    say("".join(f"{line}\n" for line in said) or "there was nothing to remove\n")
    return 0


def _named(given: str, known: list[str]) -> str:
    found = [name for name in known if name.startswith(given)]
    if len(found) != 1:
        listed = ", ".join(found or known) or "none at all"
        raise UsageError(
            f"expected the name of one environment, or how it begins, found {given!r}; "
            f"{'several begin so' if found else 'there are'}: {listed}"
        )
    return found[0]


def _removed(name: str) -> str:
    from parity import environments

    try:
        done = environments.remove(name)
    except OSError as error:
        where = environments.root() / name
        raise UsageError(f"{where} cannot be removed: {error.strerror or error}") from error
    return f"removed {name}" if done else f"kept {name}: another parity is building it"


def _removed_if_possible(name: str) -> str:
    """One that cannot be removed keeps none of the others."""
    try:
        return _removed(name)
    except UsageError as error:
        return f"kept {name}: {error}"
