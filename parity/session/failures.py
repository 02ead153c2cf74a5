"""An adapter's failures in words: its code and facts become the typed errors of ``errors.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parity import errors, isolation, runtimes
from parity.errors import RuntimeFailure
from parity.runtimes.contract import AdapterError
from parity.session import wording
from parity.session.weights import not_fitting
from parity.suite import Runtime
from parity.suite.problems import unknown_name

Facts = Mapping[str, Any]
_OURS = ("code", "table", "fed", "runtime")


def typed(runtime: Runtime, error: AdapterError, fed: str = "") -> RuntimeFailure:
    """An adapter's code and facts as the typed error with its message, wherever it was raised.

    ``fed`` is a sentence about what it was fed when it raised.
    """
    kind, words = ERRORS.get(error.code, (RuntimeFailure, _unforeseen))
    ours = {"code": error.code, "table": runtime.table, "fed": fed, "runtime": runtime.name}
    facts = error.facts | ours
    if error.code == "missing-library" and isolation.is_foreign(runtime):
        words = isolation.missing_library
    failure = kind(runtime.name, words(facts))
    failure.cause = error.code
    return failure


def _unforeseen(facts: Facts) -> str:
    rest = ", ".join(f"{key} = {value}" for key, value in facts.items() if key not in _OURS)
    return f"{facts['code']}: {rest}"


def _missing_library(facts: Facts) -> str:
    return f"{facts['reason']}"


def _bad_option(facts: Facts) -> str:
    if "expected" in facts:
        said = f"expected {facts['expected']}, found {facts['found']}"
        return f"options.{facts['option']}: {said}"
    choices = "one of " if len(facts["known"]) > 1 else ""
    known = choices + ", ".join(map(str, facts["known"])) if facts["known"] else "no options"
    value = f" = {facts['value']!r}" if facts.get("value") is not None else ""
    return f"options.{facts['option']}: expected {known}, found {facts['option']}{value}"


def _not_applied(facts: Facts) -> str:
    return (
        f"options.{facts['option']}: expected {facts['asked']}, as was asked for, found "
        f"{facts['found']}. {facts['remedy']}"
    )


def _not_usable(facts: Facts) -> str:
    return (
        f"expected {facts['expected']} at {facts['path']}, found {facts['found']}. "
        f"Correct the path in parity.toml, or the program that wrote it."
    )


def _bad_heads(facts: Facts) -> str:
    return f"expected {facts['expected']} at {facts['path']}, found {facts['found']}"


def _not_recorded(facts: Facts) -> str:
    others = [repr(one) for one in facts["others"]]
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return (
        f"expected {facts['image']!r} in {facts['path']}, found "
        f"{', '.join(others[:3]) or 'nothing'}{more}; {facts['advice']}"
    )


def _program_failed(facts: Facts) -> str:
    lines = "".join(f"\n  {line}" for line in facts["lines"])
    said = f"; the last lines of its standard error:{lines}" if lines else ""
    expected = f"the program {facts['program']} {facts['expected']}"
    return f"expected {expected}, found {facts['found']}{said}"


def _bad_reference(facts: Facts) -> str:
    if facts.get("broken"):  # for every function of it alike
        return (
            f"expected the module {facts['broken']} to be importable, found that {facts['reason']}"
        )
    return (
        f"expected 'module:function' from the suite's folder or an installed package, "
        f"found {facts['reference']!r}: {facts['reason']}"
    )


def _factory_failed(facts: Facts) -> str:
    return (
        f"expected {facts.get('expected', 'a torch module')} from {facts['reference']!r}, found "
        f"that {facts['reason']}"
    )


def _unknown_kind(facts: Facts) -> str:
    package = facts.get("provider")
    if package:
        return (
            f"kind: expected one that the runtime's own environment knows, found "
            f"{str(facts['kind'])!r}, which the package {package} registers here and nobody there: "
            f"add {str(package)!r} to its requires"
        )
    known = [str(kind) for kind in facts["known"] if not runtimes.descriptor(str(kind)).hidden]
    return unknown_name("kind", str(facts["kind"]), known)


def _run_failed(facts: Facts) -> str:
    return f"raised while it ran: {facts['reason']}{facts['fed']}"


def _bad_input(facts: Facts) -> str:
    return f"expected the input that the model declares, found another: {facts['reason']}"


def _cannot_trace(facts: Facts) -> str:
    return (
        f"expected a {facts['kind']} runtime whose layers can be seen, found one whose layers "
        f"cannot: {facts['reason']}"
    )


ERRORS: Mapping[str, tuple[type[RuntimeFailure], Callable[[Facts], str]]] = {
    "missing-library": (errors.RuntimeMissing, _missing_library),
    "broken-library": (errors.RuntimeBroken, isolation.broken_library),
    "missing-file": (errors.MissingFile, wording.missing_file),
    "not-downloaded": (errors.NotDownloaded, wording.not_downloaded),
    "other-format": (errors.OtherFormat, wording.other_format),
    "damaged": (errors.DamagedFile, wording.damaged),
    "external-data": (errors.ExternalDataError, wording.external_data),
    "version": (errors.UnsupportedVersion, wording.version),
    "not-registered": (errors.NotRegistered, wording.not_registered),
    "flex": (errors.FlexMissing, wording.flex),
    "weights-alone": (errors.WeightsAlone, wording.weights_alone),
    "model-as-weights": (errors.ModelAsWeights, wording.model_as_weights),
    "missing-weights": (errors.WeightsMismatch, not_fitting),
    "not-loadable": (errors.ArtifactError, wording.not_loadable),
    "not-usable": (errors.ArtifactError, _not_usable),
    "factory-failed": (errors.ArtifactError, _factory_failed),
    "untrusted": (errors.UntrustedError, wording.untrusted),
    "bad-option": (errors.OptionError, _bad_option),
    "not-applied": (errors.NotApplied, _not_applied),
    "bad-reference": (errors.OptionError, _bad_reference),
    "unknown-kind": (errors.OptionError, _unknown_kind),
    "bad-input": (errors.InputError, _bad_input),
    "bad-heads": (errors.HeadsError, _bad_heads),
    "run-failed": (errors.RunError, _run_failed),
    "not-recorded": (errors.RunError, _not_recorded),
    "program-failed": (errors.RunError, _program_failed),
    "cannot-trace": (RuntimeFailure, _cannot_trace),
    "timed-out": (errors.RunError, isolation.timed_out),
    "worker-lost": (errors.RunError, isolation.worker_lost),
    "out-of-memory": (errors.OutOfMemory, isolation.out_of_memory),
}
"""Code → class and words. There is no other table: what runs apart raises the same codes."""
