"""Runtimes in processes of their own: a worker that may crash, hang or live in another Python."""

from __future__ import annotations

from parity.isolation.adapter import IsolatedAdapter, Workplace
from parity.isolation.launch import (
    Launch,
    is_foreign,
    is_isolated,
    launch,
    memory_bytes,
    unavailable,
)
from parity.isolation.wording import ERRORS, missing_library
from parity.isolation.worker import Worker

__all__ = [
    "ERRORS",
    "IsolatedAdapter",
    "Launch",
    "Worker",
    "Workplace",
    "is_foreign",
    "is_isolated",
    "launch",
    "memory_bytes",
    "missing_library",
    "unavailable",
]
