"""Run by path in the other interpreter: ``python start.py CONTROL LIFELINE LIMIT FOLDER...``.

CONTROL and LIFELINE are the numbers of inherited sockets, LIMIT the bytes of memory that the worker
may occupy (0: any), FOLDERs where tensors are exchanged; they are removed at the end. The package
``parity`` is never imported, since it belongs to another interpreter: the adapters and this folder
are loaded from their own place under a private name.
"""

import importlib
import os
import sys
from types import ModuleType
from typing import List, Sequence

PACKAGE = "_parity_apart"


def main(arguments: List[str]) -> int:
    """Fork into keeper and worker; returns the exit code of either."""
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    root = ModuleType(PACKAGE)
    root.__path__ = [os.path.dirname(here)]
    sys.modules[PACKAGE] = root
    control, lifeline, limit = map(int, arguments[:3])
    keeper = importlib.import_module(PACKAGE + ".worker.keeper")
    code: int = keeper.keep(control, lifeline, limit, arguments[3:], _serve)
    return code


def _serve(control: int, limit: int, folders: Sequence[str]) -> None:
    serving = importlib.import_module(PACKAGE + ".worker.serving")
    serving.serve(control, limit, folders)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
