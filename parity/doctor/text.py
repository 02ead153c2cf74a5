"""The examination as lines of text."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

from parity.doctor.examination import Examination, FamilyState, RuntimeState
from parity.report.table import table
from parity.report.text import clipped, lines, printable
from parity.version import __version__


def text(found: Examination) -> str:
    """What ``parity doctor`` prints."""
    parts = [
        f"parity {__version__}, Python {platform.python_version()}",
        *_runtimes(found),
        "",
        *_processor(found),
    ]
    if found.families:
        registered = [
            (printable(one.name), printable(", ".join(one.packages)), _use(one))
            for one in found.families
        ]
        parts += ["", *table(("family", "package", ""), registered).lines()]
    if found.missing:
        rows = [(extra, command) for extra, command in found.missing.items()]
        parts += ["", *table(("missing extra", "install it with"), rows).lines()]
    if found.problems:
        parts += ["", *(line for one in found.problems for line in lines(f"problem: {one}"))]
    return "\n".join(parts) + "\n"


def _runtimes(found: Examination) -> list[str]:
    rows = [(one.kind, _version(one), _offers(one)) for one in found.runtimes]
    shown = {library.name for one in found.runtimes for library in one.libraries}
    rows += [
        (one.name, one.version or "not installed", "")
        for one in found.libraries
        if one.name not in shown
    ]
    return table(("runtime", "library", ""), rows).lines()


def _version(one: RuntimeState) -> str:
    return ", ".join(
        f"{printable(library.distributions[0][0] if library.distributions else library.name)} "
        f"{printable(library.version or 'not installed')}"
        for library in one.libraries
    )


def _offers(one: RuntimeState) -> str:
    if one.install is not None:
        return one.install
    if one.delegates.problem:
        return "see below"
    facts = (f"{key} {_value(value)}" for key, value in one.delegates.facts.items())
    return clipped(printable("; ".join(facts)), 100)


def _use(one: FamilyState) -> str:
    return "see below" if one.problem else "can be used"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _processor(found: Examination) -> Iterator[str]:
    one = found.processor
    yield f"processor: {printable(one.model)}, {one.usable} usable"
    rows = [(name, "yes", does) for name, does in one.effects.items()]
    rows += [(name, "no", does) for name, does in one.absent.items()]
    yield from table(("feature", "here", "what it changes"), rows).lines()
    for name, value in found.environment.items():
        yield f"{name} = {clipped(printable(value))}"
