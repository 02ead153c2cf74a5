"""Environments of their own for runtimes: built once from what is asked, then used without network.

They live below ``PARITY_CACHE`` (or the user's cache folder), each under the hash of its request.
"""

from __future__ import annotations

from parity.environments.cache import ensure, root
from parity.environments.listing import BUILT_NOW, Kept, kept, listed, remove, sweep
from parity.environments.reading import Environment
from parity.environments.request import Request, Unavailable
from parity.environments.variables import within

__all__ = [
    "BUILT_NOW",
    "Environment",
    "Kept",
    "Request",
    "Unavailable",
    "ensure",
    "kept",
    "listed",
    "remove",
    "root",
    "sweep",
    "within",
]
