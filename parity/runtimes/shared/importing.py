"""Why a library that is installed does not work: its own words, and whether numpy is too new.

A library that was built for NumPy 1 fails in NumPy 2 where it first meets an array: while it is
imported, or later. NumPy writes the reason to ``sys.stderr``; what the library makes of it differs.
Source: the NumPy 2.0 migration guide, "NumPy 2.0-specific advice".
"""

import contextlib
import importlib
import io
import re
from typing import List

import numpy as np

from ..contract import AdapterError

_TELLS = re.compile(
    r"_ARRAY_API not found|compiled using NumPy 1|numpy\.core\.multiarray failed to import"
    r"|numpy\.core\.umath failed to import|numpy\.dtype size changed|Numpy is not available"
)
_SILENT = ("", "initialization failed")  # what some make of the exception of NumPy


def chain(error: BaseException) -> List[BaseException]:
    """An exception and those that led to it, as a traceback shows them.

    A failure that was already told is where it was raised, not why.
    """
    found: List[BaseException] = []
    while error not in found and not isinstance(error, AdapterError):
        found.append(error)
        before = error.__cause__
        if before is None and not error.__suppress_context__:
            before = error.__context__
        error = before or error
    return found


def too_new(error: BaseException, module: str = "") -> str:
    """NumPy's version where an exception tells that the library was built for NumPy 1; else "".

    ``module`` was being imported: where the exception tells nothing that is tried once more, as
    NumPy then writes the reason once more.
    """
    if int(np.__version__.split(".")[0]) < 2:
        return ""
    told = any(_TELLS.search(str(one)) for one in chain(error))
    if not told and module and isinstance(error, ImportError) and str(error) in _SILENT:
        told = bool(_TELLS.search(_written(module)))
    return np.__version__ if told else ""


def _written(module: str) -> str:
    """What is written to ``sys.stderr`` while a module is imported that does not import."""
    written = io.StringIO()
    with contextlib.redirect_stderr(written), contextlib.suppress(Exception):
        importlib.import_module(module)
    return written.getvalue()
