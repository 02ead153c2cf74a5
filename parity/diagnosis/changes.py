"""Whether the version, an option or the model changed the results: from facts to a sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from parity.diagnosis.settings import declared
from parity.suite import Runtime

Kind = Literal["model", "version", "option", "setting"]
Holds = bool | None
"""Whether two sides agree; None where one of them could not be run."""

_VERSION = ("requires", "python", "interpreter")
_OPTION = ("timeout", "memory_limit", "isolated", "trust")
_SETTING = ("outputs", "layout", "tolerance")
_NAMES: dict[Kind, tuple[str, str]] = {
    "model": ("the replaced model", "the replaced model"),
    "version": ("the version", "the version"),
    "option": ("the option", "the options"),
    "setting": ("the setting", "the settings"),
}


@dataclass(frozen=True)
class Change:
    """One thing that a cell has otherwise than its row's first cell."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Facts:
    """What is known of one cell. ``first_holds``: the first cell against the reference.

    ``holds``: this cell against the reference; ``alike``: this cell against the first one.
    ``runs``, ``first_runs``: whether each was loaded and run; ``loads``: whether it was at least
    loaded, ``partly`` whether it ran on some images; ``tried``, ``first_tried``: whether its
    library and environment, or the first cell's, are here at all. ``identical``: its heads are the
    first cell's, number by number.
    """

    changes: tuple[Change, ...]
    loads: bool
    runs: bool
    holds: Holds
    alike: Holds
    first_runs: bool
    first_holds: Holds
    identical: bool = False
    tried: bool = True
    first_tried: bool = True
    partly: bool = False


@dataclass(frozen=True)
class Ran:
    """What a cell turned out to be: its identity, and what its network was made of."""

    runtime: Runtime
    identity: Mapping[str, Any]
    network: tuple[str, ...]


def changes(first: Ran, cell: Ran) -> tuple[Change, ...]:
    """What differs between two cells of a row, by what was run where that is known.

    ``network`` holds SHA-256 of files and the names of functions; a model that was moved is the
    same model.
    """
    before, after = first.runtime, cell.runtime
    found = []
    if first.network != cell.network:
        found.append(Change("model", _digests(first.network, cell.network)))
    found += [Change("version", text) for text in _versions(first, cell)]
    found += [
        Change("option", f"{key} = {value}" if value is not None else f"no {key}")
        for key, value in _differing(
            _options(before.table.options, before), _options(after.table.options, after)
        )
    ]
    settings = [(key, new) for key, _, new in declared(before, after)]
    settings += _differing(_picked(before, _SETTING), _picked(after, _SETTING))
    found += [Change("setting", f"{key} = {value}") for key, value in settings]
    return tuple(found)


def meaning(facts: Facts) -> str:
    """What a cell other than the first tells: which of its changes changed the results, if any."""
    what = attributed(facts.changes)
    if not facts.runs:
        return _not_run(facts, what)
    if facts.holds is None:
        return _without_reference(facts, what)
    if facts.alike is None:
        held = "agrees" if facts.holds else "disagrees"
        return f"{held} with the reference; the first cell, to compare it with, {_lost(facts)}"
    return _compared(facts, what)


def _lost(facts: Facts) -> str:
    return "failed" if facts.first_tried else "could not be tried"


def first_meaning(holds: Holds, runs: bool, others: Iterable[Facts], tried: bool = True) -> str:
    """What the first cell tells, given the others, of which those of the same model count."""
    if not runs:
        lost = "failed" if tried else "could not be tried here"
        return f"{lost}: nothing can be compared with it"
    if holds is None:
        return "runs; the reference, to compare it with, failed"
    if holds:
        return "agrees with the reference"
    same = [one for one in others if one.runs and not _replaced(one)]
    alike = [one for one in same if one.holds is False and one.alike]
    if any(one.holds for one in same):
        return "disagrees with the reference, and it is not the model: another cell of it agrees"
    if same and len(alike) == len(same):
        return (
            "disagrees with the reference, and every cell of this model alike: "
            "the model (its export) differs, not a version or option"
        )
    return "disagrees with the reference: its model, its version or its options differ"


def attributed(changed: tuple[Change, ...]) -> str:
    """The changes of a cell as one noun phrase: "the version (onnxruntime 1.31.1 → 1.18.1)"."""
    parts = []
    for kind, (one, many) in _NAMES.items():
        texts = [change.text for change in changed if change.kind == kind]
        if texts:
            parts.append(f"{one if len(texts) == 1 else many} ({', '.join(texts)})")
    return " or ".join(parts) or "nothing that the cell declares"


