"""The whole examination as data: runtimes, extras, processor, what is wrong."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from parity.decode.families import broken
from parity.decode.guests import guests
from parity.doctor.delegates import Delegates, delegates
from parity.doctor.libraries import (
    ADAPTERS,
    LIBRARIES,
    Installed,
    install_command,
    installed,
    outdated,
)
from parity.doctor.processor import Processor, processor
from parity.version import __version__

FORMAT = 1
_AT_ONCE = 2
_THREADS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip


@dataclass(frozen=True)
class RuntimeState:
    """One kind of runtime: the libraries that it runs with, what it offers, how to install it."""

    kind: str
    libraries: tuple[Installed, ...]
    delegates: Delegates
    install: str | None


@dataclass(frozen=True)
class FamilyState:
    """A family that other packages register: whose it is, and why it is of no use; None if it is.

    It is imported for that.
    """

    name: str
    packages: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True)
class Examination:
    """What ``parity doctor`` tells. ``missing`` maps an extra to the command that installs it."""

    runtimes: tuple[RuntimeState, ...]
    libraries: tuple[Installed, ...]
    missing: dict[str, str]
    processor: Processor
    environment: dict[str, str]
    problems: tuple[str, ...]
    families: tuple[FamilyState, ...] = ()

    @property
    def exit_code(self) -> int:
        """3 where something that is installed cannot work; what is merely missing is no error."""
        return 3 if self.problems else 0


def examine() -> Examination:
    """Look at this Python environment and this machine."""
    libraries = {name: installed(name) for name in LIBRARIES}
    wanted = {kind: tuple(libraries[name] for name in names) for kind, names in ADAPTERS.items()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # each asks in a process of its own and waits
        states = tuple(pool.map(lambda kind: _state(kind, wanted[kind]), wanted))
    families = _families()
    problems = [one.problem for one in libraries.values() if one.problem]
    problems += [one.problem for one in families if one.problem]
    problems += [
        f"{state.kind}: {state.delegates.problem}" for state in states if state.delegates.problem
    ]
    return Examination(
        states,
        tuple(libraries.values()),
        _missing(libraries),
        processor(),
        {name: os.environ[name] for name in _THREADS if name in os.environ},
        (*problems, *_too_old(libraries.values())),
        families,
    )


def to_data(found: Examination) -> dict[str, Any]:
    """The JSON document; the format version comes first."""
    return {
        "format": FORMAT,
        "parity": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        **asdict(found),
        "exit_code": found.exit_code,
    }


def _families() -> tuple[FamilyState, ...]:
    useless = broken()
    return tuple(
        FamilyState(one.name, one.packages, useless.get(one.name)) for one in guests().values()
    )


def _state(kind: str, libraries: tuple[Installed, ...]) -> RuntimeState:
    if _present(libraries):
        return RuntimeState(kind, libraries, delegates(kind), None)
    extra = next(LIBRARIES[one.name].extra for one in libraries if one.version is None)
    return RuntimeState(kind, libraries, Delegates(), install_command(extra))


def _present(libraries: Iterable[Installed]) -> bool:
    return all(one.version is not None for one in libraries)


def _missing(libraries: dict[str, Installed]) -> dict[str, str]:
    extras: dict[str, str] = {}
    for name, one in libraries.items():
        extra = LIBRARIES[name].extra
        if extra and one.version is None:
            extras[extra] = install_command(extra)
    return extras


def _too_old(libraries: Iterable[Installed]) -> list[str]:
    found = []
    for one in libraries:
        for name, version in one.distributions:
            bound = outdated(name, version)
            if bound is not None:
                found.append(
                    f"expected {bound}, found {name} {version}; pip install --upgrade '{bound}'"
                )
    return found
