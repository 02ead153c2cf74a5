"""The ``parity`` command: parses, calls the harness, prints. ``--help`` imports nothing heavy.

Begin with ``arguments.py`` (what can be asked for) and ``commands.py``, a function a command. What
they share: ``streams.py`` prints, ``shared.py`` loads suites, ``reporting.py`` writes reports.
"""

from __future__ import annotations

import os
import sys
import traceback
from argparse import Namespace

from parity.cli import signals
from parity.cli.arguments import parser
from parity.cli.streams import error, open_missing
from parity.errors import ParityError, of_the_system
from parity.hiding import hidden
from parity.version import __version__

__all__ = ["main"]

BUG = 3


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code (see ``parity --help``)."""
    open_missing()
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said what is wrong, or what was asked for
        return stop.code if isinstance(stop.code, int) else 2
    if arguments.command is None:
        parser().print_help(sys.stderr)
        return 2
    return _guarded(arguments)


def _guarded(arguments: Namespace) -> int:
    """Run the command; whatever goes wrong becomes one message and a code, never a pass."""
    from parity.cli import commands

    try:
        with signals.heard():
            run = getattr(commands, arguments.command)
            code: int = run(arguments)
    except ParityError as failure:
        _trace()
        error(str(failure))
        return failure.exit_code
    except KeyboardInterrupt as stop:
        error(signals.words(stop))
        return signals.exit_code(stop)
    except BaseException as failure:  # SystemExit and the like: code of a suite that raised them
        _trace()
        error(
            of_the_system(failure)
            or hidden()
            or f"unexpected {type(failure).__name__}: {failure}\n"
            f"This is a bug in parity {__version__}, or in code of the suite. Run it again with "
            f"PARITY_DEBUG=1 in the environment for the traceback, and report it with that."
        )
        return BUG
    return code


def _trace() -> None:
    if os.environ.get("PARITY_DEBUG", "") not in ("", "0"):
        traceback.print_exc()
