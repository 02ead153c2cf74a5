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
from parity.isolation.libraries import broken_library
from parity.isolation.wording import missing_library, out_of_memory, timed_out, worker_lost
from parity.isolation.worker import Worker

__all__ = [
    "IsolatedAdapter",
    "Launch",
    "Worker",
    "Workplace",
    "broken_library",
    "is_foreign",
    "is_isolated",
    "launch",
    "memory_bytes",
    "missing_library",
    "out_of_memory",
    "timed_out",
    "unavailable",
    "worker_lost",
]
