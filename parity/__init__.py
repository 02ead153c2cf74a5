"""One detector, every runtime, the same detections.

``parity.check(suite)`` judges every candidate of a ``parity.toml`` against its reference and
returns a ``SuiteRecord``. Everything heavy is imported when it is first used.
"""

from typing import TYPE_CHECKING, Any

from parity.version import __version__

if TYPE_CHECKING:
    from parity.detections import Detections
    from parity.errors import (
        ArtifactError,
        DamagedFile,
        ExternalDataError,
        FlexMissing,
        InputError,
        MissingFile,
        ModelAsWeights,
        NotApplied,
        NotDownloaded,
        NotRegistered,
        OtherFormat,
        OutOfMemory,
        ParityError,
        RuntimeFailure,
        SuiteError,
        UnsupportedVersion,
        UntrustedError,
        UsageError,
        WeightsAlone,
        WeightsMismatch,
    )
    from parity.harness import Run, check, record
    from parity.harness.comparing import assert_agreement, compare
    from parity.harness.matrix import matrix
    from parity.suite import Suite
    from parity.suite import load as load_suite

__all__ = [
    "ArtifactError",
    "DamagedFile",
    "Detections",
    "ExternalDataError",
    "FlexMissing",
    "InputError",
    "MissingFile",
    "ModelAsWeights",
    "NotApplied",
    "NotDownloaded",
    "NotRegistered",
    "OtherFormat",
    "OutOfMemory",
    "ParityError",
    "Run",
    "RuntimeFailure",
    "Suite",
    "SuiteError",
    "UnsupportedVersion",
    "UntrustedError",
    "UsageError",
    "WeightsAlone",
    "WeightsMismatch",
    "__version__",
    "assert_agreement",
    "check",
    "compare",
    "load_suite",
    "matrix",
    "record",
]

_HOMES = {
    "Detections": ("parity.detections", "Detections"),
    "Run": ("parity.harness", "Run"),
    "Suite": ("parity.suite", "Suite"),
    "assert_agreement": ("parity.harness.comparing", "assert_agreement"),
    "compare": ("parity.harness.comparing", "compare"),
    "check": ("parity.harness", "check"),
    "load_suite": ("parity.suite", "load"),
    "matrix": ("parity.harness.matrix", "matrix"),
    "record": ("parity.harness", "record"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: pytest imports this package at every start."""
    if name not in __all__:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    import importlib

    module, attribute = _HOMES.get(name, ("parity.errors", name))
    return getattr(importlib.import_module(module), attribute)
