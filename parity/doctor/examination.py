"""The whole examination as data: runtimes, extras, processor, what is wrong."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from parity import runtimes
from parity.decode.families import broken
from parity.decode.guests import guests
from parity.doctor.delegates import Delegates, delegates
from parity.doctor.libraries import (
    Installed,
    install_command,
    installed,
    libraries,
    outdated,
    version_of,
)
from parity.doctor.processor import Processor, processor
from parity.runtimes.contract import AdapterError, Descriptor, Library
from parity.runtimes.shared.machine import VARIABLES
from parity.version import __version__

FORMAT = 1
_AT_ONCE = 2
_THREADS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES",
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
    wanted = libraries()
    found = {name: installed(one) for name, one in wanted.items()}
    strange = set(runtimes.registered())
    kinds = [one for one in runtimes.descriptors() if one.libraries or one.kind in strange]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # each asks in a process of its own and waits
        states = tuple(pool.map(lambda one: _state(one, found), kinds))
    families = _families()
    problems = [one.problem for one in found.values() if one.problem]
    problems += [one.problem for one in families if one.problem]
    problems += [
        f"{state.kind}: {state.delegates.problem}" for state in states if state.delegates.problem
    ]
    return Examination(
        states,
        tuple(found.values()),
        {one.extra: install_command(one) for one in _missing(wanted, found)},
        processor(),
        {name: os.environ[name] for name in (*_THREADS, *VARIABLES) if name in os.environ},
        (*problems, *_too_old(found.values())),
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


def _state(kind: Descriptor, found: Mapping[str, Installed]) -> RuntimeState:
    own = tuple(found[one.name] for one in kind.libraries) + _package(kind)
    absent = next((one for one in kind.libraries if found[one.name].version is None), None)
    if absent is not None:
        return RuntimeState(kind.kind, own, Delegates(), install_command(absent))
    try:
        runtimes.load(kind.kind)
    except AdapterError as error:
        problem = f"its adapter cannot be imported: {error.facts['reason']}"
        return RuntimeState(kind.kind, own, Delegates(problem=problem), None)
    return RuntimeState(kind.kind, own, delegates(kind.probe), None)


def _package(kind: Descriptor) -> tuple[Installed, ...]:
    """The package that registers a kind, where its libraries do not tell of it."""
    name = None if kind.libraries else runtimes.provider(kind.kind)
    version = None if name is None else version_of(name)
    return () if name is None or version is None else (Installed(name, version),)


def _missing(wanted: Mapping[str, Library], found: Mapping[str, Installed]) -> Iterator[Library]:
    """The libraries that an extra of this package would install."""
    return (one for name, one in wanted.items() if one.extra and found[name].version is None)


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