def _compared(facts: Facts, what: str) -> str:
    """First, this cell and the reference were all run."""
    replaced = "though the model itself was replaced" if _replaced(facts) else ""
    match facts.first_holds, facts.holds, facts.alike:
        case True, True, True:
            same = "nothing changed, number by number" if facts.identical else "nothing changed"
            beyond = "" if facts.identical else " beyond the tolerance"
            return same + beyond + (f", {replaced}" if replaced else "")
        case True, False, False:
            return f"{what} broke it: the first cell agrees with the reference"
        case True, False, True:
            return (
                f"at the edge of the tolerance: {what} moved it a little further from the "
                f"reference than the first cell is"
            )
        case True, True, False:
            return (
                f"agrees with the reference, but {what} moved it further from the first cell than "
                f"the tolerance allows: two differences add up"
            )
        case False, True, False:
            return f"{what} mended it: the first cell disagrees with the reference"
        case False, True, True:
            return (
                f"at the edge of the tolerance: {what} moved it a little nearer to the reference "
                f"than the first cell is"
            )
        case False, False, True:
            if _replaced(facts):
                return "disagrees with the reference as the first cell does, " + replaced
            bits = ", number by number" if facts.identical else ""
            return (
                f"the model (its export) differs from the reference: the first cell disagrees "
                f"alike, and {what} changed nothing{bits}"
            )
    return f"disagrees with the reference as the first cell does, and {what} changed it again"


def _not_run(facts: Facts, what: str) -> str:
    if not facts.tried:
        return "could not be tried here"
    does_not = "does not run" if facts.loads else "does not load"
    does_not += " on every image" if facts.partly else ""
    if not facts.first_runs:
        return f"{does_not}, and the first cell {_lost(facts)} too: it need not be what changed"
    same = "" if _replaced(facts) else ", with the same model,"
    return f"{does_not}, where the first cell{same} runs: {what} is the difference"


def _without_reference(facts: Facts, what: str) -> str:
    if facts.alike is None:
        return f"runs; the reference failed, and the first cell, to compare it with, {_lost(facts)}"
    unknown = "the reference, to compare both with, failed"
    if facts.alike:
        bits = ", number by number" if facts.identical else ""
        return f"agrees with the first cell{bits}; {unknown}"
    return f"{what} changed it: it disagrees with the first cell; {unknown}"


def _replaced(facts: Facts) -> bool:
    return any(change.kind == "model" for change in facts.changes)


def _digests(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    gone = [one for one in before if one not in after]
    come = [one for one in after if one not in before]
    if len(gone) == len(come) == 1 and ":" not in gone[0] + come[0]:
        return f"SHA-256 {gone[0][:8]} → {come[0][:8]}"
    old, new = (
        " + ".join(one if ":" in one else f"SHA-256 {one[:8]}" for one in side)
        for side in (gone, come)
    )
    return f"{old or 'nothing'} → {new or 'nothing'}"


def _versions(first: Ran, cell: Ran) -> list[str]:
    """By what was opened; by what was asked for where that shows no difference or none opened."""
    found = []
    before, after = (_library(one.identity) for one in (first, cell))
    if before and after and before != after:
        library = before.split(" ")[0]
        found.append(f"{before} → {after.removeprefix(f'{library} ')}")
    here, there = _asked(first.runtime), _asked(cell.runtime)
    for key, value in _differing(here, there):
        if key == "requires" and found:
            continue
        found.append(f"{key} {value}" if value is not None else f"no {key} of its own")
    return found


def _asked(runtime: Runtime) -> dict[str, Any]:
    """Requirements, interpreter, Python: this one unless another is asked for."""
    here = "{}.{}".format(*sys.version_info)
    found = _picked(runtime, _VERSION)
    return found | {"python": found["python"] or here}


_NOT_SAID = "not said"


def _library(identity: Mapping[str, Any]) -> str:
    """Name and version; "" of a program that does not say its version, and is its file."""
    if identity.get("version") == _NOT_SAID:
        return ""
    return " ".join(str(identity[key]) for key in ("library", "version") if identity.get(key))


def _options(options: Mapping[str, Any], runtime: Runtime) -> dict[str, Any]:
    return dict(options) | _picked(runtime, _OPTION)


def _picked(runtime: Runtime, keys: Iterable[str]) -> dict[str, Any]:
    values = {key: getattr(runtime.table, key) for key in keys}
    values = {
        key: ", ".join(value) if isinstance(value, tuple) else value
        for key, value in values.items()
    }
    return {key: value or None for key, value in values.items()}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any]]:
    keys = dict.fromkeys([*before, *after])
    return [(key, after.get(key)) for key in keys if before.get(key) != after.get(key)]
