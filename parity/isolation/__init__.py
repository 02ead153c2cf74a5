"""Runtimes in processes of their own: a worker that may crash, hang or live in another Python."""

from __future__ import annotations

from parity.isolation.adapter import IsolatedAdapter, Workplace
from parity.isolation.launch import Launch, is_isolated, memory_bytes
from parity.isolation.worker import Worker

__all__ = [
    "IsolatedAdapter",
    "Launch",
    "Worker",
    "Workplace",
    "is_isolated",
    "memory_bytes",
]
