"""A suite: one ``parity.toml`` and its files, read, checked and resolved.

Begin with ``model.py``, which is ``parity.toml`` as typed data, table by table; ``resolving.py``
checks what needs more than one key or a look at the disk and makes a ``Suite`` of it.
Room for: what a suite declares. It reads no image and no model, and knows no runtime.
"""

from __future__ import annotations

from parity.decode.settings import Decode
from parity.suite.images.matching import Ambiguous, matching
from parity.suite.images.unreadable import unreadable
from parity.suite.model import Export, RuntimeTable
from parity.suite.recipe import Recipe
from parity.suite.resolving import FILE_NAME, load
from parity.suite.suite import Cell, Row, Runtime, Suite
from parity.suite.tolerance import Tolerance

__all__ = [
    "FILE_NAME",
    "Ambiguous",
    "Cell",
    "Decode",
    "Export",
    "Recipe",
    "Row",
    "Runtime",
    "RuntimeTable",
    "Suite",
    "Tolerance",
    "load",
    "matching",
    "unreadable",
]
