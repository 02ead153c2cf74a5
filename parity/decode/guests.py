"""Families that other packages register, under the entry-point group ``parity.families``.

An entry's name is the family's, its value "module:FAMILY", a ``contract.Family``. What is wrong
with one is a sentence of its own and nobody else's trouble. What a guest's code raises or answers
later on is worded too: it is checked as a function of the suite's is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from typing import Any

from parity.decode.clues.evidence import Likelihood, Seen
from parity.decode.contract import Family, Given, Heads, Size
from parity.decode.heads.answers import checked
from parity.decode.heads.candidates import Candidates, DecodeError, Proposals
from parity.errors import SuiteError

GROUP = "parity.families"
_HOOKS = (
    "roles", "arrange", "trim", "unread", "files", "load", "doubts", "beside", "crossed", "suggest",
)  # fmt: skip
_ARRAYS = (("boxes", "scores"), ("boxes", "scores", "classes"))


class UnknownFamily(ValueError):
    """No family of this name can be used here; the message says what there is, or why not."""


@dataclass(frozen=True)
class Guest:
    """One name that other packages register: ``packages`` by name, and what they call it by."""

    name: str
    packages: tuple[str, ...]
    entry: metadata.EntryPoint

    @property
    def whose(self) -> str:
        """For messages."""
        return f"the family {self.name!r} of the package {self.packages[0]}"

    def family(self, built_in: Collection[str]) -> Family:
        """What is registered, guarded. Raises ``UnknownFamily`` with what is wrong with it."""
        if self.name in built_in:
            raise UnknownFamily(
                f"expected a name of its own for {self.whose}, found that of a built-in family: "
                f"those keep their meaning"
            )
        if len(self.packages) > 1:
            raise UnknownFamily(
                f"expected one package that registers the family {self.name!r}, found "
                f"{' and '.join(self.packages)}; uninstall all but one"
            )
        try:
            found = self.entry.load()
        except (Exception, SystemExit) as error:
            raise UnknownFamily(f"{self.whose} does not load: {_raised(error)}") from error
        if not isinstance(found, Family):
            raise UnknownFamily(
                f"expected a parity.decode.Family at {self.entry.value}, as {self.whose}, "
                f"found {type(found).__name__}"
            )
        if found.name != self.name:
            raise UnknownFamily(
                f"expected {self.whose} to have the name that it is registered by, "
                f"found {found.name!r}"
            )
        return _guarded(found, self.whose)


@cache
def guests() -> dict[str, Guest]:
    """Everything that is registered here, by name; nothing is imported."""
    found: dict[str, Guest] = {}
    for entry in metadata.entry_points(group=GROUP):
        package = "?" if entry.dist is None else str(entry.dist.metadata["Name"])
        others = found[entry.name].packages if entry.name in found else ()
        packages = tuple(sorted({*others, package}))
        found[entry.name] = Guest(entry.name, packages, entry)
    return dict(sorted(found.items()))


def _guarded(family: Family, whose: str) -> Family:
    """The family, whose code raises nothing but worded errors and whose answers are checked."""

    def decode(heads: Heads, given: Given[Any], size: Size) -> Candidates | Proposals:
        answer = _worded(family.decode, whose)(heads, given, size)
        if not isinstance(answer, Candidates | Proposals):
            raise DecodeError(
                f"{whose}: expected Candidates or Proposals, found {type(answer).__name__}"
            )
        labels = () if isinstance(answer, Candidates) else (answer.classes,)
        good = checked((answer.boxes, answer.scores, *labels), given.classes, whose)
        return replace(answer, **{name: getattr(good, name) for name in _ARRAYS[len(labels)]})

    worded: dict[str, Any] = {
        name: _worded(hook, whose) for name in _HOOKS if (hook := getattr(family, name)) is not None
    }
    clues = None if family.clues is None else _quiet(family.clues, whose)
    return replace(family, decode=decode, clues=clues, **worded)


def _worded(call: Callable[..., Any], whose: str) -> Callable[..., Any]:
    def worded(*given: Any) -> Any:
        try:
            return call(*given)
        except (DecodeError, SuiteError):
            raise
        except ValueError as error:
            raise DecodeError(f"{whose}: {error}") from error
        except Exception as error:
            raise DecodeError(f"{whose} raised {_raised(error)}") from error

    return worded


def _quiet(
    clues: Callable[[Seen], Iterator[Likelihood]], whose: str
) -> Callable[[Seen], Iterator[Likelihood]]:
    """Clues that fail say nothing of the heads: a warning tells of them."""

    def quiet(seen: Seen) -> Iterator[Likelihood]:
        try:
            found = list(clues(seen))
        except Exception as error:
            warnings.warn(f"{whose}: its clues raised {_raised(error)}", stacklevel=2)
            return iter(())
        return iter(found)

    return quiet


def _raised(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
