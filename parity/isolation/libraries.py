"""What a user reads when a library is installed and does not work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.suite import RuntimeTable

Facts = Mapping[str, Any]


def broken_library(facts: Facts) -> str:
    """The facts are those of an adapter, the ``runtime``'s name and its ``table``."""
    if not facts["library"]:  # it is the environment's Python
        return str(facts["reason"])
    table: RuntimeTable = facts["table"]
    if table.requires or table.python:
        return (
            f"expected {facts['library']} in the environment of this runtime, found that it is "
            f"installed there and does not {facts['fails']}: {facts['reason']}; {_apart(facts)}"
        )
    if facts.get("hidden"):
        return (
            f"expected the installed library {facts['library']}, found that {facts['hidden']} "
            f"hides it: run pytest or parity itself instead of python -m, without PYTHONPATH, or "
            f"rename that file"
        )
    return (
        f"expected {facts['library']}, found that it is installed and does not {facts['fails']}: "
        f"{facts['reason']}; {_here(facts)}"
    )


def _apart(facts: Facts) -> str:
    where = f"to requires under [runtimes.{facts['runtime']}]"
    if facts["numpy"]:
        return (
            f"it was built for NumPy 1 while the environment has {facts['numpy']}: "
            f'add "numpy<2" {where}'
        )
    return f"add what it needs {where}"


def _here(facts: Facts) -> str:
    if facts["numpy"]:
        return (
            f"it was built for NumPy 1 while {facts['numpy']} is installed: install a newer "
            f'{facts["library"]}, or give this runtime requires with "numpy<2"'
        )
    return f"install it again with: {facts['install']}"
