"""Why torch refused a file, of any kind: the sentences of the versions that were tried."""

import pickle
import platform
from typing import Any, Dict

from ..shared.refusals import compared, reader, rule, unknown


def pickle_version(protocol: int) -> Dict[str, Any]:
    """Facts of ``version``: a pickle that is too new is Python's affair and not the library's."""
    return {
        "what": "pickle protocol",
        "found": str(protocol),
        "limit": str(pickle.HIGHEST_PROTOCOL),
        "too": "new",
        "library": f"Python {platform.python_version()}",
    }


_RULES = (
    rule(
        r"Attempted to read a PyTorch file with version (\d+), but the (?:max|min)imum supported "
        r"version for reading is (\d+)",
        "version",
        lambda found, limit: compared("file version", found, limit),
    ),
    rule(
        r"schema version SchemaVersion\(major=(\d+), minor=\d+\) does not match our current schema "
        r"version \((\d+),",
        "version",
        lambda found, limit: compared("schema version", found, limit),
    ),
    rule(
        r"Saved archive version (\d+) does not match our current archive version (\d+)",
        "version",
        lambda found, limit: compared("archive version", found, limit),
    ),
    rule(
        r"unsupported pickle protocol: (\d+)",
        "version",
        lambda found: pickle_version(int(found)),
    ),
    rule(
        r"Unknown builtin op: ([\w:.]+?)\.",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"failed to resolve torch\.ops\.([\w.]+) to an operator",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"No module named '([\w.]+)'",
        "not-registered",
        lambda name: unknown("module", name),
    ),
    rule(
        r"Can't get attribute '(\w+)' on <module '([\w.]+)'",
        "not-registered",
        lambda name, module: unknown("class", f"{module}.{name}"),
    ),
    rule(
        r"PytorchStreamReader failed|unexpected EOF|might be corrupted|archive is corrupted"
        r"|[Ii]nvalid magic number|is not a ZIP archive|invalid load key|pickle data was truncated",
        "damaged",
    ),
)

explain = reader(_RULES)
