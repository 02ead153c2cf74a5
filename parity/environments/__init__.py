"""Environments of their own for runtimes: built once from what is asked, then used without network.

They live below ``PARITY_CACHE`` (or the user's cache folder), each under the hash of its request.
"""

from __future__ import annotations

from parity.environments.cache import Environment, ensure, listed, remove, root
from parity.environments.request import Request, Unavailable

__all__ = ["Environment", "Request", "Unavailable", "ensure", "listed", "remove", "root"]
