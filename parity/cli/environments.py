"""``parity env``: which environments runtimes have of their own, and removing them."""

from __future__ import annotations

import datetime
from argparse import Namespace

from parity.cli.streams import say
from parity.errors import UsageError


def show(arguments: Namespace) -> int:
    """List what was built."""
    from parity import environments
    from parity.report.numbers import size
    from parity.report.text import printable, table

    found = environments.listed()
    if not found:
        say(f"no environments in {printable(str(environments.root()))}\n")
        return 0
    rows = [
        (
            one.name,
            one.request.python,
            printable(", ".join(one.request.requires)),
            size(sum(file.lstat().st_size for file in one.folder.rglob("*"))),
            datetime.datetime.fromtimestamp(one.built).strftime("%Y-%m-%d"),
        )
        for one in found
    ]
    lines = table(("name", "python", "requires", "size", "built"), rows, (3,))
    say("\n".join([*lines, f"in {printable(str(environments.root()))}"]) + "\n")
    return 0


def remove(arguments: Namespace) -> int:
    """Remove those that are named by their first letters, or all."""
    from parity import environments

    known = [one.name for one in environments.listed()]
    chosen: dict[str, None] = {}
    for given in arguments.names:
        found = [name for name in known if name.startswith(given)]
        if len(found) != 1:
            listed = ", ".join(found or known) or "none at all"
            raise UsageError(
                f"expected the name of one environment, or how it begins, found {given!r}; "
                f"{'several begin so' if found else 'there are'}: {listed}"
            )
        chosen[found[0]] = None
    if bool(arguments.names) == arguments.all:
        raise UsageError("expected names of environments (see parity env list), or --all")
    names = known if arguments.all else list(chosen)
    for name in names:
        environments.remove(name)
    say("".join(f"removed {name}\n" for name in names) or "there was nothing to remove\n")
    return 0
