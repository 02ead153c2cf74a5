"""An adapter's failures in words: its code and facts become the typed errors of ``errors.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity import isolation
from parity.errors import (
    ArtifactError,
    HeadsError,
    OptionError,
    RunError,
    RuntimeFailure,
    RuntimeMissing,
    UntrustedError,
)
from parity.runtimes.contract import AdapterError
from parity.suite import Runtime, RuntimeTable
from parity.suite.problems import unknown_name


def typed(runtime: Runtime, error: AdapterError, fed: str = "") -> RuntimeFailure:
    """An adapter's code and facts as the typed error with its message.

    ``fed`` is a sentence about what it was fed when it raised.
    """
    build = _ERRORS.get(error.code, _unforeseen)
    more = {"code": error.code, "table": runtime.table, "fed": fed}
    return build(runtime.name, error.facts | more)


Facts = Mapping[str, Any]
_OURS = ("code", "table", "fed")


def _unforeseen(runtime: str, facts: Facts) -> RuntimeFailure:
    rest = ", ".join(f"{key} = {value}" for key, value in facts.items() if key not in _OURS)
    return RuntimeFailure(runtime, f"{facts['code']}: {rest}")


def _missing_library(runtime: str, facts: Facts) -> RuntimeFailure:
    return RuntimeMissing(runtime, f"{facts['reason']}")


def _missing_file(runtime: str, facts: Facts) -> RuntimeFailure:
    remedy = "Correct the path in parity.toml, or put the file there."
    if _is_exported(facts):
        remedy = "Export it (parity export SUITE) or correct the path in parity.toml."
    return ArtifactError(
        runtime, f"expected a model file at {facts['path']}, found nothing. {remedy}"
    )


def _is_exported(facts: Facts) -> bool:
    """Whether ``parity export`` makes the file that an error is about."""
    table: RuntimeTable = facts["table"]
    return table.export is not None and not _is_weights(facts)


def _is_weights(facts: Facts) -> bool:
    """Whether an error is about the file of weights beside a factory."""
    weights = facts["table"].weights
    return bool(weights) and str(facts["path"]).endswith(str(weights))


def _not_loadable(runtime: str, facts: Facts) -> RuntimeFailure:
    found, reason = str(facts["found"]), str(facts.get("reason", ""))
    if found in str(facts["expected"]):
        found = "one that does not load"
    if reason and not reason.startswith(f"the file is {found}"):
        found += f": {reason}"
    exported = _is_exported(facts)
    remedy = "export it again (parity export SUITE)" if exported else "put another file there"
    key = "weights" if _is_weights(facts) else "kind or model"
    return ArtifactError(
        runtime,
        f"expected {facts['expected']} at {facts['path']}, found {found}. "
        f"Correct {key} in parity.toml, or {remedy}.",
    )


def _missing_weights(runtime: str, facts: Facts) -> RuntimeFailure:
    lines = []
    for key, words in (
        ("missing", "missing from the file"),
        ("unexpected", "not in the network"),
        ("mismatched", "of another shape"),
    ):
        names = [str(name) for name in facts.get(key, ())]
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            lines.append(f"{len(names)} {words}: {', '.join(names[:5])}{more}")
    found = "; ".join(lines) or str(facts.get("reason", "none"))
    return ArtifactError(
        runtime, f"expected weights that fit the network at {facts['path']}, found {found}"
    )


def _untrusted(runtime: str, facts: Facts) -> RuntimeFailure:
    findings = "; ".join(map(str, facts["findings"]))
    remedy = "export it again" if _is_exported(facts) else "put a whole one there"
    damaged = f" The file may be damaged: {remedy}." if "cannot be scanned" in findings else ""
    return UntrustedError(
        runtime,
        f"expected a model without code of its own at {facts['path']}, found {findings}.{damaged} "
        f"If you trust whoever made it, say trust = true under [runtimes.{runtime}].",
    )


def _bad_option(runtime: str, facts: Facts) -> RuntimeFailure:
    if "expected" in facts:
        said = f"expected {facts['expected']}, found {facts['found']}"
        return OptionError(runtime, f"options.{facts['option']}: {said}")
    known = ", ".join(map(str, facts["known"]))
    value = f" = {facts['value']!r}" if facts.get("value") is not None else ""
    return OptionError(
        runtime,
        f"options.{facts['option']}: expected one of {known}, found {facts['option']}{value}",
    )


def _not_usable(runtime: str, facts: Facts) -> RuntimeFailure:
    return ArtifactError(
        runtime,
        f"expected {facts['expected']} at {facts['path']}, found {facts['found']}. "
        f"Correct the path in parity.toml, or the program that wrote it.",
    )


def _bad_heads(runtime: str, facts: Facts) -> RuntimeFailure:
    return HeadsError(
        runtime, f"expected {facts['expected']} at {facts['path']}, found {facts['found']}"
    )


def _not_recorded(runtime: str, facts: Facts) -> RuntimeFailure:
    others = [repr(one) for one in facts["others"]]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return RunError(
        runtime,
        f"expected {facts['image']!r} in {facts['path']}, found "
        f"{', '.join(others[:3]) or 'nothing'}{more}; {facts['advice']}",
    )


def _program_failed(runtime: str, facts: Facts) -> RuntimeFailure:
    lines = "".join(f"\n  {line}" for line in facts["lines"])
    said = f"; the last lines of its standard error:{lines}" if lines else ""
    expected = f"the program {facts['program']} {facts['expected']}"
    return RunError(runtime, f"expected {expected}, found {facts['found']}{said}")


def _bad_reference(runtime: str, facts: Facts) -> RuntimeFailure:
    return OptionError(
        runtime,
        f"expected 'module:function' from the suite's folder or an installed package, "
        f"found {facts['reference']!r}: {facts['reason']}",
    )


def _factory_failed(runtime: str, facts: Facts) -> RuntimeFailure:
    return ArtifactError(
        runtime,
        f"expected {facts.get('expected', 'a torch module')} from {facts['reference']!r}, "
        f"found that {facts['reason']}",
    )


def _unknown_kind(runtime: str, facts: Facts) -> RuntimeFailure:
    known = [str(kind) for kind in facts["known"] if kind != "fake"]
    return OptionError(runtime, unknown_name("kind", str(facts["kind"]), known))


def _run_failed(runtime: str, facts: Facts) -> RuntimeFailure:
    return RunError(runtime, f"raised while it ran: {facts['reason']}{facts['fed']}")


def _cannot_trace(runtime: str, facts: Facts) -> RuntimeFailure:
    return RuntimeFailure(
        runtime,
        f"expected a {facts['kind']} runtime whose layers can be seen, found one whose layers "
        f"cannot: {facts['reason']}",
    )


_ERRORS = {
    "cannot-trace": _cannot_trace,
    "missing-library": _missing_library,
    "missing-file": _missing_file,
    "not-loadable": _not_loadable,
    "missing-weights": _missing_weights,
    "untrusted": _untrusted,
    "bad-option": _bad_option,
    "bad-reference": _bad_reference,
    "factory-failed": _factory_failed,
    "unknown-kind": _unknown_kind,
    "run-failed": _run_failed,
    "not-usable": _not_usable,
    "bad-heads": _bad_heads,
    "not-recorded": _not_recorded,
    "program-failed": _program_failed,
    **isolation.ERRORS,
}
